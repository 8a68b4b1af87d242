# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody sleeps in the function: first while it is to change, then while it is to change back.
sleep_in_eventfd() {
	probe sleeper >/tmp/sleeper.out &
	sleeper=$!
	wait_until 10 sleeps_in $sleeper eventfd_read
}

wake() {
	kill -USR1 $sleeper
	wait $sleeper || fail "the sleeper ended badly"
	[ "$(cat /tmp/sleeper.out)" = "$1" ] ||
		fail "the sleeper read $(cat /tmp/sleeper.out), not $1"
}

# Runs upkeep beside us until it has met the sleeper and waits before it tries again.
upkeep_meets_sleeper() {
	upkeep "$@" --wait 60 >/tmp/upkeep.out 2>&1 &
	waiter=$!
	wait_until 60 sleeps_in $waiter hrtimer_nanosleep
}

expect old "before"
sleep_in_eventfd
upkeep_exits 1 apply 1.upk --wait 1
said eventfd_read
said "$sleeper"
said probe
! is_applied 1 || fail "blocked, and yet applied"
expect old "while it is blocked"

upkeep_meets_sleeper apply 1.upk
wake 7
wait $waiter || fail "upkeep apply: $(cat /tmp/upkeep.out)"
is_applied 1 || fail "not applied after the sleeper left"
expect new "after the sleeper left"

sleep_in_eventfd
upkeep_exits 1 undo "$(id_of 1)" --wait 1
said "$sleeper"
is_applied 1 || fail "blocked, and yet undone"
expect new "while the undo is blocked"
upkeep_meets_sleeper undo "$(id_of 1)"
wake 1007
wait $waiter || fail "upkeep undo: $(cat /tmp/upkeep.out)"
expect old "after the second sleeper left"
