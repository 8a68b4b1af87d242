# SPDX-License-Identifier: GPL-2.0-or-later
"""What the figures share: kernels, edits of their source, measured commands, results.

A part measures one thing and gives a Result: tables, bars (what the figure must not exceed) and
all that was measured, written to build/bench/PART.json. docs/figures.md is made of these files.
"""

import datetime
import difflib
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

import guest  # noqa: E402  pylint: disable=wrong-import-position
from guest import CACHE, TOP, VmError, run  # noqa: E402  pylint: disable=wrong-import-position

# Loads modules with symbols that are not exported.
KOLOAD = TOP / "tests" / "vm" / "kmod" / "koload.c"
HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("UPKEEP_BENCH_BUILD", TOP / "build" / "bench"))
UPKEEP = pathlib.Path(os.environ.get("UPKEEP", TOP / "build" / "upkeep"))
PARTS = ["create", "call", "pause", "apply", "replace"]
KERNELS = {"6.1": "6.1.0-47-cloud-amd64", "6.12": "6.12.107+deb12-cloud-amd64"}
# The core module's source is taken from this checkout, not from what is installed.
ENVIRONMENT = {**os.environ, "UPKEEP_DATADIR": str(TOP)}


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


class Tree:
    """The tree of one kernel below a cache of upkeep's."""

    def __init__(self, release, cache=CACHE):
        self.release = release
        self.home = cache / "trees" / release
        facts = (cache / "kernels" / release / "facts").read_text()
        known = dict(line.split(" ", 1) for line in facts.splitlines() if " " in line)
        self.source = cache / "sources" / known["version"] / "linux"
        self.symvers = cache / "kernels" / release / "symvers"
        self.units = self.home / "units"
        self.linux = self.home / "linux"

    def command_of(self, path):
        """The command line by which kbuild compiles a file, without its output."""
        for line in self.units.read_text(errors="replace").splitlines():
            fields = line.split("|", 6)
            if fields[0] == "CMD" and len(fields) == 7 and os.path.normpath(fields[2]) == path:
                command = fields[6].split(" ; ")[0]
                command = re.sub(r" -Wp,-M\S+", "", command)
                return re.sub(r" -o \S+", "", command)
        raise VmError(f"kernel {self.release} is not built from {path}")


def build_modules(tree, source, out):
    """The modules of a folder, built by kbuild against a kernel's tree; where they are.

    They are for koload: the tree does not know the versions of all exported symbols.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(source, out)
    config = (tree.linux / ".config").read_text()
    compiler = re.search(r'^CONFIG_CC_VERSION_TEXT="(\S+)', config, re.M).group(1)
    exports = [line.split() for line in tree.symvers.read_text().splitlines()]
    (out / "exports").write_text("".join(f"{crc}\t{name}\tvmlinux\tEXPORT_SYMBOL\t\n"
                                         for crc, name in exports))
    run(["make", "-s", "-C", tree.linux, "ARCH=x86_64", f"CC={compiler}", "RUSTC=false",
         f"M={out}", f"KBUILD_EXTRA_SYMBOLS={out / 'exports'}", "KBUILD_MODPOST_WARN=1",
         "modules"])
    for module in out.glob("*.ko"):
        run(["strip", "-g", module])
    return out


class Edit:
    """A change of one file of the kernel's source; @N@ in it differs from time to time."""

    def __init__(self, path, pattern, replacement):
        self.path = path
        self.pattern = pattern
        self.replacement = replacement

    def patch(self, tree, number):
        """The edit as a patch."""
        old = (tree.source / self.path).read_text("utf-8", "surrogateescape")
        new, hits = re.subn(self.pattern, self.replacement.replace("@N@", str(number)), old,
                            count=1, flags=re.M)
        if hits != 1 or new == old:
            raise VmError(f"{self.path} of {tree.release}: nothing to edit: {self.pattern}")
        lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True),
                                     f"a/{self.path}", f"b/{self.path}")
        return "".join(lines).encode("utf-8", "surrogateescape")


# --- measured commands -----------------------------------------------------------------

