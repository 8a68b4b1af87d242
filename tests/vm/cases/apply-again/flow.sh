# SPDX-License-Identifier: GPL-2.0-or-later
upkeep_exits 3 undo "$(id_of 1)"
upkeep_exits 0 check 1.upk
expect old "before, and after a check"
apply 1
expect new "with the update"
upkeep_exits 3 apply 1.upk
expect new "after it was applied twice"
undo 1
expect old "after the undo"
upkeep_exits 3 undo "$(id_of 1)"
grep -q "^upkeep_$(id_of 1)" /proc/modules || fail "its modules went without a purge"
apply 1
expect new "applied again"
undo 1 --purge
expect old "after the undo with a purge"
! grep -q "^upkeep_$(id_of 1)" /proc/modules || fail "its modules are still loaded after a purge"
apply 1
expect new "applied after a purge"
undo 1
expect old "at the end"
