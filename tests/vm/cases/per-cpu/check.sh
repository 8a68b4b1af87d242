# SPDX-License-Identifier: GPL-2.0-or-later
# The number of inodes is the sum of a per-CPU counter, to which the new code adds a million while
# it takes the sum. The second number is that of calls on this CPU, from 1000 on, the third the
# sum of all CPUs'. One reader makes as many calls as another, and sees what the first one gave.
on_cpu() {
	taskset $((1 << $1)) cat /proc/sys/fs/inode-state
}

rm -f /tmp/calls
for cpu in 0 1 1 0; do
	on_cpu $cpu >>/tmp/calls
done
{
	read -r inodes a0 sum _
	read -r _ a1 _
	read -r _ b1 _
	read -r inodes_b b0 sum_b _
} </tmp/calls
case $1 in
old)
	[ "$inodes" -lt 1000000 ]
	;;
new)
	for seen in "$inodes" "$inodes_b"; do
		[ "$seen" -gt 1000000 ] && [ "$seen" -lt 1500000 ] || exit 1
	done
	calls=$((b1 - a1))
	[ "$a0" -gt 1000 ] && [ "$a1" -gt 1000 ] && [ $calls -gt 0 ] &&
		[ "$b0" -eq $((a0 + calls)) ] && [ "$sum" -eq $((a0 + a1 - 1)) ] &&
		[ "$sum_b" -eq $((b0 + b1 + calls - 1)) ]
	;;
esac
