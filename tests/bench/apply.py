# SPDX-License-Identifier: GPL-2.0-or-later
"""What check, apply and undo take as whole commands, and what applied updates hold of memory.

In a guest whose time goes by instructions, so that runs can be compared: over a modprobe of one
of the kernel's own modules. On the host, check --image is set against the plain compile of the
file that the update changes.
"""

import json
import os
import shlex
import shutil

import bench
import guest
import create
from bench import HERE, Edit, Measured, Tree, VmError, say

TIMED = {"small": "small, built in", "large": "large, built in", "module": "small, module",
         "large-module": "large, module"}
HELD = ["fs/proc/devices.c", "fs/proc/consoles.c", "fs/proc/loadavg.c", "fs/proc/softirqs.c",
        "fs/proc/stat.c", "fs/proc/uptime.c", "fs/filesystems.c", "fs/locks.c",
        "kernel/resource.c", "mm/vmstat.c", "net/ipv4/proc.c", "mm/swapfile.c",
        "net/core/net-procfs.c", "net/ipv4/arp.c", "net/ipv4/raw.c", "net/ipv4/udp.c",
        "block/genhd.c", "drivers/char/misc.c", "crypto/proc.c", "drivers/tty/tty_ldisc.c"]
ROUNDS = int(os.environ.get("ROUNDS", "3"))


class Updates:
    """The updates of one kernel."""

    def __init__(self, release, home):
        self.tree = Tree(release)
        self.home = home
        self.secret, self.trusted = bench.make_key(home)

    def make(self, folder, name, edit):
        place = self.home / folder
        place.mkdir(exist_ok=True)
        patch, update = place / f"{name}.patch", place / f"{name}.upk"
        patch.write_bytes(edit.patch(self.tree, 7))
        told = bench.create(patch, self.tree.release, update, self.secret).json()
        (place / f"{name}.id").write_text(told["id"] + "\n")
        patch.unlink()

    def make_all(self):
        for name, which in TIMED.items():
            self.make("timed", name, create.EDITS[which])
        for number, path in enumerate(HELD):
            edit = Edit(path, r'(seq_(?:puts|printf)\(\w+,\s*")', r"\g<1> ")
            self.make("held", f"{number:02}", edit)


def make_payload(release, updates):
    ramfs = guest.base_ramfs()
    ramfs.add_program(bench.UPKEEP, "bin/upkeep")
    ramfs.add(updates.trusted, "etc/upkeep/trusted.d")
    for folder in ("timed", "held"):
        ramfs.add(updates.home / folder, f"bench/{folder}")
    ramfs.add(HERE / "inside" / "apply.sh", "bench/apply.sh")
    ramfs.add(bench.program([HERE / "inside" / "elapsed.c"], updates.home / "elapsed"),
              "bin/elapsed")
    guest.add_modules(ramfs, guest.find_kernel(release), ["8021q", "nf_tables"])
    return ramfs


class Found:
    """What the guest said."""

    def __init__(self, said):
        self.elapsed, self.phases, self.memory, self.modules = {}, {}, {}, {}
        for line in said:
            mark, _, rest = line.partition(" ")
            if mark == "@":
                name, took = rest.split()
                self.elapsed.setdefault(name, []).append(int(took))
            elif mark == "%":
                verb, name, told = rest.split(" ", 2)
                phases = {p["name"]: p["ns"] for p in json.loads(told)["phases"]}
                self.phases.setdefault(f"{name}.{verb}", []).append(phases)
            elif mark == "=":
                self.take_memory(rest.split())

    def take_memory(self, words):
        when, *words = words
        if words[0] == "modules":
            self.modules[when] = dict(zip(words[1::2], map(int, words[2::2])))
        else:
            pairs = zip(words[0::3], words[1::3])
            self.memory[when] = {name.rstrip(":"): int(kib) for name, kib in pairs}

    def least(self, name):
        return min(self.elapsed[name])

    def shares(self, name):
        """The phases of the quickest round, longest first; "outside" is before and after them."""
        rounds = self.elapsed[name]
        which = rounds.index(min(rounds))
        phases = dict(self.phases[name][which])
        phases["outside"] = rounds[which] - sum(phases.values())
        longest = sorted(phases.items(), key=lambda item: -item[1])
        return ", ".join(f"{phase} {100 * took / rounds[which]:.0f}%" for phase, took in longest
                         if took > rounds[which] / 25)


