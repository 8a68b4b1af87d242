#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Building twice gives the same bytes, also from another folder.
set -u
. tests/cli/lib.sh

mkdir "$work/copy"
cp -r Makefile mk src include "$work/copy"
make --no-print-directory -C "$work/copy" -j"$(nproc)" all >"$work/out" 2>&1
ok "a copy of the source builds" $?
cmp "$UPKEEP" "$work/copy/build/upkeep" >"$work/out" 2>&1
ok "its program has the same bytes" $?

done_testing
