#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the patches of a case from our edits and a kernel's source: patches.sh CASE SOURCE OUT.
#
# No text of the kernel is kept here: a case edits a copy of the files that it names, and the
# difference is the patch. OUT/1.patch is the first, OUT/2.patch goes on top of it, and so on.
set -eu

case_dir=$1 source=$2 out=$3
updates=1

# For cases: puts standard input before the first line of FILE that matches the awk REGEX.
insert_before() {
	cat >"$2.text"
	awk -v regex="$1" -v text="$2.text" '
		!done && $0 ~ regex { while ((getline line <text) > 0) print line; done = 1 }
		{ print }
		END { exit !done }' "$2" >"$2.new"
	mv "$2.new" "$2"
	rm "$2.text"
}

# shellcheck disable=SC1091 # each case has its own
. "$case_dir/case"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
# shellcheck disable=SC2154 # the case sets files
for file in $files; do
	mkdir -p "$work/b/$(dirname "$file")"
	cp "$source/$file" "$work/b/$file"
done
for number in $updates; do
	rm -rf "$work/a"
	cp -r "$work/b" "$work/a"
	(cd "$work/b" && edit "$number")
	: >"$out/$number.patch"
	for file in $files; do
		diff -u --label "a/$file" --label "b/$file" "$work/a/$file" "$work/b/$file" \
			>"$work/diff" && { echo "$case_dir: $file: edit $number changes nothing" >&2; exit 1; }
		cat "$work/diff" >>"$out/$number.patch"
	done
done
