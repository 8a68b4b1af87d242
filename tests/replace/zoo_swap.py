# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of the zoo as kept services of a whole Debian system, over one swap of its kernel.

A case runs as a unit (zoo@CASE.service), or, written CASE/pid, as a process that is kept by its
number. Before the swap `upkeep preflight' is asked for its verdict, afterwards it looks at itself.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

import checks
import system
from guest import VmError

HERE = pathlib.Path(__file__).resolve().parent
ZOO = checks.BUILD / "tests" / "replace" / "zoo" / "zoo"
HOME = "/srv/zoo"  # in the guest
FATES = ("exact", "repaired", "changed", "impossible")

# The shell is for units that are started afresh after a swap, because they were not restored: they
# must not look like a case that came through.
UNIT = f"""\
[Service]
EnvironmentFile={HOME}/environment
ExecStart=/bin/sh -c '[ ! -e {HOME}/%i/%i.ready ] && exec zoo run %i {HOME}/%i'
StandardOutput=null
StandardError=null
""".encode()

PATIENCE = 900  # seconds, for one command: others may use the processors, too

# What no case needs: it would take a minute of a slow machine.
WITHOUT = ("kexec-load", "kexec", "redis-server", "memcached", "nginx", "ssh")

# What of a preflight is looked at: a guest's way out is slow.
VERDICTS = b"""\
import json, sys
said = json.load(sys.stdin)
for service in said.get("services", []):
    worst = [f for f in service["findings"] if f["verdict"] != "exact"]
    service["findings"] = [[f["verdict"], f["rule"], f.get("what")] for f in worst]
    for key in ("processes", "cgroup", "kind"):
        service.pop(key, None)
json.dump({key: said.get(key) for key in ("services", "machine", "error", "message")}, sys.stdout)
"""

# Cases that arm a timer of setitimer(2), of which the preflight cannot tell whose they are: the
# others are judged before these run. And those of which each second counts.
ITIMER = re.compile(r"itimer-")
TIMED = re.compile(r"itimer-|ptimer-|timerfd-|clock-|sleep-.*(time|until|clock|nanosleep)|"
                   r"sleep-read-timerfd")


# Their first process ends and leaves another one, which no unit of this kind understands.
TREES = ("ns-pid", "ns-pid-proc", "ns-all")


class Broken(Exception):
    """The swap did not come about. @culprit is the case that it is known to be due to, or None."""

    def __init__(self, culprit, why):
        super().__init__(why)
        self.culprit = culprit


def all_cases():
    names = subprocess.run([ZOO, "list"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    return [f"{name}/pid" if name in TREES else name for name in names]


def plain(case):
    """The name of a case that may be kept by its number."""
    return case.split("/")[0]


def is_tree(case):
    return case.endswith("/pid")


def unit(case):
    return f"zoo@{case}.service"


def groups(cases):
    """In the order in which they are started and judged."""
    kinds = [lambda case: not TIMED.match(case),
             lambda case: TIMED.match(case) and not ITIMER.match(case), ITIMER.match]
    return [group for kind in kinds if (group := [case for case in cases if kind(case)])]


class Swap:
    """One guest: it boots, cases run, its kernel is swapped, they look at themselves."""

    # pylint: disable=too-many-instance-attributes,too-many-arguments
    def __init__(self, old, new, cases, say, lasts=0, ahead=0):
        """@lasts: how long sleeps and timers last, in seconds; 0 for what suits the speed of this
        machine. @ahead: of how many KiB on memory is copied ahead; 0 for that of all."""
        self.old, self.new, self.cases, self.lasts = old, new, cases, lasts
        self.ahead, self.say = ahead, say
        self.guest = None
        self.stood = 0    # seconds from the freeze until all were dumped
        self.peers = []
        self.pids = {}    # those that are kept, by case
        self.results = {}

    def note(self, case, **what):
        self.results.setdefault(case, {}).update(what)

    def kept(self):
        """Those that run; the ones that count seconds first, so that they are frozen first."""
        running = [case for case in self.cases if case in self.pids]
        return sorted(running, key=lambda case: not TIMED.match(case))

    def keep(self, cases):
        names = [str(self.pids[case]) if is_tree(case) else unit(case) for case in cases]
        return " ".join(f"--keep {name}" for name in names)

    # --- before ---

    def boot(self):
        append = "hugepages=24 " + " ".join(f"systemd.mask={name}.service" for name in WITHOUT)
        log = system.WORK / f"zoo-{self.old}-{self.new}.console.log"
        guest = system.System(self.old, log=log, memory=3072, append=append)
        checks.put_upkeep(guest)
        guest.payload.add(ZOO, "usr/local/bin/zoo")
        guest.payload.add_bytes("etc/systemd/system/zoo@.service", UNIT)
        guest.payload.add_bytes("srv/zoo/verdicts.py", VERDICTS)
        self.guest = guest
        began = time.monotonic()
        guest.start()
        guest.wait_booted(300)
        # A slow machine is slow at all that comes until the freeze, too.
        self.lasts = self.lasts or int(40 + len(self.cases) + 2 * (time.monotonic() - began))
        self.start_peers()

    def start_peers(self):
        """Who is outside and is spoken with, for the cases that have one."""
        lines = [f"ZOO_TIME={self.lasts}", "ZOO_SWAP=1", "ZOO_STEP=500"]
        for family, address in (("4", system.OUTSIDE), ("6", system.OUTSIDE6)):
            peer = self.guest.client([sys.executable, "-I", HERE / "zoo_peer.py", address, "0"],
                                     stdout=subprocess.PIPE, text=True)
            self.peers.append(peer)
            port = peer.stdout.readline().split()[1]
            lines.append(f"ZOO_PEER{family}='{address} {port}'")
        self.guest.run(f"cat >{HOME}/environment; echo 21000 >/proc/sys/kernel/ns_last_pid",
                       stdin="".join(f"{line}\n" for line in lines).encode(), check=True)

    def start(self, cases):
        """Till each is ready, or has said that it cannot be."""
        names = " ".join(plain(case) for case in cases)
        units = " ".join(unit(case) for case in cases if not is_tree(case))
        trees = " ".join(plain(case) for case in cases if is_tree(case))
        said = self.guest.run(f"""
            cd {HOME}; mkdir -p {names}
            set -a; . ./environment; set +a
            for c in {trees}; do setsid zoo run $c {HOME}/$c </dev/null >/dev/null 2>&1 & done
            [ -z "{units}" ] || systemctl start {units}
            for i in $(seq 600); do
                left=
                for c in {names}; do
                    [ -e $c/$c.ready ] || [ -e $c/$c.result ] || left="$left $c"
                done
                [ "$left" ] || break
                sleep 0.2
            done
            for c in {names}; do
                echo "$c $(cat $c/$c.pid) $(cat $c/$c.result 2>/dev/null)"
            done""", 900).output
        found = {}
        for line in said.splitlines():
            name, _, rest = line.partition(" ")
            found[name] = rest
        for case in cases:
            pid, _, result = found.get(plain(case), "").partition(" ")
            if result.startswith("skip: "):
                self.note(case, outcome="skip", text=result[len("skip: "):])
            elif result or not pid.isdigit():
                self.note(case, outcome="broken", text=f"before the swap: {result or 'no word'}")
            else:
                self.pids[case] = int(pid)

    def leave_out_ended(self):
        """One that is over before the swap has proved nothing."""
        said = self.guest.run(f"""
            cd {HOME}
            for c in */; do
                c=${{c%/}}
                [ -e /proc/$(cat $c/$c.pid) ] || echo ended >>$c/$c.result
                echo "$c $(head -n 1 $c/$c.result 2>/dev/null)"
            done""", PATIENCE).output
        found = dict(line.partition(" ")[::2] for line in said.splitlines())
        for case in self.kept():
            if found.get(plain(case)):
                self.note(case, outcome="broken", text="ended before the swap: " +
                          found[plain(case)])
                del self.pids[case]

    def judge(self, cases):
        """The verdict of the preflight. What is impossible ends here."""
        self.leave_out_ended()
        asked = [case for case in cases if case in self.pids]
        if not asked:
            return
        done = self.guest.run(f"upkeep preflight --json --kernel {self.new} {self.keep(asked)} | "
                              f"python3 -I -S {HOME}/verdicts.py", PATIENCE)
        try:
            said = json.loads(done.output[done.output.index("{"):])
            services = {service["name"]: service for service in said["services"]}
        except (ValueError, KeyError, TypeError):
            raise VmError(f"upkeep preflight: {done}") from None
        for case in asked:
            service = services[f"pid {self.pids[case]}" if is_tree(case) else unit(case)]
            self.note(case, verdict=service["verdict"], findings=service["findings"])
            if service["verdict"] == "impossible":
                self.note(case, outcome="refused", text="")
                self.end(case)
        if any(finding["verdict"] == "impossible" for finding in said["machine"]["findings"]):
            raise VmError(f"this machine: {said['machine']}")

    def end(self, case):
        pid = self.pids.pop(case)
        self.guest.run(f"kill -KILL -- -{pid}" if is_tree(case) else
                       f"systemctl kill -s KILL {unit(case)}; systemctl reset-failed {unit(case)}",
                       PATIENCE)

    # --- the swap ---

    def replace(self):
        self.leave_out_ended()
        kept = self.kept()
        if not kept:
            return
        deadline = 600 + 10 * len(kept)  # where others use the processors, too
        job = self.guest.spawn(f"UPKEEP_AHEAD_KIB={self.ahead} "
                               f"upkeep replace --kernel {self.new} {self.keep(kept)}")
        try:
            self.guest.wait(lambda: self.guest.running == self.new or job.status is not None,
                            deadline, "to be replaced")
        except VmError as lost:
            raise Broken(None, str(lost)) from None
        if self.guest.running != self.new:
            said = job.result().output.strip()
            guilty = self.culprit(said)
            self.leave_out_ended()
            raise Broken(guilty, said)
        try:
            self.guest.run("while [ -e /run/upkeep/replace.id ]; do sleep 0.3; done", deadline)
        except VmError as lost:
            raise Broken(None, str(lost)) from None
        if self.guest.resets:
            raise Broken(None, "the machine was reset:\n" +
                         "\n".join(self.guest.console_tail()))

    def culprit(self, said):
        """The case that an error of upkeep names."""
        found = re.search(r"zoo@([\w.-]+)\.service|\bpid (\d+): ", said)
        if not found:
            return None
        if found[1]:
            return found[1]
        return next((case for case, pid in self.pids.items() if pid == int(found[2])), None)

    # --- afterwards ---

    def troubles(self):
        """Why a service was not restored, as the report tells: by name of the service."""
        text = self.guest.run("cat /var/lib/upkeep/replace/*/report.json", PATIENCE,
                              check=True).output
        report = json.loads(text)
        times = {moment["phase"]: (moment["ns"] - report["frozen_ns"]) / 10**9
                 for moment in report["times"]}
        self.stood = times["dump"]
        self.say("seconds since the freeze: " +
                 ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in times.items()))
        return {service["name"]: service["why"] for service in report["services"]
                if service["outcome"] == "afresh"}

    def adoption(self, kept):
        """Whether systemd has the old process as the main one of each unit."""
        units = [case for case in kept if not is_tree(case)]
        if not units:
            return
        said = self.guest.run("systemctl show --value -p MainPID " +
                              " ".join(unit(case) for case in units), PATIENCE).output.split()
        for case, pid in zip(units, said):
            self.note(case, adopted=int(pid) == self.pids[case])

    def finish(self):
        """Has each look at itself, and notes what it says."""
        kept = self.kept()
        if not kept:
            return
        troubles = self.troubles()
        self.adoption(kept)
        names = " ".join(plain(case) for case in kept)
        said = self.guest.run(f"""
            cd {HOME}
            for c in {names}; do echo {self.stood} >$c/$c.stood; touch $c/$c.go; done
            for i in $(seq {int((self.lasts + 60) * 3)}); do
                left=
                for c in {names}; do
                    [ -e $c/$c.result ] || ! [ -e /proc/$(cat $c/$c.pid) ] || left="$left $c"
                done
                [ "$left" ] || break
                sleep 0.3
            done
            for c in {names}; do echo "$c $(cat $c/$c.result 2>/dev/null)"; done""",
                              900 + 2 * self.lasts).output
        found = dict(line.partition(" ")[::2] for line in said.splitlines())
        for case in kept:
            text = found.get(plain(case), "")
            name = f"pid {self.pids[case]}" if is_tree(case) else unit(case)
            # One that found something wrong at once has ended before systemd had it.
            self.note(case, outcome="ok" if text == "ok" else "changed" if text else "lost",
                      text=text.removeprefix("FAILED: ") or
                      troubles.get(name, "no result: its process is gone"))

    def phase(self, work, *what):
        began = time.monotonic()
        work(*what)
        self.say(f"{work.__name__}: {time.monotonic() - began:.0f} s")

    def run(self, jump=True):
        """With @jump false only the verdicts are asked."""
        try:
            self.phase(self.boot)
            for group in groups(self.cases):
                self.phase(self.start, group)
                self.phase(self.judge, group)
            if jump:
                self.phase(self.replace)
                self.phase(self.finish)
            for line in self.guest.complaints():
                self.say(f"the console: {line}")
        finally:
            if self.guest:
                self.guest.close()
        return self.results


def swap(old, new, cases, say=lambda text: None, **how):
    """Runs @cases over a swap, again without one that breaks it. {case: result}. @how: see Swap."""
    began = time.monotonic()
    one = Swap(old, new, cases, say, **how)
    try:
        results = one.run()
    except Broken as broken:
        guilty = [case for case in cases if plain(case) == broken.culprit or
                  case == broken.culprit] or (cases if len(cases) == 1 else [])
        say(f"no swap ({' '.join(guilty) or 'nobody is named'}): {broken}")
        if guilty:
            results = {case: one.results.get(case, {}) for case in guilty}
            for result in results.values():
                if "not tested" not in result.get("text", ""):
                    result.update(outcome="breaks", text=str(broken))
            rest = [case for case in cases if case not in guilty]
            return {**results, **(swap(old, new, rest, say, **how) if rest else {})}
        half = len(cases) // 2
        return {**swap(old, new, cases[:half], say, **how),
                **swap(old, new, cases[half:], say, **how)}
    say(f"{len(cases)} cases in {time.monotonic() - began:.0f} s")
    return results


# What is said of the machine, once for all processes, and what nobody can see from outside.
ELSEWHERE = {"clock-cputime": "process-times", "proc-start-time": "process-times",
             "proc-usage": "process-times", "proc-keyring": "keys",
             "proc-tsc": "cannot be seen from outside"}


def is_lie(case, result):
    """Whether the preflight promised more than came of it."""
    verdict, outcome = result.get("verdict"), result["outcome"]
    if outcome == "changed" and plain(case) in ELSEWHERE:
        return False
    if outcome in ("breaks", "lost"):
        return verdict != "impossible"
    return outcome == "changed" and verdict in ("exact", "repaired")


def is_shy(result):
    """Whether it said that something would change, and nothing did."""
    return result.get("verdict") == "changed" and result["outcome"] == "ok"
