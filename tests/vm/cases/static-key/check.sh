# SPDX-License-Identifier: GPL-2.0-or-later
# The key as it is found, flipped, and back again: the code follows each time.
key=/proc/sys/kernel/sched_schedstats
shown() {
	grep -oE '^(sum_sleep_runtime|upkeep_runtime|no_statistics)' /proc/self/sched
}

found=$(cat $key)
status=0
for value in "$found" $((1 - found)) "$found"; do
	echo "$value" >$key
	case $1$value in
	old0) [ -z "$(shown)" ] || status=1 ;;
	old1) [ "$(shown)" = sum_sleep_runtime ] || status=1 ;;
	new0) [ "$(shown)" = no_statistics ] || status=1 ;;
	new1) [ "$(shown)" = upkeep_runtime ] || status=1 ;;
	esac
done
exit $status
