# SPDX-License-Identifier: GPL-2.0-or-later
"""How long services stand still when the kernel is replaced under them, beside an ordinary reboot.

A Debian guest runs three services on their stock units. Its kernel is replaced, then it reboots;
clients outside count answers all the time. The replacement's own report tells the phases at
the server. Redis is then kept alone, with little and with much in it. All times are those of fair.py:
without what the host took for others; and of ROUNDS rounds the least, for how fast the host is changes,
too.
"""

import json
import os
import subprocess
import sys
import time

import bench
import fair
from bench import HERE, VmError, say

sys.path.insert(0, str(HERE.parent / "replace"))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import image  # noqa: E402  pylint: disable=wrong-import-position
import picture  # noqa: E402  pylint: disable=wrong-import-position
import system  # noqa: E402  pylint: disable=wrong-import-position
from watch import settle  # noqa: E402  pylint: disable=wrong-import-position

SERVICES = ("nginx", "redis", "memcached")
UNITS = {"nginx": "nginx", "redis": "redis-server", "memcached": "memcached"}
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SMALL, BIG = 16, 512  # MiB of Redis
QUIET = 4             # seconds that the clients have before, and after
# Much is done side by side: a machine's processors do not take turns.
EMULATOR = {"devices": fair.NAMED, "parallel": True}
REPORTS = "/var/lib/upkeep/replace"
LIMITS = {"kexec": 1.8, "reboot": 0.25, "memory": 1.5}
# The phase that ends when the new kernel's first process begins.
JUMP = "jump"
# The one that ends the gap; what comes then is the system's start.
END = "open the gate"


