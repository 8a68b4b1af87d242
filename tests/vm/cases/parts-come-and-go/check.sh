# SPDX-License-Identifier: GPL-2.0-or-later
# Takes how many of the updates should be seen.
word=$(sed -n '/^UdpLite: [0-9]/,$p' /proc/net/snmp | tail -n +2)
grep -q '^Tcp: [0-9]' /proc/net/snmp || exit 1
case $1 in
0) [ -z "$word" ] ;;
1) [ "$word" = "now one" ] ;;
2) [ "$word" = "two" ] ;;
esac
