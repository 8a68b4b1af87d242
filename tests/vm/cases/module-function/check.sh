# SPDX-License-Identifier: GPL-2.0-or-later
modprobe 8021q || exit 2
naming=$(sed -n 2p /proc/net/vlan/config)
case $1 in
old) [ "$naming" = "Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD" ] ;;
new) [ "$naming" = "Naming: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD, so it is" ] ;;
esac
