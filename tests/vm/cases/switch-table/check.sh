# SPDX-License-Identifier: GPL-2.0-or-later
status=$(cat /sys/devices/pci0000:00/0000:00:00.0/power/runtime_status)
case $1 in
old) [ "$status" = active ] ;;
new) [ "$status" = "at work" ] ;;
esac
