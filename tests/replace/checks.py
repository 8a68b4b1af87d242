# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of one guest, in order, as TAP; each may count on what the ones before left."""

import os
import pathlib
import sys
import time

import system
from guest import TOP

BUILD = pathlib.Path(os.environ.get("UPKEEP_BUILD", TOP / "build"))


def put_upkeep(guest):
    """What `make install' would install, for the tests of it on a whole system."""
    guest.payload.add(BUILD / "upkeep", "usr/bin/upkeep")
    for name in ("init", "resume", "catch", "gather", "tree.so"):
        guest.payload.add(BUILD / name, f"usr/lib/upkeep/{name}")
    guest.payload.add(TOP / "tmpfiles.d/upkeep.conf", "usr/lib/tmpfiles.d/upkeep.conf")
    guest.payload.add(BUILD / "criu/seat.so", "usr/lib/upkeep/criu/seat.so")


# What a replacement has on the disk while it is under way, and criu (98, see criu.c).
LEFT = ("pgrep -x 98; ls /etc/upkeep/home 2>/dev/null; "
        "find /var/lib/upkeep /sbin/ -name 'init.upkeep*' -o "
        "-path '/var/lib/upkeep/*' -type f ! -name report.json")


def left(guest):
    """What a replacement left in the system beside reports: nothing."""
    return guest.run(
        "find /run -path '*upkeep*' ! -path '/run/udev/*'; nft list ruleset; "
        f"{LEFT}; grep -v '^0$' /sys/kernel/kexec_loaded; mount | grep upkeep; "
        "ps axo pid,args | grep -E '/(upkeep|criu)' | grep -v grep; "
        "systemctl list-units --all --plain --no-legend 'upkeep*'").output


def run(checks, guest):
    """@checks: [(function of the guest, what it shows)]. The exit status."""
    failed = 0
    print(f"1..{len(checks)}", flush=True)
    for number, (check, what) in enumerate(checks, 1):
        started, trouble = time.monotonic(), None
        try:
            check(guest)
        except (AssertionError, system.VmError, OSError) as error:
            trouble = f"{type(error).__name__}: {error}"
            failed += 1
        took = time.monotonic() - started
        print(f"{'not ' if trouble else ''}ok {number} - {what} ({took:.0f} s)")
        for line in (trouble or "").splitlines():
            print(f"# {line}")
        sys.stdout.flush()
    return 1 if failed else 0
