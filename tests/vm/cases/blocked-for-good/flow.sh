# SPDX-License-Identifier: GPL-2.0-or-later
# A thread of the kernel runs in the function for ever: refused with its name, nothing is left.
thread=$(pidof oom_reaper) || fail "there is no oom_reaper"
upkeep_exits 1 apply 1.upk --wait 3
said "$thread"
said "oom_reaper.*oom_reaper"
! is_applied 1 || fail "blocked, and yet applied"
! grep -q "^upkeep_$(id_of 1)" /proc/modules || fail "its modules are still loaded"
upkeep_exits 1 apply 1.upk --wait 1
