# SPDX-License-Identifier: GPL-2.0-or-later
# /proc/PID/comm is shown by base.o, Name: of /proc/PID/status by array.o.
case $1 in
old) word= ;;
new) word=upkeep: ;;
esac
[ "$(cat /proc/1/comm)" = "${word}init" ] && grep -q "^Name:.${word}init\$" /proc/1/status
