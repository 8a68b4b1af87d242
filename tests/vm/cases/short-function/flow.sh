# SPDX-License-Identifier: GPL-2.0-or-later
expect 0 "before"
apply 1
expect 1 "with one"
apply 2
expect 2 "with two"
upkeep_exits 1 undo "$(id_of 1)"
said "$(id_of 2)"
expect 2 "after the undo of the first was refused"
undo 2
expect 1 "without the second"
undo 1
expect 0 "after all were undone"
