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


def seconds(all_measured):
    return [round(one.seconds, 3) for one in all_measured]


def phase_shares(measured):
    """The phases that take more than a twentieth, longest first."""
    phases = bench.phases_of(measured)
    whole = sum(phases.values())
    longest = sorted(phases.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * took / whole:.0f}%" for name, took in longest
                     if took > whole / 20)


def measure_kernel(result, line, release):
    maker = Maker(release)
    maker.prepare()
    say(f"{release}: cold")
    first = EDITS["small, built in"]
    cold = maker.create(first, Tree(release))
    tree = Tree(release, maker.cache)
    data = {"cold": {"seconds": cold.seconds, "peak": cold.peak,
                     "phases": bench.phases_of(cold)}, "files": {}}
    peak, rows, shares = cold.peak, [], []
    for name, edit in EDITS.items():
        say(f"{release}: {edit.path}")
        found = measure_file(maker, edit, tree)
        least = {what: min(seconds(all_of)) for what, all_of in found.items()}
        peak = max([peak] + [one.peak for all_of in found.values() for one in all_of])
        again = min(found["again"], key=lambda one: one.seconds)
        lines = len((tree.source / edit.path).read_bytes().splitlines())
        rows.append([line, f"{name}: `{edit.path}`", lines, f"{least['compile']:.2f} s",
                     f"{least['first'] / least['compile']:.2f}",
                     f"{least['again'] / least['compile']:.2f}",
                     f"{max(one.peak for one in found['first'] + found['again']) >> 20} MiB"])
        shares.append([line, f"`{edit.path}`", phase_shares(again)])
        result.bar(f"create, warm, over the compile: `{edit.path}`, first", line,
                   least["first"] / least["compile"], BAR_WARM)
        result.bar(f"create, warm, over the compile: `{edit.path}`, again", line,
                   least["again"] / least["compile"], BAR_WARM)
        data["files"][edit.path] = {
            "seconds": {what: seconds(all_of) for what, all_of in found.items()},
            "peak": {what: [one.peak for one in all_of] for what, all_of in found.items()},
            "phases": {what: [bench.phases_of(one) for one in found[what]]
                       for what in ("first", "again")}}
    result.bar("create, cold: seconds", line, cold.seconds, BAR_COLD)
    result.bar("create: peak memory, MiB", line, peak / (1 << 20), BAR_MEMORY >> 20)
    result.measured[release] = data
    shutil.rmtree(maker.cache)
    return rows, shares, [line, f"{cold.seconds:.0f} s", f"{cold.peak >> 20} MiB",
                          phase_shares(cold)]


def measure(kernels):
    result = bench.Result("create")
    rows, shares, colds = [], [], []
    for line, release in kernels.items():
        more, more_shares, cold = measure_kernel(result, line, release)
        rows += more
        shares += more_shares
        colds.append(cold)
    result.table("create, over the plain compile of the same object",
                 ["kernel", "file", "lines", "compile", "first", "again", "peak memory"], rows,
                 f"Of each the least of {ROUNDS} rounds, taken in turn.")
    result.table("create, cold", ["kernel", "wall", "peak memory", "of which"], colds)
    result.table("Where an \"again\" goes", ["kernel", "file", "of which"], shares)
    return result
