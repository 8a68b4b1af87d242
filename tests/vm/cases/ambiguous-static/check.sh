# SPDX-License-Identifier: GPL-2.0-or-later
irq=$(cat /sys/kernel/irq/4/type)
tty=$(cat /sys/class/tty/ttyS0/type)
case $1 in
old) [ "$irq" = edge ] && [ "$tty" = 4 ] ;;
new) [ "$irq" = "by edge" ] && [ "$tty" = "type 4" ] ;;
esac
