#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep preflight: what it says of a process, of wrong names, and that it touches nothing.
set -u
. tests/cli/lib.sh

# Whatever else is open here would be shared with whoever runs the tests.
python3 -c 'import os
os.closerange(3, 1000)
os.setsid()
os.execvp("sleep", ["sleep", "1000"])' </dev/null >/dev/null 2>&1 &
kept=$!
trap 'kill $kept; rm -rf "$work"' EXIT
until [ "$(cat "/proc/$kept/comm")" = sleep ]; do
	sleep 0.1
done

ends "an argument" 1 preflight nginx
complains "an argument: said so" "^upkeep preflight: 'nginx' is no option: name what is kept with"
ends "a trial of nothing" 1 preflight --trial
complains "a trial of nothing: said so" "^upkeep preflight: say what to try \\(--keep\\)"
for name in ../x '' session: pid:0 1 4194303; do
	ends "--keep='$name'" 1 preflight --keep "$name"
	complains "--keep='$name': said so" '^upkeep: preflight: '
	is "--keep='$name': nothing else" "" "$(cat "$work/out")"
done
ends "a process twice" 1 preflight --keep $kept -K pid:$kept
complains "a process twice: said so" "belongs to pid $kept and to pid $kept: keep one of them"
ends "a kernel of no name" 1 preflight --kernel ../x
complains "a kernel of no name: said so" "'../x' is no release of a kernel"

ends "left out, but not kept" 1 preflight --without $kept
complains "left out, but not kept: said so" "pid $kept is not kept, and cannot be left out"
ends "all left out" 1 preflight --keep $kept --without pid:$kept
complains "all left out: said so" "all is left out, and nothing would be kept"

ends "a kernel that is not there" 2 preflight --kernel 9.9.9-none --keep $kept
says "a kernel that is not there: said so" '^  impossible  9.9.9-none: its image is not installed'
complains "a kernel that is not there: counted" \
	'^upkeep: preflight: [0-9]+ findings? (is|are) not possible: 0 of 1 services would be lost, and'
says "the service" "^pid $kept \\(1 process\\): changed"
says "how it is changed" "^  changed     $kept \\(sleep\\): the call returns early, with EINTR"
says "what is exact is counted" '^  exact       [0-9]+ resources'

run preflight --kernel 9.9.9-none --keep $kept --verbose
says "with --verbose: the name of a finding, and its source" \
	"\\[interrupted-tree:pid $kept:$kept; kernel: -ERESTART_RESTARTBLOCK"
says "with --verbose: what is exact" "^  exact       fd 0 of $kept \\(sleep\\)"
ends "with --quiet" 2 preflight -q --kernel 9.9.9-none --keep $kept
is "with --quiet: nothing" "" "$(cat "$work/out")"

ends "as JSON" 2 preflight --kernel 9.9.9-none --keep $kept --json
json "as JSON: how it ended" \
	'it["schema"] == 1 and it["verb"] == "preflight" and it["result"] == "refused"'
json "as JSON: the machine" 'it["kernel"] == "9.9.9-none" and it["running"]
	and it["machine"]["verdict"] == "impossible" and it["image_bytes"] > 0
	and any(f["id"] == "kernel:9.9.9-none" and f["kind"] == "host" for f in it["machine"]["findings"])'
json "as JSON: the service" "len(it['services']) == 1
	and it['services'][0]['name'] == 'pid $kept' and it['services'][0]['kind'] == 'process'
	and it['services'][0]['verdict'] == 'changed' and it['services'][0]['main_pid'] == $kept
	and it['services'][0]['processes'][0]['name'] == 'sleep'"
json "as JSON: a finding" "[f for f in it['services'][0]['findings'] if f['rule'] == 'interrupted-tree'][0]
	.items() >= {'id': 'interrupted-tree:pid $kept:$kept', 'verdict': 'changed', 'kind': 'thread',
	'resource': '$kept (sleep)', 'remedy': 'keep its unit'}.items()"
json "as JSON: the worst comes first" "(lambda v: v == sorted(v, key=['impossible', 'changed',
	'repaired', 'exact'].index))([f['verdict'] for f in it['services'][0]['findings']])"
is "it sleeps on" S "$(cut -d' ' -f3 "/proc/$kept/stat")"
done_testing
