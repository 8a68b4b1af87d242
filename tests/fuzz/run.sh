#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzes every parser of outside bytes for some seconds each: run.sh [SECONDS [FOLDER]].
# The corpus stays in FOLDER, so a later run goes on from there. Reports TAP.
set -u

seconds=${1:-20}
out=${2:-build/fuzz}
packages="libelf libdw libsodium libarchive libzstd json-c libkmod libcrypto"
# shellcheck disable=SC2046,SC2086 # lists of words are what is meant
build() { # OUTPUT SOURCE FLAGS...
	output=$1 source=$2
	shift 2
	rooms=$(sed -n 's,^/\* rooms: \(.*\) \*/$,\1,p' "$source")
	clang-14 -std=gnu11 -D_GNU_SOURCE -g -O1 -Wno-gnu-folding-constant -Isrc -Iinclude \
		-Itests/unit -DUPKEEP_VERSION='"fuzz"' -DUPKEEP_SYSCONFDIR='"/etc/upkeep"' \
		-DUPKEEP_DATADIR='"/usr/share/upkeep"' $(pkg-config --cflags $packages) "$@" \
		-ffunction-sections -Wl,--gc-sections -o "$output" "$source" \
		$(for room in $rooms; do ls src/$room/*.c; done) \
		$(pkg-config --libs $packages) -lZydis -lcheck -lsubunit -lm -lrt -lpthread
}

mkdir -p "$out/corpus"
if ! build "$out/seed" tests/fuzz/seed.c -fsanitize=address || ! "$out/seed" "$out/corpus"; then
	echo "Bail out! no seeds"
	exit 1
fi
number=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	number=$((number + 1))
	log=$out/$name.log
	mkdir -p "$out/corpus/$name"
	if build "$out/$name" "$source" -fsanitize=fuzzer,address,undefined >"$log" 2>&1 &&
	   "$out/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
			-artifact_prefix="$out/" "$out/corpus/$name" >>"$log" 2>&1; then
		echo "ok $number - $name: $(grep -E '^Done' "$log")"
	else
		failed=1
		tail -n 30 "$log" | sed 's/^/# /'
		echo "not ok $number - $name"
	fi
done
echo "1..$number"
exit $failed
