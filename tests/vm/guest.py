#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots a stock kernel in QEMU and runs one command in it.

What the guest needs is packed into an initramfs: busybox, files that the caller names,
programs with their shared libraries, kernel modules with those they depend on. The kernel
writes its console to one serial port, the command's output comes over a second one, and
its last line is the exit status. No status means that the guest was lost: a failure.
"""

import argparse
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

import firmware  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("UPKEEP_VM_BUILD", TOP / "build" / "vm"))
CACHE = pathlib.Path(os.environ.get("UPKEEP_CACHE", "/var/cache/upkeep"))

LOST = 125       # exit status of a guest that ended without saying one
DEADLINE = 124   # exit status of a guest that was ended at its deadline, or for saying nothing
EXIT_LINE = re.compile(r"^@@ exit (\d+)$")
COMPLAINT = re.compile(r"WARNING: |BUG: |Oops|int3: |Kernel panic|Call Trace")


class VmError(Exception):
    """The harness itself could not do its work."""


def run(argv, **kwargs):
    """Runs a host program to its end; its output is the result."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **kwargs)
    if done.returncode != 0:
        raise VmError(f"{argv[0]}: exit {done.returncode}: {done.stdout.strip()}")
    return done.stdout


# --- kernels ---------------------------------------------------------------------------

class Kernel:
    """An extracted linux-image package."""

    def __init__(self, release, image):
        self.release = release
        self.vmlinuz = image / "boot" / f"vmlinuz-{release}"
        self.modules = image / "lib" / "modules" / release
        if not self.modules.is_dir():
            self.modules = image / "usr" / "lib" / "modules" / release
        for path in (self.vmlinuz, self.modules):
            if not path.exists():
                raise VmError(f"kernel {release}: {path} is missing")


def find_kernel(release, image=None):
    """The kernel from where the caller says, the product's cache, or apt."""
    if image:
        return Kernel(release, pathlib.Path(image))
    for root in (CACHE, BUILD):
        there = root / "kernels" / release / "image"
        if (there / "boot" / f"vmlinuz-{release}").exists():
            return Kernel(release, there)
    return Kernel(release, fetch_image(release))


def fetch_image(release):
    """Downloads and unpacks linux-image-RELEASE below our own build folder."""
    home = BUILD / "kernels" / release
    home.mkdir(parents=True, exist_ok=True)
    run(["apt-get", "download", "-q", f"linux-image-{release}"], cwd=home)
    debs = sorted(home.glob("linux-image-*.deb"))
    fresh = home / "image.new"
    shutil.rmtree(fresh, ignore_errors=True)
    run(["dpkg-deb", "-x", debs[-1], fresh])
    shutil.rmtree(home / "image", ignore_errors=True)
    fresh.rename(home / "image")
    return home / "image"


# --- initramfs -------------------------------------------------------------------------

class Initramfs:
    """A newc cpio archive; the same files give the same bytes."""

    def __init__(self):
        self.files = {}

    def add_dir(self, name):
        name = name.strip("/")
        if name and name not in self.files:
            self.add_dir(os.path.dirname(name))
            self.files[name] = (stat.S_IFDIR | 0o755, b"")

    def add_bytes(self, name, data, mode=0o644):
        name = name.strip("/")
        self.add_dir(os.path.dirname(name))
        self.files[name] = (stat.S_IFREG | mode, data)

    def add_link(self, name, target):
        name = name.strip("/")
        self.add_dir(os.path.dirname(name))
        self.files[name] = (stat.S_IFLNK | 0o777, target.encode())

    def add(self, host, name):
        """A file or a whole folder of the host; links are followed."""
        host = pathlib.Path(host)
        if host.is_dir():
            self.add_dir(name)
            for entry in sorted(host.iterdir()):
                self.add(entry, f"{name}/{entry.name}")
        elif host.is_file():
            mode = 0o755 if os.access(host, os.X_OK) else 0o644
            if not host.stat().st_mode & 0o077:
                mode &= 0o700
            self.add_bytes(name, host.read_bytes(), mode)
        else:
            raise VmError(f"{host}: neither a file nor a folder")

    def add_program(self, host, name):
        """A program and the shared libraries that the loader would give it."""
        self.add(host, name)
        listed = subprocess.run(["ldd", str(host)], stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, check=False).stdout
        if "not found" in listed:
            raise VmError(f"{host}: a library is missing:\n{listed}")
        for library in re.findall(r"(?:=>\s+|^\s+)(/\S+) \(0x", listed, re.M):
            self.add(library, library)

    def write(self, path):
        with open(path, "wb") as out:
            for number, name in enumerate(sorted(self.files), 1):
                mode, data = self.files[name]
                self._entry(out, number, name, mode, data)
            self._entry(out, 0, "TRAILER!!!", 0, b"")

    @staticmethod
    def _entry(out, number, name, mode, data):
        raw = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out.write(head + b"\0" * (-len(head) % 4))
        out.write(data + b"\0" * (-len(data) % 4))


