#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The library that shows criu a tree of processes where there is none: what a program reads that has
# it loaded.
set -u
. tests/cli/lib.sh

sleep 300 &
one=$!
# shellcheck disable=SC2016 # for that shell
setsid sh -c 'sleep 301 & echo $! >"$0"; wait' "$work/other" &
above=$!
while [ ! -s "$work/other" ]; do sleep 0.1; done
other=$(cat "$work/other")

# read_as PID NAME: what lies below /proc/PID, opened as criu does.
read_as() {
	LD_PRELOAD=$PWD/build/tree.so UPKEEP_TREE="$$ $one $other" /usr/bin/python3 -I -S -c '
import os, sys
folder = os.open("/proc/" + sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
file = os.open(sys.argv[2], os.O_RDONLY, dir_fd=folder)
sys.stdout.write(os.read(file, 65536).decode())
' "$1" "$2"
}

plain() {
	grep "^$1:" "/proc/$2/status"
}

is "the parent has the children that it is given" "$one $other " "$(read_as $$ "task/$$/children")"
is "each has it as its parent" "PPid:	$$" "$(read_as "$other" status | grep '^PPid:')"
is "nothing else of a status is changed" "$(grep -v -e '^PPid:' -e ctxt -e ^VmRSS -e ^Rss "/proc/$other/status")" \
	"$(read_as "$other" status | grep -v -e '^PPid:' -e ctxt -e ^VmRSS -e ^Rss)"
is "who has another parent keeps that" "$(plain PPid "$$")" "$(read_as $$ status | grep '^PPid:')"
is "other files are as they are" "$(cat "/proc/$other/comm")" "$(read_as "$other" comm)"
is "others have the children that they have" "$other " \
	"$(read_as "$above" "task/$above/children" | tr -s ' ')"
(LD_PRELOAD=$PWD/build/tree.so UPKEEP_TREE="12 x" /bin/true) >"$work/out" 2>"$work/err"
is "a list that is none ends the program" 134 $?
kill "$one" "$other" "$above" 2>/dev/null
done_testing
