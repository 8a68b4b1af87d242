#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Help texts, bad usage, exit codes, versions.
set -u
. tests/cli/lib.sh

ends "no verb" 1
complains "no verb: the error says what to do" '^upkeep: no verb is given: see `upkeep --help'
is "no verb: nothing on standard output" "" "$(cat "$work/out")"

ends "unknown verb" 1 frobnicate
complains "unknown verb: it is named" "^upkeep: unknown verb 'frobnicate'"

ends "help" 0 --help
for verb in apply check create help history inspect keygen preflight replace status undo version; do
	says "help lists $verb" "^  $verb +[A-Z]"
done
cp "$work/out" "$work/long"
run help
is "help and --help say the same" "$(cat "$work/long")" "$(cat "$work/out")"

for verb in $(verbs); do
	ends "help $verb" 0 help "$verb"
	says "help $verb: usage" "^Usage: upkeep $verb "
	cp "$work/out" "$work/long"
	run "$verb" --help
	is "help $verb and $verb --help say the same" "$(cat "$work/long")" "$(cat "$work/out")"
	ends "$verb with an unknown option" 1 "$verb" --no-such-option
	complains "$verb with an unknown option: it is named" \
		"^upkeep $verb: unrecognized option '--no-such-option'"
	is "$verb with an unknown option: standard output" "" "$(cat "$work/out")"
done
ends "help of what is no verb" 1 help frobnicate
complains "help of what is no verb: it is named" "^upkeep: help: unknown verb 'frobnicate'"

for verb in apply check inspect undo keygen; do
	ends "$verb without its argument" 1 "$verb"
	complains "$verb without its argument: said so" "^upkeep $verb: the .* is missing"
	ends "$verb with two arguments" 1 "$verb" one two
	complains "$verb with two arguments: said so" "and 'two' is another"
done
for wait in x -1 1e99 nan '' 5s; do
	ends "apply --wait='$wait'" 1 apply "--wait=$wait" file
	complains "apply --wait='$wait': said so" "^upkeep apply: --wait takes seconds from 0 "
done

ends "version" 0 version
is "version and --version say the same" "$("$UPKEEP" --version)" "$(cat "$work/out")"
says "version has a number" '^upkeep [0-9]+\.[0-9]+\.[0-9]+$'
ends "version as JSON" 0 version --json
json "version as JSON: schema and result" \
	'it["schema"] == 1 and it["verb"] == "version" and it["result"] == "done"
	and it["exit_code"] == 0 and it["message"] is None and it["abi"] >= 1'
ends "options before the verb" 0 --verbose version
says "options before the verb hold" 'bundle format 1'

"$UPKEEP" version >/dev/full 2>"$work/err"
is "a full disk: exit status" 1 $?
complains "a full disk: said so" '^upkeep: version: standard output: No space left on device'
done_testing
