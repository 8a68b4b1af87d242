# SPDX-License-Identifier: GPL-2.0-or-later
tab=$(printf '\t')
case $1 in
old) grep -q "^nodev${tab}sysfs\$" /proc/filesystems ;;
new) grep -q "^without a device${tab}sysfs\$" /proc/filesystems ;;
esac
