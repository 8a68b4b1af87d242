#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs TAP programs through prove, then says how many cases passed, failed, were skipped.
set -u

log=$(mktemp)
trap 'rm -f "$log"' EXIT
prove -v --exec '' "$@" 2>&1 | tee "$log"

passed=$(grep -c '^ok [0-9]' "$log")
skipped=$(grep -c '^ok [0-9].*# [Ss][Kk][Ii][Pp]' "$log")
failed=$(grep -c '^not ok [0-9]' "$log")
# A program that dies before its plan is a failure that no line counts.
if ! grep -q '^Result: PASS' "$log" && [ "$failed" = 0 ]; then
	failed=1
fi
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
