#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: counts the instructions of one call, on the stock kernel, with the update, and
# with a livepatch that leads to the same new code: call.sh NAME WHAT OBJECT FUNCTION ID
# Says a line "@ NAME STATE COUNT RESULT" for each state.
set -eu
name=$1 what=$2 object=$3 function=$4 id=$5
klp=/sys/kernel/livepatch/bench_klp

count() {
	echo "@ $name $1 $(/bench/count "$what")"
}

# Until the file says so; a transition takes as long as the slowest task.
settled() {
	for _ in $(seq 600); do
		[ -e "$klp" ] || return "$1"
		[ "$(cat $klp/transition)" = 0 ] && return 0
		usleep 100000
	done
	echo "the livepatch does not settle" >&2
	return 1
}

count stock
upkeep apply --quiet "/bench/$name.upk"
count update
addr=$(grep " $function " "/sys/kernel/upkeep/$id/functions" | cut -d ' ' -f 5)
upkeep undo --quiet "$id"
count undone
[ "$object" = none ] && exit 0
parameters="name=$function addr=$addr"
[ "$object" = vmlinux ] || parameters="$parameters object=$object"
koload /bench/bench_klp.ko "$parameters"
settled 1
count livepatch
echo 0 >$klp/enabled
settled 0
rmmod bench_klp
count stock-again
