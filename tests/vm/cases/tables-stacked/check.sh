# SPDX-License-Identifier: GPL-2.0-or-later
# Takes how many of the updates should be seen.
state=$(sed -n 's/^State:.R (\(.*\))$/\1/p' /proc/self/status)
version=$(sed -n 's/^Version //p' /proc/devices)
case $1 in
0) [ "$state" = running ] && [ -z "$version" ] ;;
1) [ "$state" = one ] && [ "$version" = one ] ;;
2) [ "$state" = two ] && [ "$version" = two ] ;;
3) [ "$state" = three ] && [ "$version" = one ] ;;
esac
