# SPDX-License-Identifier: GPL-2.0-or-later
# The status of a child, and what comes of an address where nothing is.
case $1 in
old) [ "$(probe waitid)" = "7 Bad address" ] ;;
new) [ "$(probe waitid)" = "1007 Bad address" ] ;;
esac
