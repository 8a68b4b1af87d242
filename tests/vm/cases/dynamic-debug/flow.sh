# SPDX-License-Identifier: GPL-2.0-or-later
# The message is off, then on, while the new code is loaded.
control=/proc/dynamic_debug/control
[ -e $control ] || control=/sys/kernel/debug/dynamic_debug/control
expect old "before"
apply 1
expect new "applied with the message off"
undo 1 --purge
echo "func kobject_uevent_env +p" >$control
apply 1
# A message that is new is off, as in any module that is loaded.
echo "func kobject_uevent_env +p" >$control
sh ./check.sh new || fail "not seen when applied with the message on"
echo "func kobject_uevent_env -p" >$control
undo 1
expect old "after the undo"
