#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo's part in the guest. Lines "@@ KEY VALUE" are for the summary, the others are shown.
set -u
update=/demo/fix.upk
id=$(cat /demo/fix.id)

ticks() {
	awk '{ print int($1 * 1000) }' /proc/uptime
}

# A named step; the time of the one before it ends here.
phase() {
	now=$(ticks)
	[ -z "${phase_name:-}" ] || echo "@@ phase $phase_name $((now - phase_began))"
	phase_name=$1
	phase_began=$now
	[ "$1" = end ] || echo "-- $2"
}

fail() {
	echo "FAILED: $*"
	dmesg | tail -n 30
	exit 1
}

# What the observer sees: 0 the source route is taken (the fault), 1 it is refused (the fix).
sees() {
	/demo/route
	status=$?
	[ $status = "$1" ] || fail "$2"
}

rounds() {
	cut -d' ' -f1 /run/load
}

# Waits until the workload has come so many rounds further.
work_on() {
	goal=$(($(rounds) + $1))
	deadline=$(($(ticks) + 60000))
	until [ "$(rounds)" -ge "$goal" ]; do
		[ "$(ticks)" -lt $deadline ] || fail "the workload stands still"
		usleep 20000
	done
	[ "$(cut -d' ' -f2 /run/load)" = 0 ] || fail "the workload met an error"
}

show_load() {
	read -r count errors longest </run/load
	echo "   workload: $count round trips, $errors errors, longest $longest us," \
		"process $workload as before"
}

run() {
	echo "\$ $*"
	"$@" || fail "that ended with $?"
}

phase workload "a workload starts: connections on loopback, every byte checked"
/demo/load /run/load &
workload=$!
usleep 200000
[ -f /run/load ] || usleep 1000000
work_on 200
show_load

phase old "the behaviour of the stock kernel $(uname -r)"
sees 0 "the stock kernel refuses the source route already"

phase apply "the update goes in, under load"
run upkeep apply $update
work_on 200
show_load

phase new "the new behaviour"
sees 1 "the update had no effect"
run upkeep status
echo "\$ cat /sys/kernel/upkeep/$id/*"
for file in "/sys/kernel/upkeep/$id"/*; do
	[ ! -f "$file" ] || sed "s,^,   ${file##*/}: ," "$file"
done

phase undo "the update comes out, under load"
run upkeep undo "$id"
work_on 200
show_load

phase again "the old behaviour again"
sees 0 "the undo had no effect"

phase stop "the workload ends"
kill -TERM $workload
wait $workload || fail "the workload ended badly"
show_load
read -r count errors longest </run/load
echo "@@ rounds $count"
echo "@@ errors $errors"
echo "@@ longest_us $longest"
if dmesg | grep -E 'WARN|BUG|Oops|Call Trace'; then
	fail "the kernel complained"
fi
phase end
