# SPDX-License-Identifier: GPL-2.0-or-later
modprobe pktgen
expect old "before"
apply 1
expect new "with the update"
undo 1
expect old "after the undo"
apply 1
expect new "applied again"
undo 1 --purge
expect old "after the purge"
! grep -q "^upkeep_$(id_of 1)" /proc/modules || fail "a module of the update is left"
rmmod pktgen || fail "pktgen is still held"
