# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) grep -q '^State:.R (running)$' /proc/self/status && ! grep -q 'All devices' /proc/devices ;;
new) grep -q '^State:.R (on its feet)$' /proc/self/status && grep -q '^All devices:$' /proc/devices ;;
esac && grep -q '^Character devices:$' /proc/devices
