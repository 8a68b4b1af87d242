# SPDX-License-Identifier: GPL-2.0-or-later
expect out "before"
modprobe 8021q || fail "8021q cannot be loaded"
expect old "with the module"
apply 1
expect new "with the update"
! rmmod 8021q 2>/dev/null || fail "the module went while it is updated"
undo 1 --purge
expect old "after the undo"
rmmod 8021q || fail "the module is still held"
expect out "without the module"

upkeep apply --when-loaded 1.upk >/tmp/waiting.out 2>&1 &
waiting=$!
wait_until 60 sh -c "ls -l /proc/$waiting/fd | grep -q /dev/upkeep"
modprobe 8021q || fail "8021q cannot be loaded again"
expect new "as the module came in"
wait $waiting || fail "upkeep ended with $?: $(cat /tmp/waiting.out)"
undo 1 --purge
expect old "after the second undo"
rmmod 8021q || fail "the module is held at the end"
