# SPDX-License-Identifier: GPL-2.0-or-later
# The counter of handles goes on from where the other code left it: by one, or by five.
last=/tmp/static-local-outlined
first=$(probe qdisc) && second=$(probe qdisc) || exit 2
was=$(cat $last 2>/dev/null)
echo "$second" >$last
case $1 in
old) step=1 ;;
new) step=5 ;;
esac
[ $((second - first)) -eq "$step" ] && [ $((first - ${was:-$((first - step))})) -eq "$step" ]
