#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: applies and undoes each update below /cases under a mixed load. For each it says
# "@@ begin NAME", then what it does, then "@@ case NAME WORD SECONDS"; WORD is "applied", or what
# ended the case: modprobe, apply-STATUS, undo-STATUS, check-STATUS, load, state, kernel.
set -u
complaints='WARN|BUG|Oops|Call Trace|general protection|stall|blocked for more than|refcount_t:'
patience=60

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

until [ -e /run/load ] && [ "$(rounds)" -gt 0 ]; do
	usleep 100000
done &
waiting=$!
load /run/load &
load=$!
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
	try
	word=$(cat /tmp/word)
	dmesg -c >/tmp/kernel.log
	cat /tmp/kernel.log >/dev/ttyS0
	if grep -qE "$complaints" /tmp/kernel.log; then
		echo "the kernel complained:"
		cat /tmp/kernel.log
		word=kernel
	fi
	echo "@@ case $name $word $(($(date +%s) - began))"
	# Whatever stays applied would be in the way of the next.
	[ ! -d "/sys/kernel/upkeep/$(cat id)" ] || upkeep undo "$(cat id)" --wait 20
	[ "$word" != kernel ] && [ "$word" != load ] || exit 2
done
kill -TERM $load
wait $load
