# SPDX-License-Identifier: GPL-2.0-or-later
modprobe -a 8021q pktgen || exit 2
naming=$(sed -n 2p /proc/net/vlan/config)
version=$(head -n 1 /proc/net/pktgen/pgctrl)
read -r command _ </proc/cmdline
words="${naming%%:*} ${version%% *} $command"
case $1 in
old) [ "${words% *}" = "Name-Type Packet" ] && [ "$command" != upkeep ] ;;
new) [ "$words" = "Names Updated. upkeep" ] ;;
esac
