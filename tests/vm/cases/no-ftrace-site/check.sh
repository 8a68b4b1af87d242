# SPDX-License-Identifier: GPL-2.0-or-later
case $1 in
old) grep -qE '^[0-9a-f]{8}-[0-9a-f]{4}-' /proc/sys/kernel/random/uuid ;;
new) grep -qE '^[0-9a-f]{8}_[0-9a-f]{4}_' /proc/sys/kernel/random/uuid ;;
esac