def children_of(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as text:
                found += [int(word) for word in text.read().split()]
    except OSError:
        pass
    return found


def resident(pid):
    """Bytes of a process and all below it. Shared pages count for each: never too little."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as text:
            pages = int(text.read().split()[1])
    except OSError:
        pages = 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(child) for child in children_of(pid))


class Watch(threading.Thread):
    """The most memory that a process and all below it have at one time."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.done = threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(0.02):
            self.peak = max(self.peak, resident(self.pid))

    def stop(self):
        self.done.set()
        self.join()
        return self.peak


def children_cpu():
    """Seconds that all processes took that were started and waited for, those below them too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Measured:
    """A command that was run to its end."""

    def __init__(self, argv, env=None, cwd=None, wanted=0):
        cpu, began = children_cpu(), time.monotonic()
        process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=env or ENVIRONMENT, cwd=cwd)
        watch = Watch(process.pid)
        self.out, self.err = process.communicate()
        self.seconds = time.monotonic() - began
        self.cpu = children_cpu() - cpu
        self.peak = watch.stop()
        if process.returncode != wanted:
            raise VmError(f"{argv[0]} {argv[1]} ended with {process.returncode}:\n"
                          f"{self.out[-2000:]}\n{self.err[-2000:]}")

    def json(self):
        return json.loads(self.out)


def create(patch, release, out, secret, cache=None):
    """Runs upkeep create as a user would, on all processors."""
    argv = [UPKEEP, "create", "--kernel", release, "--patch", patch, "--key", secret,
            "--output", out, "--json"]
    if cache:
        argv += ["--cache", cache]
    return Measured(argv)


def phases_of(measured):
    """{phase: seconds} as upkeep tells them."""
    return {phase["name"]: phase["ns"] / 1e9 for phase in measured.json()["phases"]}


def program(source, out, *options):
    """A static program for a guest."""
    run(["gcc-12", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", "-Wall", "-Wextra", "-Werror",
         *options, "-o", out, *source])
    return out


def make_key(home):
    """A fresh key: (secret, folder of trusted keys)."""
    home.mkdir(parents=True, exist_ok=True)
    for old in (home / "bench.key", home / "bench.pub"):
        old.unlink(missing_ok=True)
    run([UPKEEP, "keygen", f"--trust={home / 'trusted.d'}", home / "bench"])
    return home / "bench.key", home / "trusted.d"


class CountingGuest(guest.Guest):
    """Its time goes by instructions: one takes a nanosecond, and nothing else takes any."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, accel="tcg", cpus=1, **kwargs)

    def argv(self, initrd):
        return super().argv(initrd) + ["-icount", "shift=0,sleep=off"]


def boot(machine):
    """What a guest said that ended well."""
    said = []
    status = machine.boot(said.append)
    if status != 0:
        raise VmError("\n".join([f"the guest ended with {status}:"] + said[-20:] +
                                machine.console_tail(20)))
    return said


# --- results ---------------------------------------------------------------------------

def commit():
    """Of the checkout; what is not committed is told."""
    try:
        told = run(["git", "-C", TOP, "-c", f"safe.directory={TOP}", "describe", "--always",
                    "--dirty"])
    except (VmError, OSError):
        return "of unknown commit"
    return told.strip()


class Result:
    """What a part found."""

    def __init__(self, part, command=None):
        """@command: what measures it, if not a make of its name."""
        self.part = part
        self.command = command or f"make bench-{part}"
        self.tables = []
        self.bars = []
        self.measured = {}
        self.began = time.monotonic()

    def table(self, title, columns, rows, note=""):
        self.tables.append({"title": title, "note": note, "columns": columns,
                            "rows": [[str(cell) for cell in row] for row in rows]})

    def bar(self, what, kernel, value, limit):
        """@value None: it could not be measured, which meets no bar."""
        self.bars.append({"what": what, "kernel": kernel,
                          "value": None if value is None else round(value, 3),
                          "limit": limit, "met": value is not None and value <= limit})

    def save(self):
        BUILD.mkdir(parents=True, exist_ok=True)
        now = datetime.datetime.now(datetime.timezone.utc)
        load = os.getloadavg()
        data = {"schema": 1, "part": self.part, "command": self.command,
                "made": now.strftime("%Y-%m-%d %H:%M UTC"), "cpus": os.cpu_count(),
                "commit": commit(), "load": load[1],
                "seconds": round(time.monotonic() - self.began),
                "tables": self.tables, "bars": self.bars, "measured": self.measured}
        path = BUILD / f"{self.part}.json"
        path.write_text(json.dumps(data, indent=1) + "\n")
        return data


def render_table(table):
    """Markdown."""
    lines = [f"**{table['title']}**", "",
             "| " + " | ".join(table["columns"]) + " |",
             "|" + "---|" * len(table["columns"])]
    lines += ["| " + " | ".join(row) + " |" for row in table["rows"]]
    if table["note"]:
        lines += ["", table["note"]]
    return "\n".join(lines)


def render_bars(bars):
    rows = [[bar["what"], bar["kernel"],
             "host too busy" if bar["value"] is None else f"{bar['value']:.3g}",
             f"{bar['limit']:g}", "met" if bar["met"] else "**missed**"] for bar in bars]
    return render_table({"title": "Bars", "note": "", "rows": rows,
                         "columns": ["figure", "kernel", "measured", "at most", ""]})


def render(data):
    parts = [render_table(table) for table in data["tables"]]
    if data["bars"]:
        parts.append(render_bars(data["bars"]))
    return "\n\n".join(parts) + "\n"


def least(values):
    return min(values)


def median(values):
    return statistics.median(values)
