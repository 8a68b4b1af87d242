# SPDX-License-Identifier: GPL-2.0-or-later
# As it is found, then switched on and off: which words the function leaves in the log.
control=/proc/dynamic_debug/control
[ -e $control ] || control=/sys/kernel/debug/dynamic_debug/control
is_on() {
	grep -qE "kobject_uevent_env =p .*\(%p\): %s.(012|n)\"" $control
}

# Counts are taken from a mark on, for the log is not ours to clear.
left() {
	mark="upkeep-mark-$(cat /proc/sys/kernel/random/uuid)"
	echo "$mark" >/dev/kmsg
	echo change >/sys/class/mem/null/uevent
	dmesg | sed "1,/$mark/d" | sed -nE \
		-e "s/.*kobject: '(null|upkeep)' \([^)]*\): kobject_uevent_env$/\1/p" \
		-e 's/.*upkeep has a (new) one: null$/\1/p' | tr '\n' ' '
}

case $1 in
old) words="null " ;;
new) words="upkeep new " ;;
esac
if is_on; then
	found=+p
else
	found=-p
fi
status=0
for switch in "" +p -p $found; do
	[ -z "$switch" ] || echo "func kobject_uevent_env $switch" >$control
	case ${switch:-$found} in
	+p) [ "$(left)" = "$words" ] || status=1 ;;
	-p) [ -z "$(left)" ] || status=1 ;;
	esac
done
exit $status
