# SPDX-License-Identifier: GPL-2.0-or-later
# Two processes add to one number, each 2,000 times: the old code 1, the new one 3. Nothing is lost.
case $1 in
old) [ "$(probe futex 2000)" = "4000 Bad address" ] ;;
new) [ "$(probe futex 2000)" = "12000 Bad address" ] ;;
esac
