#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: applies and undoes each update below /cases under a mixed load. For each it says
# "@@ begin NAME", then what it does, then "@@ case NAME WORD SECONDS"; WORD is "applied", or what
# ended the case: modprobe, apply-STATUS, undo-STATUS, check-STATUS, load, state, kernel, late.
# With the argument "case": does the one in this folder, and leaves WORD in /tmp/word.
set -u
complaints='WARN|BUG|Oops|Call Trace|general protection|stall|blocked for more than|refcount_t:'
patience=60
limit=150

# The smallest number of rounds over all kinds of load, and the sum of all errors.
rounds() {
	awk '!n++ || $2 < least { least = $2 } END { print least + 0 }' /run/load
}

errors() {
	awk '{ sum += $3 } END { print sum + 0 }' /run/load
}

# Each kind of load gets three rounds further, and none meets an error.
work_on() {
	goal=$(($(rounds) + 3))
	deadline=$(($(date +%s) + patience))
	until [ "$(rounds)" -ge $goal ]; do
		if [ "$(date +%s)" -gt $deadline ]; then
			echo "the load stands still $1:"
			cat /run/load
			return 1
		fi
		usleep 20000
	done
	[ "$(errors)" = 0 ] && return
	echo "the load met errors $1:"
	cat /run/load
	return 1
}

upkeep_says() {
	echo "\$ upkeep $*"
	upkeep "$@" 2>&1
}

try() {
	id=$(cat id)
	while read -r module; do
		[ -z "$module" ] || modprobe "$module" 2>&1 || return_word modprobe || return
	done <modules
	upkeep_says apply update.upk || return_word "apply-$?" || return
	[ -d "/sys/kernel/upkeep/$id" ] || return_word state || return
	work_on "with the update" || return_word load || return
	upkeep_says undo "$id" || return_word "undo-$?" || return
	[ ! -d "/sys/kernel/upkeep/$id" ] || return_word state || return
	work_on "after the undo" || return_word load || return
	upkeep_says check update.upk || return_word "check-$?" || return
	return_word applied
}

return_word() {
	echo "$1" >/tmp/word
	return 1
}

# What hangs, and where.
tell_stuck() {
	echo "not done after $limit s:"
	for process in /proc/[0-9]*; do
		case $(cat "$process/comm" 2>/dev/null) in
		upkeep | modprobe)
			tr '\0' ' ' <"$process/cmdline"
			grep State "$process/status"
			cat "$process/stack"
			;;
		esac
	done
	cat /run/load
}

# Runs the case in this folder, and ends it when its time is over.
try_for_a_while() {
	echo late >/tmp/word
	sh /guest.sh case &
	case=$!
	deadline=$(($(date +%s) + limit))
	while kill -0 $case 2>/dev/null; do
		if [ "$(date +%s)" -gt $deadline ]; then
			tell_stuck
			kill -KILL $case
			break
		fi
		usleep 100000
	done
	wait $case
}

if [ "${1:-}" = case ]; then
	try
	exit 0
fi

until [ -e /run/load ] && [ "$(rounds)" -gt 0 ]; do
	usleep 100000
done &
waiting=$!
load /run/load &
load=$!
# The load holds on to the output, which ends the guest.
trap 'kill -KILL $load' EXIT
wait $waiting
dmesg -c >/tmp/boot.log
if grep -E "$complaints" /tmp/boot.log; then
	echo "the kernel complained before any case"
	exit 1
fi

for dir in /cases/*; do
	name=${dir##*/}
	cd "$dir" || exit 1
	began=$(date +%s)
	echo "@@ begin $name"
	try_for_a_while
	word=$(cat /tmp/word)
	dmesg -c >/tmp/kernel.log
	cat /tmp/kernel.log >/dev/ttyS0
	if grep -qE "$complaints" /tmp/kernel.log; then
		echo "the kernel complained:"
		cat /tmp/kernel.log
		word=kernel
	fi
	echo "@@ case $name $word $(($(date +%s) - began))"
	# Behind any of these the machine proves nothing more.
	case $word in
	kernel | load | late | state | undo-* | check-*) exit 2 ;;
	esac
done
kill -TERM $load
wait $load
status=$?
trap - EXIT
exit $status
