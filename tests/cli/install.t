#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make install: everything is there, runs from there, and holds the same bytes each time.
set -u
. tests/cli/lib.sh

umask 022
dest=$work/dest
make --no-print-directory install DESTDIR="$dest" >"$work/out" 2>"$work/err"
ok "make install" $?
is "the program runs" "$("$UPKEEP" version)" "$("$dest/usr/bin/upkeep" version)"
for verb in $(verbs); do
	test -f "$dest/usr/share/man/man1/upkeep-$verb.1"
	ok "the page of $verb" $?
done
for file in usr/share/man/man1/upkeep.1 usr/share/bash-completion/completions/upkeep \
	usr/share/upkeep/kmod/Kbuild usr/share/upkeep/include/upkeep/abi.h \
	usr/share/doc/upkeep/COPYING usr/share/doc/upkeep/CHANGES; do
	test -s "$dest/$file"
	ok "$file" $?
done
for file in kmod/*.c kmod/*.h; do
	cmp -s "$file" "$dest/usr/share/upkeep/$file"
	ok "$file goes along" $?
done
is "the folder of trusted keys" "755 0" \
	"$(find "$dest/etc/upkeep/trusted.d" -printf '%m ' ; find "$dest/etc/upkeep/trusted.d" -type f | wc -l)"
is "nothing is writable for others" "" "$(find "$dest" -perm /022 ! -type l)"

find "$dest" -type f -exec sha256sum {} + | sort >"$work/first"
make --no-print-directory install DESTDIR="$dest" >"$work/out" 2>"$work/err"
ok "make install again" $?
find "$dest" -type f -exec sha256sum {} + | sort | diff "$work/first" - >"$work/out"
ok "the same bytes" $?
done_testing
