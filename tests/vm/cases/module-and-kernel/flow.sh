# SPDX-License-Identifier: GPL-2.0-or-later
# Without its module the update is refused whole; with it, the module cannot go away.
rmmod 8021q 2>/dev/null
upkeep_exits 1 apply 1.upk
said 8021q
read -r word _ </proc/cmdline
[ "$word" != upkeep ] || fail "refused, and yet the kernel's part is there"
! is_applied 1 || fail "refused, and yet applied"

expect old "with the module loaded"
apply 1
expect new "with the update"
! rmmod 8021q || fail "the updated module could be removed"
expect new "after rmmod was refused"
undo 1
expect old "after the undo"
rmmod 8021q || fail "the module is still held after the undo"
