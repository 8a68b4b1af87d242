# SPDX-License-Identifier: GPL-2.0-or-later
# Takes how many of the updates should be seen.
grep -q CPU0 /proc/interrupts || exit 1
words=$(sed -n '/^the end$/,$p' /proc/interrupts)
case $1 in
0) [ -z "$words" ] ;;
1) [ "$words" = "the end" ] ;;
2) [ "$words" = "the end
and more" ] ;;
esac
