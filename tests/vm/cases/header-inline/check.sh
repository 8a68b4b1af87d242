# SPDX-License-Identifier: GPL-2.0-or-later
# /proc/uptime is fs/proc/uptime.o, sysinfo() kernel/sys.o, the system call kernel/time/posix-timers.o.
# Each must be on the wanted side of a billion seconds.
read -r uptime _ </proc/uptime
for seconds in "${uptime%.*}" "$(probe sysinfo)" "$(probe boottime)"; do
	case $1 in
	old) [ "$seconds" -lt 1000000000 ] || exit 1 ;;
	new) [ "$seconds" -gt 1000000000 ] || exit 1 ;;
	esac
done