class Askers:
    """A client of each service, from here to stop()."""

    def __init__(self, guest, clock):
        self.clock = clock
        self.processes = {
            name: guest.client([sys.executable, "-I", HERE / "answers.py", name, image.ADDRESS],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for name in SERVICES}
        settle(QUIET)

    def stop(self):
        """{name: what it saw}, the times of answers in seconds of the clock."""
        settle(QUIET)
        found, epoch = {}, time.time() - time.monotonic()
        for name, process in self.processes.items():
            said = json.loads(process.communicate("", 30)[0])
            said["answers"] = [self.clock.at(epoch + said["started"] + when)
                               for when in said["answers"]]
            if not said["answers"]:
                raise VmError(f"{name} never answered")
            found[name] = said
        return found


def longest_gap(times):
    """(seconds, when it began, when it ended)"""
    return max((after - before, before, after) for before, after in zip(times, times[1:]))


class Outage:
    """What clients saw from one moment on."""

    def __init__(self, began, seen):
        self.began, self.seen = began, seen
        self.gaps = {name: longest_gap(said["answers"]) for name, said in seen.items()}
        self.back = max(gap[2] for gap in self.gaps.values()) - began
        self.lost = sum(said["lost"] for said in seen.values())

    def times(self, name):
        return [when - self.began for when in self.seen[name]["answers"]]


class Report:
    """That of a replacement: seconds of each phase at the server."""

    def __init__(self, guest, clock, offsets):
        """@offsets: by how much the guest's wall clock was ahead, before and after."""
        told = json.loads(guest.run(f"cat {REPORTS}/*/report.json", check=True).output)
        guest.run(f"rm -r {REPORTS}/*", check=True)
        troubles = [f"{one['name']}: {one.get('why')}" for one in told["services"]
                    if one["outcome"] != "restored"]
        if troubles:
            raise VmError(f"not restored: {'; '.join(troubles)}")
        self.clock_off = offsets[1] - offsets[0]
        last = self.frozen = told["frozen_ns"] / 1e9 - offsets[0]
        self.phases, offset = {}, offsets[0]
        for moment in told["times"]:
            if moment["phase"] == JUMP:
                offset = offsets[1]
            now = moment["ns"] / 1e9 - offset
            self.phases[moment["phase"]] = clock.length(last, now)
            last = now
            if moment["phase"] == END:
                break
        self.gap = clock.length(self.frozen, last)
        self.wall = last - self.frozen
        self.jump = self.phases[JUMP]

    @property
    def before(self):
        """Frozen before the jump."""
        names = list(self.phases)
        return sum(self.phases[name] for name in names[:names.index(JUMP)])


def replace(guest, clock, release, units, unpack="before"):
    """The kernel is replaced; its report, once the system is up."""
    keep = " ".join(f"--keep {unit}" for unit in units)
    before, resets = fair.ahead(guest, image.ADDRESS), guest.resets
    job = guest.spawn(f"upkeep replace --kernel {release} --unpack {unpack} {keep}")
    guest.wait(lambda: guest.running == release or job.status is not None, 300, "to be replaced")
    if guest.running != release:
        raise VmError(f"it was not replaced: {job.result()}")
    after = fair.ahead(guest, image.ADDRESS)
    state = guest.run("systemctl is-system-running --wait", 300).output.strip()
    if state != "running" or guest.resets != resets:
        raise VmError(f"after the replacement systemd is {state}, "
                      f"{guest.resets - resets} resets")
    return Report(guest, clock, (before, after))


def reboot(guest):
    """By systemd, through QEMU's firmware and what it boots."""
    boots = len(guest.hellos)
    guest.spawn("systemctl reboot")
    guest.wait_swap(boots, 300)
    for port in (80, 6379, 11211):
        guest.wait_port(port, 120)
    guest.wait_booted()


def measure_services(old, new, log):
    """(report, outage by the replacement, outage by the reboot, seconds of a kexec) of one guest."""
    with system.System(old, log=log, **EMULATOR) as guest:
        checks.put_upkeep(guest)
        guest.start().wait_booted()
        clock = fair.Fair(guest)
        say(f"{old}: replacing it by {new}")
        askers, began = Askers(guest, clock), clock.at(time.time())
        report = replace(guest, clock, new, UNITS.values())
        replaced = Outage(began, askers.stop())
        say(f"{new}: an ordinary reboot")
        askers, began = Askers(guest, clock), clock.at(time.time())
        reboot(guest)
        rebooted = Outage(began, askers.stop())
        say(f"{old}: kexec of {new} as it is in /boot")
        kexec = replace(guest, clock, new, UNITS.values(), "after").jump
        clock.stop()
        return report, replaced, rebooted, kexec


def fill_redis(guest, mib):
    """With values of 32 KiB, and nothing is saved on the way."""
    script = ("for i = 1, tonumber(ARGV[1]) do redis.call('set', 'fill:' .. i, "
              "string.rep(tostring(i), 32768 / #tostring(i))) end")
    guest.run("redis-cli config set save '' && redis-cli flushall && "
              f"redis-cli eval \"{script}\" 0 {mib * 32}", 300, check=True)


def measure_memory(old, new, log):
    """{MiB: report} of Redis alone, the same way each time, so a guest for each."""
    reports = {}
    for mib in (SMALL, BIG):
        with system.System(old, log=log, memory=2560, **EMULATOR) as guest:
            checks.put_upkeep(guest)
            guest.start().wait_booted()
            clock = fair.Fair(guest)
            say(f"{old}: Redis with {mib} MiB, replaced by {new}")
            fill_redis(guest, mib)
            reports[mib] = replace(guest, clock, new, ["redis-server"])
            size = int(guest.run("redis-cli dbsize", check=True).output.split()[-1])
            if size != mib * 32:
                raise VmError(f"Redis has {size} keys, not {mib * 32}")
            clock.stop()
    return reports


# --- told ------------------------------------------------------------------------------

def tell_phases(line, report, kexec):
    rows = [[line, name, f"{seconds:.2f}", f"{seconds / report.gap:.0%}",
             f"{seconds / kexec:.2f}"] for name, seconds in report.phases.items()]
    rows.append([line, "together", f"{report.gap:.2f}", "100%", f"{report.gap / kexec:.2f}"])
    return rows


def tell_clients(line, report, replaced, rebooted):
    rows = []
    for name in SERVICES:
        gap, away = replaced.gaps[name][0], rebooted.gaps[name][0]
        rows.append([line, name, f"{gap:.1f} s", f"{gap / report.gap:.2f}",
                     replaced.seen[name]["lost"], f"{away:.1f} s", rebooted.seen[name]["lost"],
                     f"{gap / away:.2f}"])
    return rows


def tell_memory(line, rounds):
    return [[line, f"{mib} MiB", f"{rounds.frozen(mib):.2f}", f"{rounds.gap(mib):.2f}"]
            for mib in (SMALL, BIG)]


def draw(replaced, rebooted, line):
    seconds = max(replaced.back, rebooted.back) + QUIET
    text = picture.draw(f"Redis: right answers in a second ({line})",
                        "seconds since the command was given",
                        [("systemctl reboot", rebooted.times("redis")),
                         ("upkeep replace", replaced.times("redis"))], seconds)
    bench.BUILD.mkdir(parents=True, exist_ok=True)
    (bench.BUILD / "replace.svg").write_text(text)


class Rounds:
    """What was measured of one line: lists of one for each round."""

    def __init__(self, old, new, log):
        self.reports, self.replaced, self.rebooted, self.kexecs = [], [], [], []
        self.memory = {mib: [] for mib in (SMALL, BIG)}
        self.failures = []
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            report, replaced, rebooted, kexec = self.attempt(measure_services, old, new, log)
            if replaced.lost:
                raise VmError(f"{replaced.lost} connections were lost in the replacement")
            self.reports.append(report)
            self.replaced.append(replaced)
            self.rebooted.append(rebooted)
            self.kexecs.append(kexec)
            memory = self.attempt(measure_memory, old, new, log.with_suffix(".memory.log"))
            for mib, one in memory.items():
                self.memory[mib].append(one)

    def attempt(self, measured, *args):
        """Once more if it fails, for an emulator may do so (guest.py); that is told."""
        try:
            return measured(*args)
        except VmError as failure:
            say(f"failed, and is tried once more: {failure}")
            self.failures.append(str(failure).splitlines()[0])
        return measured(*args)

    def best(self):
        """(report, outage) of the replacement, the outage of the reboot."""
        which = min(range(ROUNDS), key=lambda number: self.reports[number].gap)
        return (self.reports[which], self.replaced[which],
                min(self.rebooted, key=lambda outage: outage.back))

    def frozen(self, mib):
        return min(report.before for report in self.memory[mib])

    def gap(self, mib):
        return min(report.gap for report in self.memory[mib])


def set_bars(result, line, rounds):
    report, _replaced, rebooted = rounds.best()
    result.bar("gap at the server, over kexec to first process", line,
               report.gap / min(rounds.kexecs), LIMITS["kexec"])
    result.bar("gap at the server, over an ordinary reboot", line, report.gap / rebooted.back,
               LIMITS["reboot"])
    result.bar(f"frozen before the jump, Redis with {BIG} MiB over {SMALL} MiB", line,
               rounds.frozen(BIG) / rounds.frozen(SMALL), LIMITS["memory"])
    result.bar(f"gap at the server, Redis with {BIG} MiB over {SMALL} MiB", line,
               rounds.gap(BIG) / rounds.gap(SMALL), LIMITS["memory"])


def measure_line(result, line, old, new):
    """The rows of the three tables."""
    rounds = Rounds(old, new, bench.BUILD / "replace" / f"{line}.console.log")
    report, replaced, rebooted = rounds.best()
    set_bars(result, line, rounds)
    result.measured[line] = {
        "phases": [one.phases for one in rounds.reports],
        "gap": [one.gap for one in rounds.reports],
        "wall": [one.wall for one in rounds.reports],
        "clock off": [one.clock_off for one in rounds.reports],
        "reboot": [one.back for one in rounds.rebooted],
        "kexec": rounds.kexecs,
        "failures": rounds.failures,
        "clients": [{name: one.gaps[name][0] for name in SERVICES} for one in rounds.replaced],
        "memory": {mib: [one.phases for one in reports]
                   for mib, reports in rounds.memory.items()}}
    draw(replaced, rebooted, f"{old} to {new}")
    return (tell_phases(line, report, min(rounds.kexecs)),
            tell_clients(line, report, replaced, rebooted), tell_memory(line, rounds))


def tell_all(result, what, form):
    """The least of each line."""
    return ", ".join(f"{min(line[what]):{form}} s" for line in result.measured.values())


def tell_failures(result):
    failures = [why for line in result.measured.values() for why in line["failures"]]
    return f" Taken once more because they failed: {'; '.join(failures)}." if failures else ""


def measure(kernels):
    result = bench.Result("replace")
    phases, clients, memory = [], [], []
    for line, old in kernels.items():
        new = next(release for release in image.RELEASES if release != old)
        parts = measure_line(result, line, old, new)
        for rows, part in zip((phases, clients, memory), parts):
            rows += part
    result.table("The gap at the server",
                 ["from", "phase", "seconds", "of the gap", "over kexec"], phases,
                 "From the freeze until the gate is open. The jump is from right before "
                 "`reboot(2)` to the new kernel's first process. *kexec* is the same where the "
                 "kernel unpacks itself, as after `kexec -e`: "
                 + tell_all(result, "kexec", ".2f") + ". With what the host took for others the "
                 "gap was " + tell_all(result, "wall", ".1f")
                 + f". Of each the least of {ROUNDS} rounds, taken in turn."
                 + tell_failures(result))
    result.table("What clients saw",
                 ["from", "client", "replace", "over the server's gap", "connections lost",
                  "reboot", "connections lost", "replace / reboot"], clients,
                 "The longest time without an answer.")
    result.table("Redis alone", ["from", "in it", "frozen before the jump", "gap at the server"],
                 memory)
    return result
