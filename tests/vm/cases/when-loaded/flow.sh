# SPDX-License-Identifier: GPL-2.0-or-later
expect out "before"
upkeep_exits 1 apply 1.upk
said "pktgen.*not loaded"

upkeep apply --when-loaded -v 1.upk >/tmp/waiting.out 2>&1 &
waiting=$!
# It waits with a file of the core open, and has nothing loaded yet.
wait_until 60 sh -c "ls -l /proc/$waiting/fd | grep -q /dev/upkeep"
! is_applied 1 || fail "applied before the module was there"
modprobe pktgen || fail "pktgen cannot be loaded"
expect new "as the module came in"
wait $waiting || fail "upkeep ended with $?: $(cat /tmp/waiting.out)"
is_applied 1 || fail "update 1 is not in /sys/kernel/upkeep"
halted=$(dmesg | grep -n 'module pktgen halted' | tail -n 1)
started=$(dmesg | grep -n 'pktgen: Packet Generator' | tail -n 1)
applied=$(dmesg | grep -n "$(id_of 1) applied" | tail -n 1)
[ "${halted%%:*}" -lt "${applied%%:*}" ] || fail "applied before the load was halted"
[ "${applied%%:*}" -lt "${started%%:*}" ] || fail "the module ran before it was applied"

! rmmod pktgen 2>/dev/null || fail "the module went while it is updated"
undo 1 --purge
expect old "after the undo"
rmmod pktgen || fail "the module is still held"
expect out "at the end"
