# SPDX-License-Identifier: GPL-2.0-or-later
"""What a redirect costs at each call, in instructions, beside the kernel's own livepatch.

The guest runs under QEMU's -icount shift=0, where the time stamp counter counts instructions.
The edits change a constant or a string, so that the new function takes as many instructions as
the old one: all that is more is the way to it. The livepatch leads to that very code.
"""

import shutil

import bench
import guest
from bench import HERE, Edit, Tree, VmError, say


class Call:
    """A function, how it is called, and an edit that keeps its length."""

    # pylint: disable=too-many-arguments
    def __init__(self, name, what, function, target, edit, old, new, site=True):
        self.name = name
        self.what = what            # for count: a file to read, or "syscall"
        self.function = function
        self.target = target
        self.edit = edit
        self.old, self.new = old, new   # in what the call gives
        self.site = site            # whether ftrace, and with it a livepatch, can reach it


CALLS = [
    Call("syscall", "syscall", "__x64_sys_sched_get_priority_max", "vmlinux",
         {"6.1": Edit("kernel/sched/core.c", r"ret = MAX_RT_PRIO-1;", "ret = MAX_RT_PRIO-2;"),
          "6.12": Edit("kernel/sched/syscalls.c", r"ret = MAX_RT_PRIO-1;",
                       "ret = MAX_RT_PRIO-2;")}, "99", "98"),
    Call("module", "/proc/net/vlan/config", "vlan_seq_show", "8021q",
         Edit("net/8021q/vlanproc.c", r'"Name-Type: ', '"Name-Kind: '), "Name-Type", "Name-Kind"),
    Call("nosite", "/proc/sys/kernel/random/boot_id", "uuid_string", "vmlinux",
         Edit("lib/vsprintf.c", r"(^char \*uuid_string\((?:.|\n)*?)'-'", r"\g<1>'_'"), "-", "_",
         site=False),
]
TITLES = {"syscall": "a system call", "module": "a function of a module",
          "nosite": "a function that ftrace cannot trace"}
LIMITS = {"6.1": 2, "6.12": 3}


def make_update(call, line, tree, home, key):
    edit = call.edit[line] if isinstance(call.edit, dict) else call.edit
    patch, update = home / f"{call.name}.patch", home / f"{call.name}.upk"
    patch.write_bytes(edit.patch(tree, 0))
    told = bench.create(patch, tree.release, update, key).json()
    return told["id"]


def boot(line, release, home, key, trusted):
    """All that the guest said."""
    tree = Tree(release)
    ramfs = guest.base_ramfs()
    ramfs.add_program(bench.UPKEEP, "bin/upkeep")
    ramfs.add(trusted, "etc/upkeep/trusted.d")
    ramfs.add(bench.program([HERE / "inside" / "count.c"], home / "count"), "bench/count")
    ramfs.add(bench.program([bench.KOLOAD], home / "koload"), "bin/koload")
    ramfs.add(bench.build_modules(tree, HERE / "inside" / "klp", home / "klp") / "bench_klp.ko",
              "bench/bench_klp.ko")
    ramfs.add(HERE / "inside" / "call.sh", "bench/call.sh")
    guest.add_modules(ramfs, guest.find_kernel(release), ["8021q"])
    command = ["set -e", "modprobe 8021q"]
    for call in CALLS:
        say(f"{release}: an update of {call.function}")
        number = make_update(call, line, tree, home, key)
        ramfs.add(home / f"{call.name}.upk", f"bench/{call.name}.upk")
        target = call.target if call.site else "none"
        command.append(f"sh /bench/call.sh {call.name} {call.what} {target} "
                       f"{call.function} {number}")
    say(f"{release}: counting")
    return bench.boot(bench.CountingGuest(guest.find_kernel(release), ramfs, "\n".join(command),
                                          home / "console.log", deadline=900))


def counts_of(said):
    """{name: {state: (count, what the call gave)}}"""
    found = {}
    for text in said:
        words = text.split(" ")
        if words[0] == "@":
            found.setdefault(words[1], {})[words[2]] = (int(words[3]), " ".join(words[4:]))
    return found


def check_states(call, states):
    """Each state ran the code that it should, and what was taken out costs nothing."""
    for state, (_, gave) in states.items():
        wanted = call.new if state in ("update", "livepatch") else call.old
        other = call.old if wanted == call.new else call.new
        if wanted not in gave or other in gave:
            raise VmError(f"{call.name}, {state}: the call gave {gave}, not {wanted}")
    stock = states["stock"][0]
    for state in ("undone", "stock-again"):
        if state in states and states[state][0] != stock:
            raise VmError(f"{call.name}: {states[state][0]} instructions when {state}, "
                          f"{stock} before: the counts cannot be relied on")


def measure_kernel(result, line, release):
    home = bench.BUILD / "call" / release
    shutil.rmtree(home, ignore_errors=True)
    key, trusted = bench.make_key(home)
    found = counts_of(boot(line, release, home, key, trusted))
    rows = []
    for call in CALLS:
        states = found[call.name]
        check_states(call, states)
        stock, ours = states["stock"][0], states["update"][0] - states["stock"][0]
        theirs = states["livepatch"][0] - stock if call.site else None
        rows.append([line, f"{TITLES[call.name]}: `{call.function}`", stock, f"+{ours}",
                     f"+{theirs}" if call.site else "cannot be done",
                     f"{theirs / ours:.0f}" if call.site else ""])
        result.bar(f"instructions more for a call of `{call.function}`", line, ours, LIMITS[line])
    result.measured[release] = found
    return rows


def measure(kernels):
    result = bench.Result("call")
    rows = []
    for line, release in kernels.items():
        rows += measure_kernel(result, line, release)
    result.table("Instructions more for each call",
                 ["kernel", "function", "whole call, stock", "update", "livepatch",
                  "livepatch / update"], rows,
                 "Counted, not timed. The count was the same as at first after the undo, and after "
                 "the livepatch was taken out.")
    return result
