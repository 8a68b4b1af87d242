#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep keygen: files, modes, trust.
set -u
. tests/cli/lib.sh

umask 000
ends "keygen" 0 keygen "$work/a"
says "keygen says the id" '^key [0-9a-f]{16}$'
is "the secret key is its owner's" 600 "$(stat -c %a "$work/a.key")"
is "the public key is not for others to write" 644 "$(stat -c %a "$work/a.pub")"
secret=$(cat "$work/a.key")

ends "keygen over an existing key" 1 keygen "$work/a"
complains "keygen over an existing key: said so" '^upkeep: keygen: .*a.key: exists already'
is "the existing key is left alone" "$secret" "$(cat "$work/a.key")"

rm "$work/a.key"
ends "keygen over an existing public key" 1 keygen "$work/a"
test ! -e "$work/a.key"
ok "nothing is left behind" $?

ends "keygen --trust" 0 keygen "--trust=$work/trusted" "$work/b"
id=$(sed -n 's/^key //p' "$work/out")
cmp -s "$work/b.pub" "$work/trusted/$id.pub"
ok "the public key is in the folder, by its id" $?
is "the folder is not for others to write" 755 "$(stat -c %a "$work/trusted")"

ends "keygen --json" 0 keygen --json "$work/c"
json "keygen --json: names" "it['secret'] == '$work/c.key' and it['public'] == '$work/c.pub'
	and len(it['key']) == 16 and it['trusted'] is None"

ends "keygen where there is no folder" 1 keygen "$work/none/d"
complains "keygen where there is no folder: said so" "$work/none/d.*No such file or directory"
# Killed at any moment: whole files or none, and no secret half without its public one.
mkdir "$work/killed"
bad=
both=0
for delay in $(seq 0.0002 0.0004 0.02); do
	rm -f "$work/killed"/*
	timeout -s KILL "$delay" "$UPKEEP" keygen -q "$work/killed/k" >"$work/out" 2>&1
	for file in "$work/killed"/*; do
		case $file in
		*/k.key) [ -e "$work/killed/k.pub" ] || bad="$bad $file alone" ;;
		*/k.pub | */'*') ;;
		*) bad="$bad $file" ;;
		esac
		[ ! -e "$file" ] || [ "$(wc -l <"$file")" = 2 ] || bad="$bad $file cut off"
	done
	[ ! -e "$work/killed/k.key" ] || both=$((both + 1))
done
is "keygen killed at any moment" "" "$bad"
test "$both" -lt 50
ok "some were killed before their end" $?
ends "keygen --quiet" 0 keygen --quiet "$work/e"
is "keygen --quiet says nothing" "" "$(cat "$work/out" "$work/err")"
done_testing
