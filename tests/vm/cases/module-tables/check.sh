# SPDX-License-Identifier: GPL-2.0-or-later
if [ ! -e /proc/net/vlan/config ]; then
	[ "$1" = out ]
	exit
fi
config=$(head -n 2 /proc/net/vlan/config | tr '\n' '|')
case $1 in
out) exit 1 ;;
old) [ "${config#VLAN Dev name}" != "$config" ] && [ "${config%VID_NO_PAD|}" != "$config" ] ;;
new) [ "${config#All of them: VLAN}" != "$config" ] && [ "${config%as the table has it|}" != "$config" ] ;;
esac
