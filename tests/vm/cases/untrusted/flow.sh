# SPDX-License-Identifier: GPL-2.0-or-later
expect old "before"
mkdir -p /tmp/no-keys
upkeep_exits 1 apply 1.upk --trusted-dir /tmp/no-keys
said "trust"
expect old "after the untrusted one was refused"

size=$(wc -c <1.upk)
for at in 100 $((size / 2)) $((size - 1)); do
	cp 1.upk /tmp/changed.upk
	byte=$(od -An -tu1 -j $at -N1 1.upk)
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %03o $((byte ^ 1)))" |
		dd of=/tmp/changed.upk bs=1 seek=$at conv=notrunc 2>/dev/null
	! cmp -s 1.upk /tmp/changed.upk || fail "byte $at did not change"
	upkeep apply /tmp/changed.upk && fail "applied with byte $at changed"
	expect old "after the one with byte $at changed was refused"
done

apply 1
expect new "the real one"
undo 1
expect old "at the end"
