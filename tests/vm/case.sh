# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest, in the folder of a case: the steps that cases are made of, then the case's own
# flow.sh, or the usual course: old, apply, new, undo, old.
#
# In the folder: N.upk and N.id for each update, check.sh STATE, which exits with 0 if that
# state of affairs is seen. Everything that is said here is shown when the case fails.
set -u
states="old new"
# shellcheck disable=SC1091 # a case may have states of its own
. ./case
initial=${states%% *}

fail() {
	echo "FAILED: $*"
	exit 1
}

# Exactly this state is seen, and none of the others: a check that cannot fail proves nothing.
expect() {
	sh ./check.sh "$1" || fail "$2: '$1' is not seen"
	for state in $states; do
		[ "$state" = "$1" ] && continue
		! sh ./check.sh "$state" || fail "$2: '$state' is seen together with '$1'"
	done
	echo "$2: '$1' is seen"
}

# Runs upkeep and wants this exit status of it.
upkeep_exits() {
	wanted=$1
	shift
	echo "\$ upkeep $*"
	upkeep "$@" >/tmp/upkeep.out 2>&1
	status=$?
	cat /tmp/upkeep.out
	[ $status = "$wanted" ] || fail "upkeep $1 ended with $status, not $wanted"
}

# What the last upkeep said has this in it.
said() {
	grep -qE -- "$1" /tmp/upkeep.out || fail "upkeep did not say: $1"
}

id_of() {
	cat "$1.id"
}

is_applied() {
	[ -d "/sys/kernel/upkeep/$(id_of "$1")" ]
}

apply() {
	number=$1
	shift
	upkeep_exits 0 apply "$number.upk" "$@"
	is_applied "$number" || fail "update $number is not in /sys/kernel/upkeep"
	dmesg | grep -q "$(id_of "$number")" || fail "the kernel's log has no word of update $number"
}

undo() {
	number=$1
	shift
	upkeep_exits 0 undo "$(id_of "$number")" "$@"
	said "^undone $(id_of "$number"): .*[1-9][0-9]* (function|data write)"
	! is_applied "$number" || fail "update $number is still in /sys/kernel/upkeep"
}

# Waits until something is so: wait_until SECONDS COMMAND...
wait_until() {
	deadline=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -le "$deadline" ] || fail "waited in vain for: $*"
		usleep 50000
	done
}

# Whether the process sleeps in that function.
sleeps_in() {
	grep -q " $2+" "/proc/$1/stack"
}

# Nothing of a case may stand in the way of the next: what a failed one left applied, and modules
# that another may want to see absent.
clean_up() {
	status=$?
	for file in 3.id 2.id 1.id; do
		[ ! -f $file ] || [ ! -d "/sys/kernel/upkeep/$(cat $file)" ] ||
			upkeep undo "$(cat $file)" --wait 20
	done
	for module in ${modules:-}; do
		rmmod "$module" 2>/dev/null || true
	done
	exit $status
}
trap clean_up EXIT

if [ -n "${STOCK:-}" ]; then
	expect "$initial" "on the stock kernel"
elif [ -f flow.sh ]; then
	# shellcheck disable=SC1091
	. ./flow.sh
else
	expect old "before the update"
	upkeep_exits 0 check 1.upk
	said "^$(id_of 1) would apply to the running kernel: .*[1-9][0-9]* (function|data write)"
	! is_applied 1 || fail "check applied it"
	expect old "after the check"
	apply 1
	expect new "with the update"
	undo 1
	expect old "after the undo"
fi
