# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel hands out handles of queueing disciplines from a counter in a static local: the old
# function steps by one, the n-th call of the new one by 2 + n. The last handle that was seen is
# kept in a file, and with it whether the counter went on from there.
seen=/tmp/static-local.last
calls=/tmp/static-local.calls
was=$(cat $seen 2>/dev/null || echo none)
first=$(probe qdisc) && second=$(probe qdisc) || exit 2
echo "$second" >$seen

n=$(cat $calls 2>/dev/null || echo 0)
case $1 in
old) step1=1 step2=1 ;;
new) step1=$((3 + n)) step2=$((4 + n)) ;;
esac
if [ "$((second - first))" -gt 2 ]; then
	echo $((n + 2)) >$calls
fi
[ "$((second - first))" -eq "$step2" ] || exit 1
[ "$was" = none ] || [ "$((first - was))" -eq "$step1" ]
