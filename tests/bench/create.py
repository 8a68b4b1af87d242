# SPDX-License-Identifier: GPL-2.0-or-later
"""Making an update for a patch of one file, over the plain compile of the same object.

A cache of its own begins with nothing but the packages that were downloaded and apt's lists:
the first create for a kernel is the cold one. After it the kernel is prepared. Then, in turn
for each file: its plain compile (kbuild's own command line, one process); a create that finds no
object of that file ("first"); a create for another edit of the same file ("again"), which
finds the objects of the source as it was.
"""

import os
import shlex
import shutil

import bench
from bench import CACHE, Edit, Measured, Tree, VmError, say

EDITS = {
    "small, built in": Edit(
        "fs/proc/cmdline.c", r"^\tseq_puts\(m, saved_command_line\);$",
        r'\tseq_puts(m, "upkeep @N@ ");\n\g<0>'),
    "medium, built in": Edit(
        "kernel/sys.c", r"info->procs = nr_threads;", "info->procs = nr_threads + @N@;"),
    "large, built in": Edit(
        "net/ipv4/tcp_input.c", r"per_mss = max_t\(", "per_mss = @N@ + max_t("),
    "small, module": Edit("net/8021q/vlanproc.c", r'"Name-Type: ', '"Name-Type (@N@): '),
    "large, module": Edit(
        "net/netfilter/nf_tables_api.c", r"NFTA_TABLE_USE, htonl\(table->use\)",
        "NFTA_TABLE_USE, htonl(table->use + @N@)"),
}
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BAR_WARM, BAR_COLD, BAR_MEMORY = 4, 120, 1 << 30


class Maker:
    """Creates for one kernel in a cache of its own."""

    def __init__(self, release):
        self.release = release
        self.home = bench.BUILD / "create" / release
        shutil.rmtree(self.home, ignore_errors=True)
        self.cache = self.home / "cache"
        self.key, _ = bench.make_key(self.home)
        self.number = 0
        self.measured = None

    def prepare(self):
        """What was downloaded, and nothing else."""
        facts = dict(line.split(" ", 1) for line in
                     (CACHE / "kernels" / self.release / "facts").read_text().splitlines())
        debs = self.cache / "debs"
        debs.mkdir(parents=True)
        self.cache.chmod(0o700)
        wanted = [f"linux-image-{self.release}_{facts['version']}_*.deb",
                  f"linux-source-*_{facts['version']}_*.deb"]
        for pattern in wanted:
            found = list((CACHE / "debs").glob(pattern))
            if not found:
                raise VmError(f"{CACHE}/debs: no {pattern}; run upkeep create for "
                              f"{self.release} once")
            shutil.copy(found[0], debs)
        if (CACHE / "apt").is_dir():
            shutil.copytree(CACHE / "apt", self.cache / "apt")

    def create(self, edit, tree):
        """With an edit that was not there before."""
        self.number += 1
        patch = self.home / f"{self.number}.patch"
        patch.write_bytes(edit.patch(tree, self.number))
        done = bench.create(patch, self.release, self.home / f"{self.number}.upk", self.key,
                            self.cache)
        told = done.json()
        if told["units"] != 1 or told["changed_functions"] < 1:
            raise VmError(f"{edit.path}: not an update of one object: {done.out[:400]}")
        return done

    def compile(self, edit, tree):
        """Plainly, as kbuild would."""
        words = shlex.split(tree.command_of(edit.path)) + ["-o", str(self.home / "plain.o")]
        return Measured(words, cwd=tree.linux)

    def forget_objects(self):
        shutil.rmtree(self.cache / "objects")


def measure_file(maker, edit, tree):
    """{what: [Measured]} of all rounds."""
    found = {"compile": [], "first": [], "again": []}
    for _ in range(ROUNDS):
        found["compile"].append(maker.compile(edit, tree))
        maker.forget_objects()
        found["first"].append(maker.create(edit, tree))
        found["again"].append(maker.create(edit, tree))
    return found


