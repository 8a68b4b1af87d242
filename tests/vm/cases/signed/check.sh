# SPDX-License-Identifier: GPL-2.0-or-later
read -r word _ </proc/devices
case $1 in
old) [ "$word" = Character ] ;;
new) [ "$word" = Updated ] ;;
esac
