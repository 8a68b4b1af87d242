# SPDX-License-Identifier: GPL-2.0-or-later
# The new code is loaded while nobody listens, and while somebody does.
event=/sys/kernel/tracing/events/task/task_rename/enable
expect old "before"
apply 1
expect new "applied with nobody who listens"
echo 1 >$event
undo 1 --purge
apply 1
sh ./check.sh new || fail "not seen when applied with somebody who listens"
echo 0 >$event
undo 1
expect old "after the undo"
echo >/sys/kernel/tracing/trace
