# SPDX-License-Identifier: GPL-2.0-or-later
id=$(id_of 1)

# One of them does it, the other finds it done.
two_at_once() {
	upkeep "$@" >/tmp/first.out 2>&1 &
	other=$!
	upkeep "$@" >/tmp/second.out 2>&1
	second=$?
	wait $other
	first=$?
	cat /tmp/first.out /tmp/second.out
	case "$first $second" in
	"0 3" | "3 0") ;;
	*) fail "$1 twice at once ended with $first and $second" ;;
	esac
}

as_nobody() {
	wanted=$1
	shift
	echo "nobody\$ upkeep $*"
	su -s /bin/sh nobody -c "upkeep $*" >/tmp/upkeep.out 2>&1
	status=$?
	cat /tmp/upkeep.out
	[ $status = "$wanted" ] || fail "upkeep $1 ended with $status, not $wanted"
}

expect old "before"
flock --close /run/upkeep.lock sleep 60 &
holder=$!
wait_until 10 sh -c '! flock -n /run/upkeep.lock true'
upkeep_exits 1 apply 1.upk --wait 0.2
said "/run/upkeep.lock: another upkeep .* is changing the kernel; try again"
kill $holder
wait_until 10 flock -n /run/upkeep.lock true
expect old "while another upkeep was at work"

two_at_once apply 1.upk
expect new "applied twice at once"

# Whoever is not root may look.
as_nobody 0 status
said "^$id  applied  .*root is told more"
as_nobody 0 status --json
said '"functions": ?null'
as_nobody 1 undo "$id"
said "by root alone"
as_nobody 1 apply "$PWD/1.upk"
said "by root alone"
expect new "after another user tried"

two_at_once undo "$id"
expect old "undone twice at once"
upkeep_exits 0 undo --purge "$id"

mkdir -p /var/lib/upkeep
mount -t tmpfs -o size=4k tmpfs /var/lib/upkeep || fail "no small file system"
upkeep_exits 1 apply 1.upk
said "keep a copy of the update: .*No space left on device"
[ -z "$(ls /var/lib/upkeep)" ] || fail "something is left on the full disk"
umount /var/lib/upkeep
! grep -q "^upkeep_$id" /proc/modules || fail "a module is left"
expect old "with a full disk"
