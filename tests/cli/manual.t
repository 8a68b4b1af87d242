#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages: one for each verb, without warnings, naming every option and no other.
set -u
. tests/cli/lib.sh

for verb in $(verbs); do
	page=docs/man/upkeep-$verb.1
	test -f "$page"
	ok "$verb has a page" $?
	# In mdoc: ".It Fl w , Fl -wait Ns = ..."; the common options stand in upkeep.1.
	grep -qE "^\.It Cm $verb\$" docs/man/upkeep.1
	ok "upkeep(1) lists $verb" $?
	grep -qE "^\.Xr upkeep-$verb 1" docs/man/upkeep.1
	ok "upkeep(1) refers to upkeep-$verb(1)" $?
	"$UPKEEP" "$verb" --help | option_column | grep -oE -- '--[a-z-]+' | sort -u |
		grep -vE -- '^--(quiet|verbose|help|usage|version)$' >"$work/wanted"
	grep -oE -- 'Fl -[a-z-]+' "$page" | sed 's/Fl -/--/' | sort -u |
		grep -vE -- '^--(quiet|verbose|help)$' >"$work/out"
	diff "$work/wanted" "$work/out" >"$work/err"
	ok "upkeep-$verb(1) tells of its options" $?
	grep -q '^\.Sh EXIT STATUS' "$page"
	ok "upkeep-$verb(1) tells of the exit status" $?
done
for option in quiet verbose help usage version; do
	grep -qE "^\.It .*Fl -$option\$" docs/man/upkeep.1
	ok "upkeep(1) tells of --$option" $?
done
for page in docs/man/*.1; do
	mandoc -Tlint -W warning "$page" >"$work/out" 2>&1
	ok "${page##*/} is without warnings" $?
done
is "no page is without its verb" "$(verbs | wc -l)" \
	"$(find docs/man -name 'upkeep-*.1' | wc -l)"
done_testing
