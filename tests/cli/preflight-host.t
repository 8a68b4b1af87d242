#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep preflight: what of this machine is not there before services are restored.
set -u
. tests/cli/lib.sh

# In namespaces of its own the network and /var/lib may be changed.
if [ "${INSIDE:-}" = "" ]; then
	INSIDE=1 exec unshare --user --map-root-user --mount --net "$0"
fi
mount -t tmpfs tmpfs /var/lib || { echo "Bail out! no file system of its own" && exit 1; }
{
	ip link set lo up
	ip link add br9 type bridge
	ip link add idle9 type bridge
	ip addr add 10.99.0.1/24 dev br9
	ip addr add fd99::1/64 dev br9 nodad
	ip link set br9 up
	ip route add 10.98.0.0/16 nexthop via 10.99.0.2 nexthop via 10.99.0.3
} || { echo "Bail out! no network of its own" && exit 1; }

# listen ADDRESS: a process that holds a socket there, as $kept.
listen() {
	python3 -c 'import os, socket, sys, time
os.closerange(3, 1000)
os.setsid()
it = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
it.bind((sys.argv[1], 4711))
it.listen()
open(sys.argv[2], "w").close()
time.sleep(1000)' "$1" "$work/ready" </dev/null >/dev/null 2>&1 &
	kept=$!
	until [ -e "$work/ready" ]; do
		sleep 0.1
	done
	rm "$work/ready"
}

ends "this machine" 2 preflight --kernel 9.9.9-none
says "a folder for images on another file system" \
	'^  impossible  /var/lib/upkeep/replace: it is on a file system that is not mounted before'
says "a link that is no device" '^  changed     br9: this network link is no device, and is not'
says "a route of several ways" '^  changed     10\.98\.0\.0/16: this route has several ways'
run preflight --kernel 9.9.9-none --json
json "what is not in use is missed by nobody" \
	'not any("idle9" in f["id"] for f in it["machine"]["findings"])'
for address in 10.99.0.1 fd99::1; do
	listen $address
	run preflight --kernel 9.9.9-none --keep $kept
	says "$address is that of a kept socket" \
		'^  impossible  br9: .*; kept connections or listeners have its address'
	kill $kept
done
listen 127.0.0.1
run preflight --kernel 9.9.9-none --keep $kept --json
kill $kept
json "127.0.0.1 is not" '[f["verdict"] for f in it["machine"]["findings"]
	if f["id"] == "link:br9"] == ["changed"]'
umount /var/lib
run preflight --kernel 9.9.9-none --json
apart=$(python3 -c 'import os; print(os.stat("/").st_dev != os.stat("/var/lib").st_dev)')
json "the folder is told only there" \
	"any(f['rule'] == 'store' for f in it['machine']['findings']) is $apart"
done_testing
