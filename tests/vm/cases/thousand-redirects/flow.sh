# SPDX-License-Identifier: GPL-2.0-or-later
# All of them land in one stop of the machine, are in use, and go in one stop.
ran() {
	head -n 1 /proc/net/ptype | cut -d' ' -f1
}

# Passes packets and messages through the changed functions.
pass() {
	set -e
	ip link set lo mtu 1500
	ip addr add 10.9.8.1/24 dev lo
	ip route add 10.9.9.0/24 dev lo
	ip route get 10.9.9.9
	ip neigh show
	ping -c 1 -W 5 127.0.0.1
	cat /proc/net/dev
	ip route del 10.9.9.0/24
	ip addr del 10.9.8.1/24 dev lo
	ip link set lo mtu 65536
}

use() {
	(pass >/dev/null)
	# shellcheck disable=SC2181 # as a condition, the shell would go on after a failure
	[ $? = 0 ] || fail "the network fails"
}

use
expect old "before"
apply 1
said "^applied .*: 1[0-9][0-9][0-9] functions"
redirects=$(grep -c ' text ' "/sys/kernel/upkeep/$(id_of 1)/writes")
[ "$redirects" -ge 1000 ] || fail "only $redirects redirects were written"
[ "$(dmesg | grep -c "$(id_of 1) applied")" = 1 ] || fail "not applied in one stop"
expect new "with $redirects redirects"
before=$(ran)
use
after=$(ran)
[ "$after" -gt $((before + 100)) ] || fail "$before functions ran before the network's use, $after after it"
undo 1
expect old "after the undo"
use
upkeep_exits 0 check 1.upk
