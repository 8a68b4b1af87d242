#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs TAP programs through prove, then says how many cases passed, failed, were skipped. Those
# named in BESIDE are run beside the others, one after the other, and shown behind them. With
# FUZZ=O the parsers are fuzzed meanwhile, in what time the others leave, and counted at the end.
set -u

log=$(mktemp)
fuzzed=$(mktemp)
beside=$(mktemp)
trap 'rm -f "$log" "$fuzzed" "$beside"' EXIT
wanted=1
[ -z "${FUZZ:-}" ] || wanted=$((wanted + 1))
[ -z "${BESIDE:-}" ] || wanted=$((wanted + 1))
{
	[ -z "${FUZZ:-}" ] || nice -n 19 tests/fuzz/run.sh 60 "$FUZZ" >"$fuzzed" 2>&1 &
	# shellcheck disable=SC2086 # a list of programs
	[ -z "${BESIDE:-}" ] || prove -v --timer --exec '' $BESIDE >"$beside" 2>&1 &
	prove -v --timer --exec '' "$@" 2>&1
	wait
	cat "$beside"
	if [ -n "${FUZZ:-}" ]; then
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
# What failed, and why, once more: it may stand far above.
awk '/^not ok [0-9]/ { more = 30; print; next } /^#/ && more { more--; print; next } { more = 0 }' "$log"
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
