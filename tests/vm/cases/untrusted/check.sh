# SPDX-License-Identifier: GPL-2.0-or-later
read -r word _ </proc/softirqs
case $1 in
old) [ "$word" = CPU0 ] ;;
new) [ "$word" = upkeep ] ;;
esac
