# SPDX-License-Identifier: GPL-2.0-or-later
# What was set with the one code must be there with the other: it goes up by two at each look. The new
# code adds 101 and 100 by turns.
last=/tmp/static-local-renumbered
[ -c /dev/tty1 ] || mknod /dev/tty1 c 4 1
[ -f $last ] || { probe redirect 2 && echo 2 >$last; } || exit 2
number=$(probe redirect) && again=$(probe redirect) || exit 2
case $1 in
old) [ "$number" -eq "$again" ] || exit 1 ;;
new)
	even=$((number - number % 2))
	[ $((number + again)) -eq $((2 * even + 1)) ] || exit 1
	number=$((even - 100))
	;;
esac
[ "$number" -eq "$(cat $last)" ] || exit 1
probe redirect $((number + 2)) || exit 2
echo $((number + 2)) >$last
