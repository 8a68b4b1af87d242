# SPDX-License-Identifier: GPL-2.0-or-later
# The table's first line tells how many of the new functions ran so far.
read -r first words </proc/net/ptype
case $1 in
old) [ "$first" = Type ] ;;
new) [ "$words" = "functions ran" ] && [ "$first" -ge 1 ] ;;
esac
