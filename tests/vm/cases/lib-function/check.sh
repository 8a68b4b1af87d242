# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) version=4 ;;
new) version=7 ;;
esac
grep -qE "^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-" /proc/sys/kernel/random/uuid