def module_key(name):
    return os.path.basename(name).split(".ko")[0].replace("-", "_")


def add_modules(ramfs, kernel, names):
    """The modules @names with all that they need, and the lists that modprobe reads."""
    known = {module_key(p.name): p for p in kernel.modules.rglob("*.ko*")}
    builtin = {module_key(line) for line in
               (kernel.modules / "modules.builtin").read_text().split()}
    wanted, todo = set(), [module_key(n) for n in names]
    while todo:
        name = todo.pop()
        if name in wanted or name in builtin:
            continue
        if name not in known:
            raise VmError(f"kernel {kernel.release} has no module {name}")
        wanted.add(name)
        needs = run(["modinfo", "-F", "depends", known[name]]).strip()
        todo += [module_key(n) for n in needs.split(",") if n]
    with tempfile.TemporaryDirectory(prefix="upkeep-vm.") as stage:
        home = pathlib.Path(stage) / "lib" / "modules" / kernel.release
        for name in wanted:
            there = home / known[name].relative_to(kernel.modules)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(known[name], there)
        home.mkdir(parents=True, exist_ok=True)
        for index in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (kernel.modules / index).exists():
                shutil.copyfile(kernel.modules / index, home / index)
        run(["depmod", "-b", stage, kernel.release])
        ramfs.add(home, f"lib/modules/{kernel.release}")


