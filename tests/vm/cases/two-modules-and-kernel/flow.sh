# SPDX-License-Identifier: GPL-2.0-or-later
# Without one of its modules nothing of the update lands, whichever it is.
for missing in 8021q pktgen; do
	modprobe -a 8021q pktgen
	rmmod $missing || fail "$missing cannot be removed"
	upkeep_exits 1 apply 1.upk
	said "$missing"
	! is_applied 1 || fail "refused, and yet applied"
	expect old "without $missing"
done

apply 1
expect new "with the update"
for module in 8021q pktgen; do
	! rmmod $module || fail "$module could be removed while it is updated"
done
undo 1
expect old "after the undo"
rmmod 8021q || fail "8021q is still held after the undo"
rmmod pktgen || fail "pktgen is still held after the undo"
