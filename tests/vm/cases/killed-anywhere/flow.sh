# SPDX-License-Identifier: GPL-2.0-or-later
# Killed before step $1 of a command; false when it came to its end instead.
killed() {
	step=$1
	shift
	UPKEEP_FAULT=$step upkeep "$@" >/tmp/killed.out 2>&1
	status=$?
	[ $status = 0 ] && return 1
	[ $status = 99 ] || fail "step $step of $1 ended with $status: $(cat /tmp/killed.out)"
	echo "killed before step $step of $1"
	sh ./check.sh old || sh ./check.sh new || fail "neither old nor new"
}

# Ends with one of two exit statuses.
ends() {
	first=$1 second=$2
	shift 2
	upkeep "$@" >/tmp/upkeep.out 2>&1
	status=$?
	[ $status = "$first" ] || [ $status = "$second" ] ||
		fail "upkeep $1 ended with $status: $(cat /tmp/upkeep.out)"
}

clean() {
	ends 0 3 undo --purge "$(id_of 1)"
	expect old "after all was undone"
	! grep -q "^upkeep_$(id_of 1)" /proc/modules || fail "a module is left"
	! ls /var/lib/upkeep/*"$(id_of 1)"* 2>/dev/null || fail "a copy is left"
	rmmod upkeep || fail "the core is still in use"
}

expect old "before"
# The last update of an earlier case may have left the core.
[ ! -d /sys/module/upkeep ] || rmmod upkeep || fail "the core is in use"

step=1
while killed $step apply 1.upk; do
	ends 0 3 apply 1.upk
	expect new "applied after step $step"
	clean
	step=$((step + 1))
done
[ $step -ge 6 ] || fail "apply has only $((step - 1)) steps"
expect new "applied to the end"
clean

step=1
apply 1
while killed $step undo --purge "$(id_of 1)"; do
	clean
	apply 1
	step=$((step + 1))
done
[ $step -ge 4 ] || fail "undo has only $((step - 1)) steps"
apply 1
clean
