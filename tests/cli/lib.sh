# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the tests of the command line share: TAP, running upkeep, a bundle to look at.
# They run in the top folder of the project.

UPKEEP=${UPKEEP:-build/upkeep}
PACK=${PACK:-build/tests/cli/pack}
LC_ALL=C
export LC_ALL
if ! "$UPKEEP" version >/dev/null; then
	echo "Bail out! $UPKEEP does not run"
	exit 1
fi
nr=0
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ok NAME STATUS: one case, passed when STATUS is 0.
ok() {
	nr=$((nr + 1))
	if [ "$2" = 0 ]; then
		echo "ok $nr - $1"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $nr - $1"
	for said in out err; do
		[ -s "$work/$said" ] && sed "s/^/# $said: /" "$work/$said"
	done
	return 0
}

# is NAME WANTED GOT
is() {
	if [ "$2" = "$3" ]; then
		ok "$1" 0
	else
		echo "# wanted '$2', got '$3'"
		ok "$1" 1
	fi
}

# run ARGUMENT...: runs upkeep; leaves $status, $work/out and $work/err.
run() {
	status=0
	"$UPKEEP" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

# ends NAME STATUS ARGUMENT...: runs upkeep and wants that exit status.
ends() {
	name=$1
	wanted=$2
	shift 2
	run "$@"
	is "$name: exit status" "$wanted" "$status"
}

# says NAME PATTERN: standard output of the last run has it. complains: standard error.
says() {
	grep -qE -- "$2" "$work/out"
	ok "$1" $?
}
complains() {
	grep -qE -- "$2" "$work/err"
	ok "$1" $?
}

# json NAME EXPRESSION: standard output of the last run is JSON of which the Python
# expression over `it' is true.
json() {
	python3 -c 'import json, sys
it = json.load(open(sys.argv[1]))
sys.exit(not eval("(" + sys.argv[2] + ")"))' "$work/out" "$2" 2>"$work/err"
	ok "$1" $?
}

verbs() {
	"$UPKEEP" help | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# The options in a help text (standard input), without what is said of them.
option_column() {
	sed -nE 's/^( +(-., )?--[^ ,]+(, --[^ ,]+)*).*/\1/p'
}

done_testing() {
	echo "1..$nr"
	[ "$failures" = 0 ]
}

size_of() {
	echo $((0x$(nm -S "$1" | sed -n "s/^[0-9a-f]* \([0-9a-f]*\) [tT] $2\$/\1/p")))
}

# A bundle in $work/good.upk, signed by $work/mine.key, and its manifest and members.
make_bundle() {
	members=$work/members
	mkdir -p "$members/parts" "$members/orig" "$members/core" "$members/patches"
	cat >"$work/orig.c" <<-'END'
		extern int tell(const char *text, int a);
		extern int other(int a);
		int limit;
		static __attribute__((noinline)) int helper(int a)
		{
			asm volatile("" : "+r"(a));
			return a;
		}
		int show(int a)
		{
			if (a > limit)
				tell("old words", a);
			return other(a) + helper(a);
		}
	END
	sed -e 's/old words/new words/' -e 's/a > limit/a >= limit \&\& a/' \
		-e 's/int limit;/extern int limit;/' "$work/orig.c" >"$work/patched.c"
	gcc-12 -O2 -fno-pic -mcmodel=kernel -fcf-protection=none -c -o "$members/orig/show.o" "$work/orig.c"
	gcc-12 -O2 -fno-pic -mcmodel=kernel -fcf-protection=none -ffunction-sections -c \
		-o "$work/patched.o" "$work/patched.c"
	objcopy --rename-section .text.show=.text.upk.0.show "$work/patched.o" "$members/parts/0.ko"
	echo core >"$members/core/upkeep.ko"
	diff -u "$work/orig.c" "$work/patched.c" >"$members/patches/0-words.patch"
	write_manifest >"$work/manifest.json"
	"$UPKEEP" keygen -q "$work/mine" && mkdir "$work/trusted" &&
		cp "$work/mine.pub" "$work/trusted"
	"$PACK" "$work/good.upk" "$work/mine.key" "$work/manifest.json" "$members"
}

write_manifest() {
	cat <<-END
		{
		"schema": 1, "id": "0123456789abcdef", "release": "6.1.0-1-test",
		"version": null, "build_id": null, "arch": "x86_64", "compiler": "gcc",
		"source": "test", "description": "Changes the words", "cves": ["CVE-2026-0001"],
		"after": [], "patches": ["patches/0-words.patch"], "core": "core/upkeep.ko",
		"ibt": false,
		"parts": [{"target": "vmlinux", "module": "upkeep_0123456789abcdef_0",
			"member": "parts/0.ko"}],
		"objects": [{"path": "lib/show.o", "part": 0, "plain": "orig/show.o",
			"prev": null}],
		"functions": [{"change": "changed", "object": 0, "name": "show",
			"old_size": $(size_of "$work/members/orig/show.o" show),
			"new_size": $(size_of "$work/patched.o" show),
			"section": ".text.upk.0.show", "offset": 0, "redirect": true}],
		"data": [{"change": "new", "object": 0, "name": "table", "size": 24}],
		"writes": [], "pointers": [],
		"findings": [{"name": "initial-value:lib/show.o:limit", "place": "lib/show.c:3",
			"text": "It begins with another value.", "accepted": true}]
		}
	END
}
