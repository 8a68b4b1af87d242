# SPDX-License-Identifier: GPL-2.0-or-later
expect 0 "before"
upkeep_exits 2 apply 2.upk
said "$(id_of 1)"
expect 0 "after the second was refused without the first"
apply 1
expect 1 "with one"
apply 2
expect 2 "with two"
apply 3
expect 3 "with three"
for number in 1 2; do
	upkeep_exits 1 undo "$(id_of $number)"
	said "$(id_of $((number + 1)))"
	expect 3 "after the undo of $number was refused"
done
undo 3
expect 2 "without the third"
undo 2
expect 1 "without the second"
undo 1
expect 0 "after all were undone"
