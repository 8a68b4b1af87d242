# SPDX-License-Identifier: GPL-2.0-or-later
read -r line </proc/devices
case $1 in
old) [ "$line" = "Character devices:" ] ;;
new) [ "$line" = "Devices of characters:" ] ;;
esac
