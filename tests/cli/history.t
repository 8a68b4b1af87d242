#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep history and status: what they say of swaps, from reports that lie where they belong.
set -u
. tests/cli/lib.sh

# In a namespace of its own /var/lib is empty, and may be filled.
if [ "${INSIDE:-}" = "" ]; then
	INSIDE=1 exec unshare --user --map-root-user --mount "$0"
fi
mount -t tmpfs tmpfs /var/lib || { echo "Bail out! no file system of its own" && exit 1; }

ends "no swap yet" 3 history
complains "no swap yet: said so" '^upkeep: history: no kernel was replaced yet'
ends "no swap yet, as JSON" 3 history --json
json "no swap yet, as JSON: an empty list" 'it["swaps"] == [] and it["result"] == "nothing"'
run status --json
json "status without a swap" 'it["replacement"] is None'

# report ID END WHY BOOT FROZEN: @FROZEN is in seconds.
swaps=/var/lib/upkeep/replace
report() {
	mkdir -p "$swaps/$1"
	cat >"$swaps/$1/report.json" <<-END
	{ "schema": 1, "id": "$1", "end": "$2", $3 "boot": "$4", "old": "6.1.0-1", "new": "6.12.0-1",
	  "frozen_ns": ${5}000000000, "ahead_ns": 2500000000, "ahead_bytes": 12582912,
	  "times": [ { "phase": "dump", "ns": ${5}500000000 },
		{ "phase": "open the gate", "ns": $(($5 + 10))000000000 },
		{ "phase": "hand back to systemd", "ns": $(($5 + 70))000000000 } ],
	  "services": [
		{ "name": "nginx.service", "unit": "nginx.service", "pid": 812,
		  "outcome": "restored" },
		{ "name": "pid 99", "pid": 99, "outcome": "afresh", "why": "no \u001b[31mroom" } ] }
	END
}
boot=$(cat /proc/sys/kernel/random/boot_id)
report 00000000000000aa over "" 11111111-2222-3333-4444-555555555555 1000000000
ends "a swap" 0 history
says "a swap: what it was" ' 6\.1\.0-1 -> 6\.12\.0-1  gap 10\.0 s, 1 of 2 services restored$'
says "a swap: when" '^2001-09-0[89] '
says "a swap: what came before the gap" '^    copy memory +2\.5 s, before the gap \(12 MiB\)$'
says "a swap: a phase" '^    dump +500\.00 ms$'
says "a swap: what came after the gap" '^    hand back to systemd +1 min 00 s$'
says "a swap: what was restored" '^    nginx\.service: restored$'
says "a swap: what was not, and nothing that drives a terminal" \
	'^    pid 99: started afresh: no \?\[31mroom$'
run status --json
json "status tells nothing of another boot" 'it["replacement"] is None'

report 00000000000000bb over "" "$boot" 1100000000
report 00000000000000cc taken-back '"why": "dump: it said no",' 1 1050000000
run history
is "the last one comes first" "10.0 10.0 10.0" "$(sed -n 's/.*gap \([0-9.]*\) s.*/\1/p' "$work/out" | xargs)"
says "taken back: why" 'taken back, gap 10\.0 s: dump: it said no$'
run status
says "status tells of this boot" '6\.1\.0-1 -> 6\.12\.0-1  gap 10\.0 s, 1 of 2 services restored$'
says "status names who was not restored" '^    pid 99: started afresh'
run status --json
json "status tells of this boot as JSON" \
	'it["replacement"]["id"] == "00000000000000bb" and it["replacement"]["gap_ns"] == 10**10'
ends "as JSON" 0 history --json
json "as JSON: all, in their order" 'it["schema"] == 1 and it["verb"] == "history" and
	[s["id"][-2:] + s["end"] for s in it["swaps"]] == ["bbover", "cctaken-back", "aaover"]'
json "as JSON: a swap" 'it["swaps"][0].items() >= {"old": "6.1.0-1", "new": "6.12.0-1",
	"why": None, "frozen_at_ns": 1100000000 * 10**9, "gap_ns": 10**10,
	"ahead_ns": 25 * 10**8, "ahead_bytes": 12 << 20}.items()'
json "as JSON: phases" 'it["swaps"][0]["phases"] == [{"name": "dump", "ns": 5 * 10**8},
	{"name": "open the gate", "ns": 95 * 10**8}, {"name": "hand back to systemd", "ns": 6 * 10**10}]'
json "as JSON: services" 'it["swaps"][0]["services"][0] == {"name": "nginx.service",
	"unit": "nginx.service", "pid": 812, "outcome": "restored", "why": None}
	and it["swaps"][0]["services"][1]["why"] == "no \x1b[31mroom"'

mkdir $swaps/00000000000000dd
run history
says "without a report" '^-  cut short: there is no report: the new kernel did not come so far$'
echo '{' >$swaps/00000000000000dd/report.json
run history
says "a bad report" '^-  cut short: .*/report\.json: not a JSON object'
ends "an argument" 1 history x
done_testing