def base_ramfs():
    """What every guest has: busybox under all its names, and our init."""
    ramfs = Initramfs()
    busybox = shutil.which("busybox")
    if not busybox:
        raise VmError("busybox is missing: apt-get install busybox-static")
    ramfs.add(busybox, "bin/busybox")
    for applet in run([busybox, "--list"]).split():
        if applet != "busybox":
            ramfs.add_link(f"bin/{applet}", "busybox")
    ramfs.add(HERE / "init", "init")
    for name in ("proc", "sys", "dev", "tmp", "run", "root", "etc", "var/lib", "sbin", "usr/bin"):
        ramfs.add_dir(name)
    ramfs.add_bytes("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:\n")
    ramfs.add_bytes("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    return ramfs


# --- booting ---------------------------------------------------------------------------

def accelerator(kernel, parallel=False):
    """-accel's argument: KVM only where it was seen to boot this very kernel."""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    verdict = BUILD / f"accel.{kernel.release}.{boot}"
    if not verdict.exists():
        verdict.parent.mkdir(parents=True, exist_ok=True)
        works = os.access("/dev/kvm", os.R_OK | os.W_OK) and kvm_boots(kernel)
        verdict.write_text("kvm" if works else "tcg")
    accel = verdict.read_text().strip()
    if accel == "kvm":
        return accel
    return "tcg,thread=multi" if parallel else emulation()


def emulation():
    """The emulator's name, with what makes it keep to what the guest wrote.

    Before QEMU 8.1 a processor may translate code that another one writes just then and keep the
    half of it: text that the kernel patches (jump labels, static calls, tracers) then runs into an
    int3 that is gone, in our guests once in some hundred cases. Upstream deba78709ae8 ("accel/tcg:
    Always lock pages before translation"). One thread for all processors never does that.
    """
    told = run(["qemu-system-x86_64", "--version"])
    version = tuple(int(word) for word in re.search(r"version (\d+)\.(\d+)", told).groups())
    return "tcg" if version >= (8, 1) else "tcg,thread=single"


def kvm_boots(kernel):
    ramfs = base_ramfs()
    with tempfile.TemporaryDirectory(prefix="upkeep-vm.") as scratch:
        guest = Guest(kernel, ramfs, "true", log=f"{scratch}/console", deadline=20, accel="kvm")
        return guest.boot(lambda line: None) == 0


class Watchdog(threading.Thread):
    """Kills a process at its deadline, or when it has said nothing for @quiet seconds."""

    def __init__(self, process, deadline, quiet):
        super().__init__(daemon=True)
        self.process = process
        self.deadline = time.monotonic() + deadline
        self.quiet = quiet
        self.heard = time.monotonic()
        self.done = threading.Event()
        self.killed = False
        self.start()

    def end(self):
        return min(self.deadline, self.heard + self.quiet) if self.quiet else self.deadline

    def run(self):
        while not self.done.wait(max(0, self.end() - time.monotonic())):
            if time.monotonic() >= self.end():
                self.killed = True
                self.process.kill()
                return


class Guest:
    """One boot."""

    # pylint: disable=too-many-arguments
    def __init__(self, kernel, ramfs, command, log, deadline=600, accel=None,
                 memory=1024, cpus=2, append="", variables=None, quiet=None,
                 parallel=False):
        self.kernel = kernel
        self.ramfs = ramfs
        self.log = pathlib.Path(log)
        self.deadline = deadline
        self.quiet = quiet  # seconds in which it may say nothing; None: as long as it likes
        self.accel = accel
        self.parallel = parallel  # all processors at once, also where that is not safe
        self.memory = memory
        self.cpus = cpus
        self.append = append
        self.variables = variables  # of UEFI firmware; None: the kernel is booted without
        ramfs.add_bytes("command", command.encode() + b"\n", 0o755)

    def argv(self, initrd):
        accel = self.accel or accelerator(self.kernel, self.parallel)
        line = f"console=ttyS0 loglevel=5 panic=-1 rdinit=/init {self.append}".strip()
        return ["qemu-system-x86_64", "-accel", accel,
                "-cpu", "host" if accel == "kvm" else "max",
                "-m", str(self.memory), "-smp", str(self.cpus),
                "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot",
                "-serial", f"file:{self.log}", "-serial", "stdio",
                "-kernel", str(self.kernel.vmlinuz), "-initrd", str(initrd),
                "-append", line] + (firmware.arguments(self.variables) if self.variables else [])

    def boot(self, sink):
        """Gives each line of the command's output to @sink; returns its exit status."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="upkeep-vm.") as scratch:
            initrd = pathlib.Path(scratch) / "initrd"
            self.ramfs.write(initrd)
            return self._run(self.argv(initrd), sink)

    def _run(self, argv, sink):
        status = LOST
        qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        watchdog = Watchdog(qemu, self.deadline, self.quiet)
        try:
            for raw in qemu.stdout:
                watchdog.heard = time.monotonic()
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if self.variables and "\x1b" in line:
                    continue  # the firmware clears the screens that it sees in serial ports
                said = EXIT_LINE.match(line)
                if said:
                    status = int(said.group(1))
                else:
                    sink(line)
            qemu.wait()
        finally:
            watchdog.done.set()
            qemu.kill()
            qemu.wait()
        if status == LOST and watchdog.killed:
            return DEADLINE
        return status

    def console_tail(self, lines=40):
        """The end of the console, and before it the kernel's first complaint if that is older."""
        try:
            said = self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        first = next((n for n, line in enumerate(said) if COMPLAINT.search(line)), len(said))
        if first >= len(said) - lines:
            return said[-lines:]
        return said[first:first + lines] + ["[...]"] + said[-lines // 4:]


# --- command line ----------------------------------------------------------------------

def main():
    cli = argparse.ArgumentParser(description="Run a command in a guest with a stock kernel.")
    cli.add_argument("release", help="uname -r of the kernel")
    cli.add_argument("command", help="what sh -c runs as root in the guest")
    cli.add_argument("--image", help="folder of the extracted linux-image package")
    cli.add_argument("--add", action="append", default=[], metavar="HOST:GUEST",
                     help="a file or folder to put into the guest")
    cli.add_argument("--program", action="append", default=[], metavar="HOST:GUEST",
                     help="a program to put there with its shared libraries")
    cli.add_argument("--module", action="append", default=[], metavar="NAME",
                     help="a module of the kernel that the guest can modprobe")
    cli.add_argument("--append", default="", help="more words for the kernel's command line")
    cli.add_argument("--enrol", action="append", default=[], metavar="CERT",
                     help="boot through UEFI firmware with this certificate (DER) enrolled")
    cli.add_argument("--log", default=str(BUILD / "console.log"), help="where the console goes")
    cli.add_argument("--deadline", type=int, default=300, metavar="SECONDS")
    cli.add_argument("--memory", type=int, default=1024, metavar="MIB")
    cli.add_argument("--cpus", type=int, default=2)
    cli.add_argument("--accel", help="kvm, tcg or tcg,thread=multi; by default what is safe here")
    args = cli.parse_args()

    kernel = find_kernel(args.release, args.image)
    ramfs = base_ramfs()
    for spec in args.add:
        host, name = spec.split(":", 1)
        ramfs.add(host, name)
    for spec in args.program:
        host, name = spec.split(":", 1)
        ramfs.add_program(host, name)
    add_modules(ramfs, kernel, args.module)
    variables = None
    if args.enrol:
        variables = pathlib.Path(args.log).with_suffix(".vars")
        variables.parent.mkdir(parents=True, exist_ok=True)
        firmware.make_variables(variables, [pathlib.Path(c).read_bytes() for c in args.enrol])
    guest = Guest(kernel, ramfs, args.command, args.log, args.deadline, args.accel,
                  args.memory, args.cpus, args.append, variables)
    started = time.monotonic()
    status = guest.boot(lambda line: print(line, flush=True))
    if status in (LOST, DEADLINE):
        word = "its deadline passed" if status == DEADLINE else "it ended without a status"
        print(f"guest lost after {time.monotonic() - started:.1f} s: {word}; the console:",
              file=sys.stderr)
        for line in guest.console_tail():
            print("  " + line, file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VmError as error:
        sys.exit(f"guest: {error}")
