# SPDX-License-Identifier: GPL-2.0-or-later
words=$(cut -d' ' -f1 /proc/pressure/memory | tr '\n' ' ')
case $1 in
old) [ "$words" = "some full " ] ;;
new)
	[ "$words" = "part all " ] || exit 1
	# A jump behind the label, and one where it leads to.
	[ "$(grep -c ' text ' /sys/kernel/upkeep/*/writes | head -n 1)" = 2 ]
	;;
esac
