# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) ! grep -q '^upkeep$' /proc/loadavg ;;
new) grep -q '^upkeep$' /proc/loadavg ;;
esac
