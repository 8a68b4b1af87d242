#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Bundles that are not taken: unsigned, unknown, damaged. All of it is decided before
# anything of the running kernel is looked at.
set -u
. tests/cli/lib.sh
make_bundle || exit 1
good=$work/good.upk
"$PACK" "$work/unsigned.upk" - "$work/manifest.json" "$work/members" || exit 1

# The size of the header is in the format (src/bundle/bundle.h).
size=$(stat -c %s "$good")
flip() {
	cp "$good" "$work/flip.upk"
	byte=$(od -An -tu1 -j "$1" -N 1 "$good")
	printf '%b' "\\0$(printf %o $((byte ^ 1)))" |
		dd of="$work/flip.upk" bs=1 seek="$1" conv=notrunc status=none
}

for verb in apply check; do
	ends "$verb of an unsigned update" 1 "$verb" --trusted-dir "$work/trusted" "$work/unsigned.upk"
	complains "$verb of an unsigned update: said so, with the remedy" \
		"^upkeep: $verb: .*unsigned\.upk: not signed.*--allow-un(signed|trusted)"
	ends "$verb of an update of an unknown key" 1 "$verb" --trusted-dir "$work/none" "$good"
	complains "$verb of an update of an unknown key: the key is named" \
		"^upkeep: $verb: .*good\.upk: .*signed by key [0-9a-f]{16}, which is not among"

	for length in 0 7 40 127 128 $((size - 1)); do
		head -c "$length" "$good" >"$work/short.upk"
		ends "$verb of the first $length bytes" 1 "$verb" --trusted-dir "$work/trusted" \
			"$work/short.upk"
		complains "$verb of the first $length bytes: the file is named" \
			"^upkeep: $verb: .*short\.upk: "
	done
	for at in 0 8 16 40 70 130 $((size - 1)); do
		flip "$at"
		run "$verb" --trusted-dir "$work/trusted" "$work/flip.upk"
		is "$verb with byte $at changed: exit status" 1 "$status"
		complains "$verb with byte $at changed: the file is named" \
			"^upkeep: $verb: .*flip\.upk: "
		run "$verb" --allow-unsigned --trusted-dir "$work/trusted" "$work/flip.upk"
		is "$verb --allow-unsigned with byte $at changed: exit status" 1 "$status"
	done
	ends "$verb of no file" 1 "$verb" "$work/none.upk"
	complains "$verb of no file: said so" "none\.upk.*No such file or directory"
	ends "$verb as JSON" 1 "$verb" --json --trusted-dir "$work/trusted" "$work/unsigned.upk"
	json "$verb as JSON: the refusal" 'it["result"] == "error" and it["exit_code"] == 1 and
		"not signed" in it["message"]'
done
for length in 0 127 $((size - 1)); do
	head -c "$length" "$good" >"$work/short.upk"
	ends "inspect of the first $length bytes" 1 inspect "$work/short.upk"
done
ends "status as JSON" 0 status --json
json "status as JSON: a list" 'isinstance(it["updates"], list)'
done_testing
