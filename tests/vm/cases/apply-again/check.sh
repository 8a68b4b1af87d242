# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) grep -q ^ttyS0 /proc/consoles && ! grep -q '^upkeep$' /proc/consoles ;;
new) grep -q ^ttyS0 /proc/consoles && grep -q '^upkeep$' /proc/consoles ;;
esac
