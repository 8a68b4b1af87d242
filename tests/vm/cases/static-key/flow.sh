# SPDX-License-Identifier: GPL-2.0-or-later
# The new code is loaded while the key is off, and while it is on; each check flips it twice.
key=/proc/sys/kernel/sched_schedstats
expect old "before"
apply 1
expect new "applied with the key off"
undo 1
# The new code stays loaded; the key changes while it is not in use.
echo 1 >$key
apply 1
sh ./check.sh new || fail "not seen after the key changed while it was undone"
undo 1 --purge
apply 1
sh ./check.sh new || fail "not seen when applied with the key on"
undo 1
expect old "after the undo, with the key on"
echo 0 >$key
