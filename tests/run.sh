#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs TAP programs through prove, then says how many cases passed, failed, were skipped. With
# FUZZ=O the parsers are fuzzed meanwhile, in what time the others leave, and counted at the end.
set -u

log=$(mktemp)
fuzzed=$(mktemp)
trap 'rm -f "$log" "$fuzzed"' EXIT
wanted=1
[ -z "${FUZZ:-}" ] || wanted=2
{
	[ -z "${FUZZ:-}" ] || nice -n 19 tests/fuzz/run.sh 60 "$FUZZ" >"$fuzzed" 2>&1 &
	prove -v --exec '' "$@" 2>&1
	if [ -n "${FUZZ:-}" ]; then
		wait
		prove -v --exec cat "$fuzzed" 2>&1
	fi
} | tee "$log"

passed=$(grep -c '^ok [0-9]' "$log")
skipped=$(grep -c '^ok [0-9].*# [Ss][Kk][Ii][Pp]' "$log")
failed=$(grep -c '^not ok [0-9]' "$log")
# A program that dies before its plan is a failure that no line counts.
if [ "$(grep -c '^Result: PASS' "$log")" != $wanted ] && [ "$failed" = 0 ]; then
	failed=1
fi
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
