#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep inspect: what it tells of a bundle, with and without trust in it.
set -u
. tests/cli/lib.sh
make_bundle || exit 1
bundle=$work/good.upk
old=$(size_of "$work/members/orig/show.o" show)
new=$(size_of "$work/patched.o" show)

ends "inspect" 0 inspect --trusted-dir "$work/trusted" "$bundle"
says "the id" '^update 0123456789abcdef$'
says "the description" 'Changes the words'
says "the CVE" 'closes +CVE-2026-0001$'
says "the signature" 'signature +by trusted key [0-9a-f]{16}$'
says "the kernel" 'kernel +6\.1\.0-1-test \(x86_64\)$'
says "the object and its target" '^  lib/show\.o \(vmlinux\)$'
says "the function with its sizes" "^    changed +show +$old -> $new bytes\$"
says "the datum" '^    new +table +24 bytes of data$'
says "the finding" '^  initial-value:lib/show\.o:limit \(accepted\)$'
says "the finding's place and text" '^    lib/show\.c:3: It begins with another value\.$'
says "the patch" '^  patches/0-words\.patch, [0-9]+ bytes$'

ends "inspect without the key" 0 inspect --trusted-dir "$work/none" "$bundle"
says "an unknown key is not verified" 'NOT VERIFIED: key [0-9a-f]{16} is not trusted here$'

ends "inspect --json" 0 inspect --json --trusted-dir "$work/trusted" "$bundle"
json "JSON: the head" 'it["schema"] == 1 and it["id"] == "0123456789abcdef"
	and it["signature"] == "trusted" and len(it["key"]) == 16
	and it["release"] == "6.1.0-1-test" and it["cves"] == ["CVE-2026-0001"]
	and it["version"] is None and it["after"] == []'
json "JSON: the function" "it['functions'] == [{'target': 'vmlinux', 'object': 'lib/show.o',
	'name': 'show', 'change': 'changed', 'old_size': $old, 'new_size': $new,
	'redirect': True}]"
json "JSON: the datum and the finding" 'it["data"][0]["change"] == "new" and
	it["findings"][0]["name"] == "initial-value:lib/show.o:limit" and
	it["findings"][0]["accepted"] is True'
json "JSON: the patch" '"+tell(\"new words\", a);" in it["patches"][0]["text"]'

ends "inspect --patch" 0 inspect --patch "$bundle"
cmp -s "$work/out" "$work/members/patches/0-words.patch"
ok "the patch comes out as it went in" $?

ends "inspect --disasm" 0 inspect --disasm show "$bundle"
says "disassembly: the head" "^show in lib/show\\.o: $old -> $new bytes\$"
says "disassembly: the strings of both sides" '"old words" +\| .*"new words"'
says "disassembly: what is alike stands side by side" ' call other    .* call other$'
says "disassembly: a call without a relocation has its name too" ' call helper    .* call helper$'
says "disassembly: what is new stands on the right" '^ +> +[0-9a-f]+  '
ends "inspect --disasm with the object" 0 inspect --disasm lib/show.o:show "$bundle"
ends "inspect --disasm --json" 0 inspect --json --disasm show "$bundle"
json "disassembly as JSON" 'it["function"] == "show" and it["object"] == "lib/show.o" and
	any(i["same"] and i["old"]["text"] == "call other" for i in it["instructions"]) and
	any(i["old"] is None and i["new"]["offset"] > 0 for i in it["instructions"])'
ends "inspect --disasm of another function" 1 inspect --disasm nothing "$bundle"
complains "it is named" "^upkeep: inspect: the update changes no function 'nothing'"

# A description may come from anyone: it must not drive the terminal.
sed -i 's/Changes the words/Changes \\u009b31m the words/' "$work/manifest.json"
"$PACK" "$work/colour.upk" - "$work/manifest.json" "$work/members" || exit 1
ends "inspect of an unsigned bundle" 0 inspect "$work/colour.upk"
says "an unsigned bundle is said to be so" 'NONE: the update is unsigned$'
says "control characters do not get through" '^  description  Changes \?31m the words$'
done_testing
