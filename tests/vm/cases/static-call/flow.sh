# SPDX-License-Identifier: GPL-2.0-or-later
# The new code is loaded in either mode; each check goes to the other and back.
mode_file=/sys/kernel/debug/sched/preempt
expect old "before"
apply 1
expect new "applied in the mode of the boot"
undo 1 --purge
echo full >$mode_file
apply 1
sh ./check.sh new || fail "not seen when applied in mode full"
undo 1
echo voluntary >$mode_file
expect old "after the undo"
