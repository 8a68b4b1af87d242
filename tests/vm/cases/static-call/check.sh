# SPDX-License-Identifier: GPL-2.0-or-later
# In the mode of preemption that is found, another one, and back: the old code reads a zero, the new
# one an A, or a B if cond_resched() gave the processor away.
mode_file=/sys/kernel/debug/sched/preempt
first_byte() {
	dd if=/dev/zero bs=100 count=1 2>/dev/null | od -An -tu1 -N1 | tr -d ' '
}

found=$(sed 's/.*(\(.*\)).*/\1/' $mode_file)
other=full
[ "$found" = full ] && other=voluntary
status=0
for mode in "$found" $other "$found"; do
	grep -q "($mode)" $mode_file || echo "$mode" >$mode_file || exit 2
	case $1-$mode in
	old-*) [ "$(first_byte)" = 0 ] || status=1 ;;
	new-full) [ "$(first_byte)" = 65 ] || status=1 ;;
	new-*) [ "$(first_byte)" = 66 ] || status=1 ;;
	esac
done
exit $status