def check_image(updates, release):
    """{name: (seconds of check --image, seconds of the compile)}, the least of the rounds.

    Not of an update of a module, which no image of a kernel holds.
    """
    image = guest.find_kernel(release).vmlinuz
    found = {}
    for name, which in TIMED.items():
        if "module" in which:
            continue
        edit = create.EDITS[which]
        words = shlex.split(updates.tree.command_of(edit.path))
        words += ["-o", str(updates.home / "plain.o")]
        checks, compiles = [], []
        for _ in range(ROUNDS):
            compiles.append(Measured(words, cwd=updates.tree.linux).seconds)
            argv = [bench.UPKEEP, "check", "--image", image, "--trusted-dir", updates.trusted,
                    updates.home / "timed" / f"{name}.upk"]
            checks.append(Measured(argv).seconds)
        found[name] = (min(checks), min(compiles))
    return found


def memory_row(line, found):
    grown = {name: (found.memory["after"][name] - found.memory["before"][name]) / len(HELD)
             for name in found.memory["after"]}
    sizes = found.modules["after"].values()
    if len(sizes) != len(HELD):
        raise VmError(f"{len(sizes)} part modules are loaded, not {len(HELD)}")
    cache = grown.pop("SReclaimable")
    cells = [sum(grown.values()), grown["SUnreclaim"], grown["VmallocUsed"], grown["Percpu"],
             sum(sizes) / len(HELD) / 1024, cache]
    return [line] + [f"{cell:.1f} KiB" for cell in cells]


def measure_kernel(result, line, release):
    home = bench.BUILD / "apply" / release
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    updates = Updates(release, home)
    say(f"{release}: making {len(TIMED) + len(HELD)} updates")
    updates.make_all()
    say(f"{release}: applying")
    machine = bench.CountingGuest(guest.find_kernel(release), make_payload(release, updates),
                                  f"sh /bench/apply.sh {ROUNDS}", home / "console.log",
                                  deadline=1200)
    found = Found(bench.boot(machine))
    say(f"{release}: check --image")
    images = check_image(updates, release)
    unit = found.least("modprobe")
    times, shares = [], []
    for name, which in TIMED.items():
        verbs = [found.least(f"{name}.{verb}") for verb in ("check", "apply", "undo")]
        took, compiled = images.get(name, (0, 1))
        image = f"{took:.2f} s ({took / compiled:.2f})" if took else "no"
        times.append([line, f"{which}: `{create.EDITS[which].path}`"] +
                     [f"{verb / 1e6:.0f} ({verb / unit:.2f})" for verb in verbs] +
                     [image])
        for verb in ("check", "apply", "undo"):
            shares.append([line, which, verb, found.shares(f"{name}.{verb}")])
    result.measured[release] = {"elapsed": found.elapsed, "phases": found.phases,
                                "memory": found.memory, "modules": found.modules,
                                "images": images}
    reference = [line, f"{unit / 1e6:.0f}", f"{found.least('kallsyms') / 1e6:.0f}"]
    return times, shares, memory_row(line, found), reference


def measure(kernels):
    result = bench.Result("apply")
    times, shares, memory, references = [], [], [], []
    for line, release in kernels.items():
        more_times, more_shares, held, reference = measure_kernel(result, line, release)
        times += more_times
        shares += more_shares
        memory.append(held)
        references.append(reference)
    result.table("Whole commands, in millions of instructions (over a modprobe of 8021q)",
                 ["kernel", "update", "check", "apply", "undo --purge",
                  "check --image, on the host (over the compile)"], times,
                 f"The least of {ROUNDS} rounds.")
    result.table("What they are set against, in millions of instructions",
                 ["kernel", "modprobe 8021q", "reading /proc/kallsyms"], references)
    result.table("Where they go", ["kernel", "update", "", "of which"], shares)
    result.table(f"Memory, for each of {len(HELD)} updates of one function",
                 ["kernel", "held", "of which slab", "vmalloc", "per-cpu",
                  "size in /proc/modules", "caches beside it"], memory,
                 "The growth of /proc/meminfo from none to all of them, by their number: slab that "
                 "is not reclaimable, vmalloc, per-cpu, kernel stacks, page tables. The caches (of "
                 "names and inodes, above all of /sys) go when memory is wanted.")
    return result
