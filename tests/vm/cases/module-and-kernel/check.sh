# SPDX-License-Identifier: GPL-2.0-or-later
modprobe 8021q || exit 2
naming=$(sed -n 2p /proc/net/vlan/config)
read -r word _ </proc/cmdline
case $1 in
old) [ "${naming%%:*}" = "Name-Type" ] && [ "$word" != upkeep ] ;;
new) [ "${naming%%:*}" = "Type of names" ] && [ "$word" = upkeep ] ;;
esac
