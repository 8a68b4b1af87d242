# SPDX-License-Identifier: GPL-2.0-or-later
version=$(head -n 1 /proc/net/pktgen/pgctrl 2>/dev/null)
case $1 in
out) [ -z "$version" ] ;;
old) [ "${version%% *}" = Packet ] ;;
new) [ "${version%% *}" = Waited ] ;;
esac
