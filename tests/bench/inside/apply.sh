#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: how long commands take, and what applied updates hold. The updates are
# /bench/timed/NAME.upk and /bench/held/NUMBER.upk, each with its id beside it. Says "@ WHAT NS" for
# each command, "% VERB NAME {json}" for what upkeep said of it, and "= WHEN ..." for the memory.
set -eu
rounds=$1

told() {
	echo "% $1 $2 $(tr -d '\n' </tmp/elapsed.out)"
}

# Unloaded modules and freed pages are given back some time later.
memory() {
	sleep 2
	kinds='SUnreclaim|SReclaimable|VmallocUsed|Percpu|KernelStack|PageTables'
	echo "= $1 $(grep -E "^($kinds):" /proc/meminfo | tr -s ' \n' '  ')"
	echo "= $1 modules $(grep '^upkeep_' /proc/modules | cut -d ' ' -f 1,2 | tr '\n' ' ')"
}

for _ in $(seq "$rounds"); do
	elapsed modprobe modprobe 8021q
	rmmod 8021q
	elapsed kallsyms cat /proc/kallsyms
done
modprobe 8021q
modprobe nf_tables

for update in /bench/timed/*.upk; do
	name=$(basename "$update" .upk)
	id=$(cat "/bench/timed/$name.id")
	for _ in $(seq "$rounds"); do
		elapsed "$name.check" upkeep check --json "$update"
		told check "$name"
		elapsed "$name.apply" upkeep apply --json "$update"
		told apply "$name"
		elapsed "$name.undo" upkeep undo --purge --json "$id"
		told undo "$name"
	done
done

memory before
for update in /bench/held/*.upk; do
	upkeep apply --quiet "$update"
done
memory after
