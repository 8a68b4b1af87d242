# SPDX-License-Identifier: GPL-2.0-or-later
modprobe dummy || exit 2
ip link add upkeep0 type dummy || exit 2
queues=$(find /sys/class/net/upkeep0/queues -name 'tx-*' | wc -l)
ip link del upkeep0
header=$(grep -oE '^# (entries-in-buffer|nothing.*)' /sys/kernel/tracing/trace)
case $1 in
old) [ "$queues" = 1 ] && [ "$header" = "# entries-in-buffer" ] ;;
new) [ "$queues" = 3 ] && [ "$header" = "# nothing is traced" ] ;;
newer) [ "$queues" = 4 ] && [ "$header" = "# nothing is traced, still" ] ;;
esac
