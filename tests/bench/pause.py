# SPDX-License-Identifier: GPL-2.0-or-later
"""How long the machine stands still, over an empty stop of the same machine.

Compared are whole calls of stop_machine: that of an apply or undo with that of an empty one, which
came just before it. The time between our first and our last instruction, with all CPUs
held, is told too. Times depend on what else the machine does; so the same is counted in
instructions, which is exact, in a guest with one CPU.
"""

import os
import shutil

import bench
import guest
from bench import HERE, TOP, Tree, median, say

THREADS = [50, 500, 2000]
ROUNDS = int(os.environ.get("ROUNDS", "60"))
COUNTED = 10
BAR = 3
DISTURBED = 1000    # microseconds of an empty stop, which takes less than a hundred


def build_core(tree, home):
    """The core module of this checkout."""
    folder = home / "core"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(TOP / "include", folder / "include")
    return bench.build_modules(tree, TOP / "kmod", folder / "kmod") / "upkeep.ko"


def make_payload(release, home):
    tree = Tree(release)
    ramfs = guest.base_ramfs()
    ramfs.add(build_core(tree, home), "bench/upkeep.ko")
    many = bench.build_modules(tree, HERE / "inside" / "many", home / "many")
    for name in ("bench_old.ko", "bench_new.ko"):
        ramfs.add(many / name, f"bench/{name}")
    program = bench.program([HERE / "inside" / "pause.c"], home / "pause",
                            f"-I{TOP / 'include'}", "-pthread")
    ramfs.add(program, "bench/pause")
    ramfs.add(bench.program([bench.KOLOAD], home / "koload"), "bin/koload")
    return ramfs


def command_of(rounds):
    lines = ["set -e"] + [f"koload /bench/{name}.ko" for name in
                          ("upkeep", "bench_old", "bench_new")]
    for who in ("asleep", "busy"):
        lines += [f"/bench/pause {threads} {who} {rounds}" for threads in THREADS]
    return "\n".join(lines)


def boot_timed(release, ramfs, home):
    say(f"{release}: stopping two CPUs")
    return bench.boot(guest.Guest(guest.find_kernel(release), ramfs, command_of(ROUNDS),
                                  home / "console.log", deadline=1500, memory=1024,
                                  parallel=True))


def boot_counted(release, ramfs, home):
    say(f"{release}: counting instructions")
    return bench.boot(bench.CountingGuest(guest.find_kernel(release), ramfs, command_of(COUNTED),
                                          home / "console.log", deadline=1500, memory=1024))


def decile(values):
    """The first: of rounds that nothing on the host disturbed, if there were any."""
    return sorted(values)[len(values) // 10]


class Figures:
    """Of one number of threads and of functions."""

    def __init__(self):
        self.values = {}

    def ratio(self, step, figure, chosen):
        """A step's stop over the empty stop before it."""
        empty = {"apply": "empty", "undo": "empty-too"}[step]
        return (chosen(self.values[f"{step}.{figure}"]) /
                chosen(self.values[f"{empty}.{figure}"]))

    def trusted_ratio(self):
        """Of an apply; None if the guest had to wait for a processor in all empty stops."""
        if self.microseconds("empty.stop") > DISTURBED:
            return None
        return self.ratio("apply", "stop", decile)

    def microseconds(self, name):
        return decile(self.values[name]) / 1000


def figures_of(said):
    """{(who, threads, functions): Figures}"""
    found = {}
    lines = [line.split() for line in said if line.startswith("@ ")]
    for _, threads, who, functions, name, *values in lines:
        place = found.setdefault((who, int(threads), int(functions)), Figures())
        place.values[name] = [int(value) for value in values]
    return found


def timed_row(line, key, figures):
    who, threads, functions = key
    return [line, who, threads, functions,
            f"{figures.microseconds('empty.stop'):.0f} us",
            f"{figures.ratio('apply', 'stop', decile):.2f}",
            f"{figures.ratio('undo', 'stop', decile):.2f}",
            f"{median(figures.values['empty.stop']) / 1000:.0f} us",
            f"{figures.ratio('apply', 'stop', median):.2f}",
            f"{figures.microseconds('apply.pause'):.0f} us",
            f"{figures.microseconds('apply.check') / 1000:.1f} ms",
            f"{figures.values['apply.inside'][0] / 100:.0f}"]


def counted_row(line, key, figures):
    who, threads, functions = key
    counts = [min(figures.values[name]) for name in
              ("empty.stop", "apply.stop", "undo.stop", "apply.pause", "apply.check")]
    return [line, who, threads, functions] + [f"{count:,}" for count in counts]


def keep(result, release, how, found):
    result.measured.setdefault(release, {})[how] = {
        " ".join(map(str, key)): figures.values for key, figures in found.items()}


def measure_kernel(release):
    """(timed, counted)"""
    home = bench.BUILD / "pause" / release
    ramfs = make_payload(release, home)
    return (figures_of(boot_timed(release, ramfs, home)),
            figures_of(boot_counted(release, ramfs, home)))


def set_bars(result, line, timed):
    for key, figures in timed.items():
        if key[1:] == (2000, 1):
            result.bar(f"stop of an apply over an empty stop: {key[0]}, 2,000 threads, 1 function",
                       line, figures.trusted_ratio(), BAR)


def report(result, found):
    """@found: {line: (timed, counted)}"""
    timed, counted = [], []
    for line, (by_time, by_count) in found.items():
        keep(result, bench.KERNELS[line], "timed", by_time)
        keep(result, bench.KERNELS[line], "counted", by_count)
        set_bars(result, line, by_time)
        timed += [timed_row(line, *item) for item in by_time.items()]
        counted += [counted_row(line, *item) for item in by_count.items()]
    result.table("The stop of an apply and of an undo, over an empty stop (two CPUs)",
                 ["kernel", "threads", "number", "functions", "empty stop", "apply", "undo",
                  "median empty stop", "median apply", "apply, all CPUs held", "checked before",
                  "stacks in the stop"], timed,
                 f"First deciles of {ROUNDS} rounds, and medians where it says so: under emulation "
                 "the host's other work is in most medians. An empty stop of many us, or a ratio "
                 "near 1 beside one, is that of a guest that had to wait for a processor.")
    result.table("The same in instructions (one CPU)",
                 ["kernel", "threads", "number", "functions", "empty stop", "stop of an apply",
                  "stop of an undo", "of the apply, CPU held", "checked before"], counted,
                 f"The least of {COUNTED} rounds. An empty stop of one CPU has nobody to wait for.")
    return result


def measure(kernels):
    found = {line: measure_kernel(release) for line, release in kernels.items()}
    return report(bench.Result("pause"), found)
