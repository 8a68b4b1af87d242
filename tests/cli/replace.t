#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# upkeep replace: what it says when it refuses, on a terminal and as JSON.
set -u
. tests/cli/lib.sh

# In a namespace of its own, for the lock in /run.
if [ "${INSIDE:-}" = "" ]; then
	INSIDE=1 exec unshare --user --map-root-user --mount "$0"
fi
mount -t tmpfs tmpfs /run || { echo "Bail out! no file system of its own" && exit 1; }

# One that the preflight calls impossible, and one that it does not.
python3 -c 'import os, time
os.closerange(3, 1000)
os.setsid()
fd = os.pidfd_open(os.getpid())
time.sleep(1000)' </dev/null >/dev/null 2>&1 &
stubborn=$!
python3 -c 'import os
os.closerange(3, 1000)
os.setsid()
os.execvp("sleep", ["sleep", "1000"])' </dev/null >/dev/null 2>&1 &
kept=$!
trap 'kill $stubborn $kept; rm -rf "$work"' EXIT
until [ "$(readlink "/proc/$stubborn/fd/3")" = "anon_inode:[pidfd]" ] &&
	[ "$(cat "/proc/$kept/comm")" = sleep ]; do
	sleep 0.1
done

ends "without a kernel" 1 replace --keep $kept
complains "without a kernel: said so" '^upkeep replace: the new kernel is missing \(--kernel\)'
ends "without anything" 1 replace --kernel 9.9.9-none
complains "without anything: said so" '^upkeep replace: say what to keep \(--keep\)'

ends "impossible" 2 replace --kernel 9.9.9-none --keep $stubborn --keep $kept
complains "impossible: what" "^fd 3 of $stubborn \\(python3\\): a pidfd, which this CRIU cannot carry"
complains "impossible: how to go on" "^    go on all the same: --accept='pidfd:pid $stubborn:$stubborn:fd3'; \
leave the service out: --without=$stubborn\$"
complains "impossible: what of the machine" '^9\.9\.9-none: its image is not installed'
complains "impossible: the machine cannot be left out" \
	"^    go on all the same: --accept='kernel:9\\.9\\.9-none'\$"
complains "impossible: in short" '^upkeep: replace: preflight: [0-9]+ findings are not possible: [12] of 2'
is "impossible: nothing on standard output" "" "$(cat "$work/out")"

run replace --kernel 9.9.9-none --keep $stubborn --keep $kept --without pid:$stubborn
is "left out: nothing of it is in the way" "" "$(grep pidfd "$work/err")"
complains "left out: it is not counted" ': [01] of 1 services would be lost'
run replace --kernel 9.9.9-none --keep $stubborn --accept pidfd
is "accepted: it is not in the way" "" "$(grep pidfd "$work/err")"
ends "what is not there is not accepted" 1 replace --kernel 9.9.9-none --keep $kept --accept pidfd
complains "what is not there is not accepted: said so" '--accept pidfd: there is no such finding'

ends "images in memory" 2 replace --kernel 9.9.9-none --keep $kept --store pmem
complains "images in memory: there is none" \
	'^images: this machine was not started with memory for images'
complains "images in memory: what to do" "^    \`upkeep replace --setup' has the next start"
ends "images nowhere" 1 replace --kernel 9.9.9-none --keep $kept --store tape
complains "images nowhere: said so" '--store=tape: not one of auto, disk, pmem'
ends "unpacked at no time" 1 replace --kernel 9.9.9-none --keep $kept --unpack never
complains "unpacked at no time: said so" '--unpack=never: not one of auto, before, after'

