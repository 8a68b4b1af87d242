# SPDX-License-Identifier: GPL-2.0-or-later
# Takes how many of the updates should be seen.
read -r _ _ _ _ _ words </proc/loadavg
case $1 in
0) [ -z "$words" ] ;;
1) [ "$words" = "one" ] ;;
2) [ "$words" = "one two" ] ;;
3) [ "$words" = "one two three" ] ;;
esac
