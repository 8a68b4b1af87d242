# SPDX-License-Identifier: GPL-2.0-or-later
# The new data counts reads: from 1001 and 1, together, and the table gives the parity's word.
read -r _ _ word number reads </proc/uptime
case $1 in
old)
	[ -z "$word" ]
	;;
new)
	[ -n "$word" ] || exit 1
	read -r _ _ word2 number2 reads2 </proc/uptime
	[ "$number" -eq $((1000 + reads)) ] && [ "$number2" -eq $((number + 1)) ] &&
		[ "$reads2" -eq $((reads + 1)) ] || exit 1
	case $((number % 2)) in
	0) [ "$word $word2" = "even odd" ] ;;
	1) [ "$word $word2" = "odd even" ] ;;
	esac
	;;
esac
