# SPDX-License-Identifier: GPL-2.0-or-later
# Twenty random UUIDs have this digit somewhere.
digits=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	cat /proc/sys/kernel/random/uuid
done | grep -oi f | sort -u)
case $1 in
old) [ "$digits" = f ] ;;
new) [ "$digits" = F ] ;;
esac
