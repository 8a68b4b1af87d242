# SPDX-License-Identifier: GPL-2.0-or-later
count=$(probe eventfd 5) || exit 2
case $1 in
old) [ "$count" -eq 5 ] ;;
new) [ "$count" -eq 1005 ] ;;
esac