def phase_shares(measured):
    """The phases that take more than a twentieth, longest first."""
    phases = bench.phases_of(measured)
    whole = sum(phases.values())
    longest = sorted(phases.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * took / whole:.0f}%" for name, took in longest
                     if took > whole / 20)


class File:
    """What was measured of one file: {compile, first, again: [Measured]}."""

    def __init__(self, found, lines):
        self.found = found
        self.lines = lines

    def ratio(self, what):
        return (min(one.seconds for one in self.found[what]) /
                min(one.seconds for one in self.found["compile"]))

    def cpu_ratio(self, what):
        return (min(one.cpu for one in self.found[what]) /
                min(one.cpu for one in self.found["compile"]))

    def peak(self):
        return max(one.peak for what in ("first", "again") for one in self.found[what])

    def row(self):
        compiled = min(one.seconds for one in self.found["compile"])
        return [self.lines, f"{compiled:.2f} s", f"{self.ratio('first'):.2f}",
                f"{self.ratio('again'):.2f}",
                f"{self.cpu_ratio('first'):.2f}, {self.cpu_ratio('again'):.2f}",
                f"{self.peak() >> 20} MiB"]

    def shares(self):
        return phase_shares(min(self.found["again"], key=lambda one: one.seconds))

    def measured(self):
        return {what: [{"seconds": one.seconds, "cpu": one.cpu, "peak": one.peak,
                        "phases": {} if what == "compile" else bench.phases_of(one)}
                       for one in all_of] for what, all_of in self.found.items()}


def measure_files(maker):
    """{name: File}"""
    tree = Tree(maker.release, maker.cache)
    files = {}
    for name, edit in EDITS.items():
        say(f"{maker.release}: {edit.path}")
        lines = len((tree.source / edit.path).read_bytes().splitlines())
        files[name] = File(measure_file(maker, edit, tree), lines)
    return files


def set_bars(result, line, cold, files):
    for what in ("first", "again"):
        for name, file in files.items():
            result.bar(f"create, warm, over the compile: `{EDITS[name].path}`, {what}", line,
                       file.ratio(what), BAR_WARM)
    peak = max([cold.peak] + [file.peak() for file in files.values()])
    result.bar("create, cold: seconds", line, cold.seconds, BAR_COLD)
    result.bar("create: peak memory, MiB", line, peak / (1 << 20), BAR_MEMORY >> 20)


def measure_kernel(result, line, release):
    """The rows of the three tables."""
    maker = Maker(release)
    maker.prepare()
    say(f"{release}: cold")
    cold = maker.create(EDITS["small, built in"], Tree(release))
    files = measure_files(maker)
    shutil.rmtree(maker.cache)
    set_bars(result, line, cold, files)
    result.measured[release] = {
        "cold": {"seconds": cold.seconds, "cpu": cold.cpu, "peak": cold.peak,
                 "phases": bench.phases_of(cold)},
        "files": {EDITS[name].path: file.measured() for name, file in files.items()}}
    rows = [[line, f"{name}: `{EDITS[name].path}`"] + file.row() for name, file in files.items()]
    shares = [[line, f"`{EDITS[name].path}`", file.shares()] for name, file in files.items()]
    return rows, shares, [line, f"{cold.seconds:.0f} s", f"{cold.cpu:.0f} s",
                          f"{cold.peak >> 20} MiB", phase_shares(cold)]


def measure(kernels):
    result = bench.Result("create")
    rows, shares, colds = [], [], []
    for line, release in kernels.items():
        more, more_shares, cold = measure_kernel(result, line, release)
        rows += more
        shares += more_shares
        colds.append(cold)
    result.table("create, over the plain compile of the same object",
                 ["kernel", "file", "lines", "compile", "first", "again", "CPU time",
                  "peak memory"], rows,
                 f"Of each the least of {ROUNDS} rounds, taken in turn. \"CPU time\" is first and "
                 "again in processor time, over that of the compile.")
    result.table("create, cold", ["kernel", "wall", "CPU time", "peak memory", "of which"], colds)
    result.table("Where an \"again\" goes", ["kernel", "file", "of which"], shares)
    return result
