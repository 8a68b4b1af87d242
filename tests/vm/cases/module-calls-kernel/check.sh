# SPDX-License-Identifier: GPL-2.0-or-later
modprobe pktgen || exit 2
read -r first count _ </proc/net/pktgen/pgctrl
read -r _ again _ </proc/net/pktgen/pgctrl
case $1 in
old) [ "$first" = Packet ] ;;
new) [ "$first" = Counted ] && [ "${count%.}" -ge 42 ] && [ "${again%.}" -eq $((${count%.} + 2)) ] ;;
esac
