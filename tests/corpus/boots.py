# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest stage: many cases in one boot, each applied and undone under a mixed load."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

import guest  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
START_LIMIT = 180    # seconds until the first case
CASE_LIMIT = 180     # seconds more for each
QUIET_LIMIT = 300    # without a word

# Modules that others ask for by name when they begin.
ASKED_FOR = ("ts_kmp", "ts_bm", "ts_fsm")


class Transcript:
    """What a boot says: the words and the lines of each case."""

    def __init__(self):
        self.told = {}
        self.lines = []
        self.current = None

    def take(self, line):
        words = line.split()
        if words[:2] == ["@@", "begin"]:
            self.current, self.lines = words[2], []
        elif words[:2] == ["@@", "case"]:
            self.told[words[2]] = {"word": words[3], "seconds": int(words[4]),
                                   "said": self.lines}
            self.current, self.lines = None, []
        else:
            self.lines.append(line)


def modules_of(kernel, case):
    """The modules among the targets of a case that are not built in."""
    builtin = {guest.module_key(line) for line in
               (kernel.modules / "modules.builtin").read_text().split()}
    names = {guest.module_key(target) for target in case.targets if target != "vmlinux"}
    return sorted(names - builtin)


def make_ramfs(corpus, kernel, cases):
    ramfs = guest.base_ramfs()
    ramfs.add_program(corpus.upkeep, "bin/upkeep")
    ramfs.add(corpus.trusted, "etc/upkeep/trusted.d")
    ramfs.add(guest.TOP / "build" / "tests" / "corpus" / "load", "bin/load")
    ramfs.add(HERE / "guest.sh", "guest.sh")
    ramfs.add_link("sbin/modprobe", "/bin/busybox")
    needed = set(ASKED_FOR)
    for case in cases:
        modules = modules_of(kernel, case)
        needed.update(modules)
        ramfs.add(case.update, f"cases/{case.name}/update.upk")
        ramfs.add_bytes(f"cases/{case.name}/id", case.result["create"]["id"].encode() + b"\n")
        ramfs.add_bytes(f"cases/{case.name}/modules", "\n".join(modules).encode() + b"\n")
    guest.add_modules(ramfs, kernel, needed)
    return ramfs


def boot(corpus, cases, log):
    kernel = guest.find_kernel(corpus.step.release)
    machine = guest.Guest(kernel, make_ramfs(corpus, kernel, cases), "sh /guest.sh", log,
                          deadline=START_LIMIT + CASE_LIMIT * len(cases),
                          quiet=QUIET_LIMIT)
    transcript = Transcript()
    status = machine.boot(transcript.take)
    if transcript.current and transcript.current not in transcript.told:
        transcript.told[transcript.current] = {
            "word": "lost", "seconds": 0,
            "said": transcript.lines + [f"the guest ended with {status}; the console:"] +
            machine.console_tail()}
    return transcript, status


def run_batch(corpus, cases, log):
    """Gives (case, what the guest told); boots again for those behind one that ended the guest."""
    left, number = {case.name: case for case in cases}, 0
    while left:
        number += 1
        there = pathlib.Path(f"{log}.{number}")
        transcript, status = boot(corpus, list(left.values()), there)
        if not transcript.told:
            raise guest.VmError(f"{there}: the guest ended with {status} before any case:\n" +
                                "\n".join(transcript.lines + machine_end(there)))
        if status != 0 and len(transcript.told) == len(left):
            # The load itself ended badly, and no case in particular is to blame.
            last = list(transcript.told.values())[-1]
            if last["word"] == "applied":
                last.update(word="load", said=last["said"] + transcript.lines)
        for name, what in transcript.told.items():
            yield left.pop(name), what


def machine_end(log):
    return log.read_text(errors="replace").splitlines()[-30:] if log.exists() else []