# What would be this machine's memory and boot loader.
mount -t tmpfs tmpfs /etc/default || { echo "Bail out! no file system of its own" && exit 1; }
printf '00100000-bfffffff : System RAM\n100000000-23fffffff : System RAM\n' >"$work/iomem"
mount --bind "$work/iomem" /proc/iomem || { echo "Bail out! no memory of its own" && exit 1; }
mkdir "$work/bin"
cat >"$work/bin/update-grub" <<'EOF'
#!/bin/sh
# As grub-mkconfig reads them.
GRUB_CMDLINE_LINUX=quiet
for file in /etc/default/grub /etc/default/grub.d/*.cfg; do
	[ ! -e "$file" ] || . "$file"
done
echo "$GRUB_CMDLINE_LINUX" >/etc/default/line
EOF
chmod 755 "$work/bin/update-grub"
PATH=$work/bin:$PATH
ends "no boot loader" 2 replace --setup
complains "no boot loader: said so" 'GRUB is not what starts this machine'
: >/etc/default/grub
ends "set up" 0 replace --setup
says "set up: said so" '2048 MiB of memory are kept for images'
is "set up: the command line" "quiet memmap=2048M!7168M upkeep.store=7168M" \
	"$(cat /etc/default/line)"
ends "with a size" 0 replace --setup --size 500 --json
json "with a size: told" 'it["size_bytes"] == 512 << 20 and it["start_bytes"] == 8704 << 20'
ends "too much" 2 replace --setup --size 8000
complains "too much: said so" '8064 MiB are too much'
ends "taken back" 0 replace --setup --size 0
is "taken back: the command line" quiet "$(cat /etc/default/line)"
ends "a size alone" 1 replace --size 5
complains "a size alone: said so" '--size goes with --setup'
ends "set up, and a kernel" 1 replace --setup --kernel 9.9.9-none
complains "set up, and a kernel: said so" '--setup replaces no kernel'
ends "a dry run of it" 1 replace --setup --dry-run
complains "a dry run of it: said so" '--setup replaces no kernel'
is "a dry run of it: nothing is written" "" "$(ls /etc/default/grub.d)"
printf '#!/bin/sh\necho no room; exit 1\n' >"$work/bin/update-grub"
ends "a boot loader that fails" 1 replace --setup
complains "a boot loader that fails: what to do" \
	'/etc/default/grub.d/upkeep.cfg is as it was asked for, but .*: run it again'

ends "as JSON" 2 replace --kernel 9.9.9-none --keep $stubborn --json
json "as JSON: how it ended" 'it["schema"] == 1 and it["result"] == "refused"'
json "as JSON: the phases" '[p["name"] for p in it["phases"]] == ["user", "lock", "preflight"]'
json "as JSON: what is in the way" "[o for o in it['obstacles'] if o['rule'] == 'pidfd'] == [{
	'id': 'pidfd:pid $stubborn:$stubborn:fd3', 'rule': 'pidfd', 'service': 'pid $stubborn',
	'resource': 'fd 3 of $stubborn (python3)', 'what': 'a pidfd, which this CRIU cannot carry',
	'remedy': 'CRIU 4.1 or newer can carry it'}]"
json "as JSON: the machine has no service" \
	'[o["service"] for o in it["obstacles"] if o["id"] == "kernel:9.9.9-none"] == [None]'

# On a terminal each phase that ended leaves a line.
script -qec "$UPKEEP replace --kernel 9.9.9-none --keep $kept" "$work/typescript" >/dev/null
tr -d '\r' <"$work/typescript" | sed 's/\x1b\[K/\n/g' >"$work/out"
says "on a terminal: a phase and its time" '^lock: [0-9.]+ m?s$'
says "on a terminal: the last one" '^judging: [0-9.]+ m?s$'
run replace --kernel 9.9.9-none --keep $kept
is "elsewhere: none" "" "$(grep -E '^lock: ' "$work/err")"

exec 9>/run/upkeep.lock
flock 9
ends "while another one works" 1 replace --kernel 9.9.9-none --keep $kept
complains "while another one works: said so" \
	'/run/upkeep.lock: another upkeep \(process unknown\) is changing the kernel; try again'
exec 9>&-
done_testing
