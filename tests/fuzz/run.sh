#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzes every parser of outside bytes for some seconds each, two at once:
#
#	run.sh [SECONDS [O]]
#
# The corpus stays in O/fuzz/corpus, so a later run goes on from there; seeds are made anew.
# Reports TAP.
set -u

seconds=${1:-60}
out=${2:-build}/fuzz
at_once=2
fewest=100 # runs; less is no test
unset MAKEFLAGS MFLAGS MAKELEVEL
bail_out() {
	sed 's/^/# /' "$out/build.log"
	echo "Bail out! $1"
	exit 1
}

mkdir -p "$out/corpus" "$out/logs"
make -j"$at_once" O="${2:-build}" fuzz-programs >"$out/build.log" 2>&1 || bail_out "not built"
"$out/tests/fuzz/seed" "$out/corpus" >"$out/build.log" 2>&1 || bail_out "no seeds"

# One program to its end; the status of it lies beside its log.
fuzz() { # NAME
	mkdir -p "$out/corpus/$1"
	"$out/tests/fuzz/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
		-max_len=65536 -artifact_prefix="$out/$1-" "$out/corpus/$1" \
		>"$out/logs/$1" 2>&1
	echo $? >"$out/logs/$1.status"
}

names=$(for source in tests/fuzz/fuzz_*.c; do basename "$source" .c; done)
rm -f "$out"/logs/* "$out"/fuzz_*-*-*
turn() { # FIRST: every at_once'th program from that one on
	number=0
	for name in $names; do
		[ $((number % at_once)) != "$1" ] || fuzz "$name"
		number=$((number + 1))
	done
}
turn 0 &
turn 1
wait

number=0 failed=0
for name in $names; do
	number=$((number + 1))
	log=$out/logs/$name
	runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
	if [ "$(cat "$log.status")" = 0 ] && [ "${runs:-0}" -ge $fewest ]; then
		echo "ok $number - $name: $runs runs in $seconds s"
		continue
	fi
	failed=1
	echo "not ok $number - $name: ${runs:-no} runs (at least $fewest are wanted)"
	tail -n 40 "$log" | sed 's/^/# /'
	for input in "$out/$name"-*-*; do
		[ ! -s "$input" ] || { echo "# ${input##*/}:" && base64 "$input" | head -n 60 | sed 's/^/#   /'; }
	done
done
echo "1..$number"
exit $failed
