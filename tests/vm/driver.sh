#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: runs the cases below /cases, each for itself, and reports for each
# "@@ case NAME STATUS SECONDS", after what it said if it failed. A complaint of the kernel in its log
# fails the case in which it came.
complaints='WARN|BUG|Oops|Call Trace|general protection|stall|blocked for more than'
limit=240

dmesg -c >/tmp/boot.log
if grep -E 'Oops|Call Trace' /tmp/boot.log; then
	echo "# the kernel complained before any case"
	exit 1
fi

say() {
	sed 's/^/# /' "$1"
}

for dir in /cases/*; do
	name=${dir##*/}
	cd "$dir" || exit 1
	began=$(date +%s)
	timeout -s KILL $limit sh /vm/case.sh >/tmp/case.log 2>&1
	status=$?
	dmesg -c >/tmp/kernel.log
	if grep -qE "$complaints" /tmp/kernel.log; then
		echo "the kernel complained" >>/tmp/case.log
		status=99
	fi
	if [ $status != 0 ]; then
		say /tmp/case.log
		echo "# the kernel's log:"
		say /tmp/kernel.log
	elif [ -n "$VERBOSE" ]; then
		say /tmp/case.log
	fi
	cat /tmp/kernel.log >/dev/ttyS0
	echo "@@ case $name $status $(($(date +%s) - began))"
done
exit 0
