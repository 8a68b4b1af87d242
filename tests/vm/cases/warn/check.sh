# SPDX-License-Identifier: GPL-2.0-or-later
# Reads the file whose code warns. Of what the kernel says then, the warnings that are wanted are taken
# away; anything else stays in its log and fails the case.
log=/tmp/warn.log
once=/tmp/warn.once
dmesg | grep -qE 'WARN|BUG|Oops|Call Trace' && exit 2
caps=$(cat /sys/kernel/fscaps)
[ "$caps" = 1 ] || exit 1

# The number of the line that the patch adds with $1 in it.
line_of() {
	upkeep inspect --patch 1.upk | awk -v word="$1" '
		/^@@/ { split($3, to, /[+,]/); line = to[2] - 1; next }
		/^[ +]/ { line++ }
		/^[+]/ && index($0, word) { print line; exit }'
}

# A warning of line $1 of the source, and with $2 the message.
warned() {
	grep -cE "WARNING: CPU: [0-9]+ PID: [0-9]+ at kernel/ksysfs.c:$1 fscaps_show\+0x[0-9a-f]+/0x[0-9a-f]+ \[upkeep_" $log
}

case $1 in
old)
	! dmesg | grep -q WARNING || { dmesg -c >/dev/null; exit 1; }
	;;
new)
	dmesg -c >$log
	cat $log
	wanted=1
	[ -f $once ] || wanted=2
	[ "$(grep -c 'WARNING:' $log)" -eq $wanted ] || exit 1
	echo >$once
	[ "$(warned "$(line_of 'WARN(')")" -eq 1 ] || exit 1
	[ "$(warned "$(line_of 'WARN_ON_ONCE(')")" -eq $((wanted - 1)) ] || exit 1
	grep -q '\] upkeep warns$' $log || exit 1
	# The way from there to the system call is known for sure.
	[ "$(grep -c '\]  seq_read_iter+0x' $log)" -eq $wanted ] || exit 1
	! grep -qE 'BUG|Oops|general protection' $log
	;;
esac
