#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Updates that are whole but not for us: signed again, from a later upkeep, for another kernel.
# (tests/cli/trust.t has the damaged ones.)
set -u
. tests/cli/lib.sh
make_bundle || exit 1
good=$work/good.upk
trust=--trusted-dir=$work/trusted

# bytes FROM TO OFFSET LENGTH: copies bytes of one file over those of another.
bytes() {
	dd if="$1" of="$2" bs=1 skip="$3" seek="$3" count="$4" conv=notrunc status=none
}

# made_of NAME: packs the manifest as it is now, signed with the trusted key.
made_of() {
	"$PACK" "$work/$1.upk" "$work/mine.key" "$work/manifest.json" "$work/members" \
		>"$work/out" 2>"$work/err"
}

"$UPKEEP" keygen -q "$work/other" || exit 1
"$PACK" "$work/resigned.upk" "$work/other.key" "$work/manifest.json" "$work/members" || exit 1
for verb in apply check; do
	ends "$verb of one signed again with a strange key" 1 "$verb" "$trust" "$work/resigned.upk"
	complains "$verb of one signed again: the key is named" \
		"resigned\.upk: signed by key $("$UPKEEP" inspect --json "$work/resigned.upk" |
			sed -n 's/.*"key": *"\([0-9a-f]*\)".*/\1/p'), which is not among the 1 trusted"

	# The strange key's signature under the name of the trusted one.
	cp "$work/resigned.upk" "$work/forged.upk"
	bytes "$good" "$work/forged.upk" 24 8
	ends "$verb of one that bears a trusted key's name" 1 "$verb" "$trust" "$work/forged.upk"
	complains "$verb of a forged one: said so" "forged\.upk: the signature by key .* does not fit"
	ends "$verb of a forged one that may be untrusted" 1 "$verb" --allow-untrusted "$trust" \
		"$work/forged.upk"

	# The trusted key's signature over another payload.
	cp "$good" "$work/swapped.upk"
	truncate -s 128 "$work/swapped.upk"
	tail -c +129 "$work/resigned.upk" | sed 's/x/y/' >>"$work/swapped.upk"
	truncate -s "$(stat -c %s "$good")" "$work/swapped.upk"
	ends "$verb of a trusted header before another payload" 1 "$verb" "$trust" \
		"$work/swapped.upk"

	cp "$good" "$work/future.upk"
	printf '\002' | dd of="$work/future.upk" bs=1 seek=8 conv=notrunc status=none
	ends "$verb of a later format" 1 "$verb" "$trust" "$work/future.upk"
	complains "$verb of a later format: both versions, and what to do" \
		"future\.upk: format 2 is newer than 1, which this upkeep .* reads; install the upkeep"
	ends "$verb of another kernel's update" 2 "$verb" "$trust" "$good"
	complains "$verb of another kernel's update: both are named" \
		"0123456789abcdef: the update is for kernel 6\.1\.0-1-test \(x86_64\), and this is $(uname -r)"
	ends "$verb of another kernel's update as JSON" 2 "$verb" --json "$trust" "$good"
	json "$verb of another kernel's update as JSON: refused" \
		'it["result"] == "refused" and it["exit_code"] == 2'
done
cp "$work/manifest.json" "$work/kept.json"
sed "s/6\.1\.0-1-test/$(uname -r)/; s/x86_64/riscv64/" "$work/kept.json" >"$work/manifest.json"
if made_of arch; then
	ends "apply of another architecture's update" 2 apply "$trust" "$work/arch.upk"
	complains "another architecture: both are named" "\(riscv64\), and this is .* \($(uname -m)\)"
else
	grep -q 'arch' "$work/err"
	ok "another architecture is not packed" $?
fi
sed 's/"schema": 1/"schema": 2/' "$work/kept.json" >"$work/manifest.json"
made_of schema
is "a later manifest is not packed" 1 $?
complains "a later manifest: said so" 'schema'

ends "apply of a folder" 1 apply "$trust" "$work"
complains "apply of a folder: it is named" "^upkeep: apply: .*$work: "
ends "apply of what is no update" 1 apply "$trust" "$work/manifest.json"
complains "apply of what is no update: said so" "manifest\.json: not an update \(\.upk\)"
ends "undo of what is not applied" 3 undo 0123456789abcdef
complains "undo of what is not applied: said so" "no update '0123456789abcdef' is applied"

# Whoever is not root may look, not touch.
chmod 755 "$work" "$work/trusted"
chmod 644 "$good" "$work/trusted/"*
cp "$UPKEEP" "$work/upkeep"
as_nobody() {
	name=$1
	wanted=$2
	shift 2
	status=0
	(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$work/upkeep" "$@") \
		>"$work/out" 2>"$work/err" </dev/null || status=$?
	is "$name: exit status" "$wanted" "$status"
}
for verb in apply check; do
	as_nobody "$verb by another user than root" 1 "$verb" "$trust" "$good"
	complains "$verb by another user than root: said so" "by root alone, and this is user 65534"
done
as_nobody "inspect by another user" 0 inspect "$trust" "$good"
as_nobody "status by another user" 0 status
as_nobody "undo by another user" 3 undo 0123456789abcdef
as_nobody "apply with a key of another user's" 1 apply "$trust" \
	--mok="$work/mine.key,$work/mine.pub" "$good"
complains "a key of another user's: said so" "open $work/mine\.key: Permission denied"

for mok in "" "key" "key," ",cert"; do
	ends "--mok=$mok" 1 apply "--mok=$mok" "$trust" "$good"
	complains "--mok=$mok: what is wanted" "KEY,CERT"
done
ends "--mok with what is no key" 1 apply "--mok=$work/mine.key,$work/mine.pub" "$trust" "$good"
complains "--mok with what is no key: said so" "mine\.key: not a private key in PEM"
done_testing
