#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian system in QEMU, whose kernel may be swapped under it, and a network to watch it from.

Commands reach the guest over a virtio port, not over the network; the agent in the guest says on
each start which kernel it runs on. QEMU itself tells when the machine was reset: a kernel that came
by kexec does that not, a reboot does. QEMU runs in a network namespace without a name, in which
the other end of the guest's network card is a tap device with a real Linux TCP stack: clients are
run in it, and all of it is gone with QEMU, whatever became of the harness.
"""

import argparse
import base64
import collections
import itertools
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types

sys.dont_write_bytecode = True

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import guest  # noqa: E402  pylint: disable=wrong-import-position
import image as images  # noqa: E402  pylint: disable=wrong-import-position
import watch  # noqa: E402  pylint: disable=wrong-import-position
from channel import Channel, Job, Payload  # noqa: E402  pylint: disable=wrong-import-position
from guest import BUILD, VmError  # noqa: E402  pylint: disable=wrong-import-position
from image import ADDRESS  # noqa: E402  pylint: disable=wrong-import-position

OUTSIDE = "10.77.0.1"
OUTSIDE6 = "fd77::1"
MAC = "52:54:00:77:00:02"
WORK = BUILD.parent / "replace"

# Run in a network namespace of its own; $@ is QEMU.
NETWORK = f"""
ip link set lo up
ip tuntap add dev tap0 mode tap
ip address add {OUTSIDE}/24 dev tap0
ip -6 address add {OUTSIDE6}/64 dev tap0 nodad
ip link set tap0 up
exec "$@"
"""

# What the emulator translated for the kernel before lies in the way of the next one: each write
# into a page of which it translated something is slow until all of that was thrown away. A small
# store of translations has less of it (1 GiB by default: a kernel that came by kexec then takes up
# to thrice as long to boot as the first), and without ERMS a page is cleared in an eighth of the
# writes.
FEW_TRANSLATIONS = ",tb-size=96"
PROCESSOR = "max,-erms"

DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


class GuestError(VmError):
    """The guest did not do what was asked of it."""


Hello = collections.namedtuple("Hello", "release boot_id uptime when")


class System:
    """One guest, from its first boot to its end."""

    # pylint: disable=too-many-instance-attributes,too-many-public-methods
    def __init__(self, release, **options):
        """@release boots first. Options: folder (else a temporary one), log, memory, cpus, append,
        accel, parallel (processors at the same time where QEMU emulates them, see guest.py), devices
        (more arguments for QEMU), stay (go on when the harness ends)."""
        self.release = release
        self.options = types.SimpleNamespace(
            folder=None, log=None, memory=1280, cpus=2, append="", accel=None,
            parallel=False, devices=(), stay=False)
        self.options.__dict__.update(options)
        self.scratch = None
        if self.options.folder:
            self.folder = pathlib.Path(self.options.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
        else:
            self.scratch = tempfile.TemporaryDirectory(prefix="upkeep-guest.")
            self.folder = pathlib.Path(self.scratch.name)
        self.log = pathlib.Path(self.options.log or self.folder / "console.log")
        self.payload = Payload()
        self.image = None
        self.qemu = None
        self.pid = None
        self.agent = None
        self.monitor = None
        self.changed = threading.Condition()
        self.numbers = itertools.count(time.monotonic_ns())
        self.jobs = {}
        self.answered = False
        self.answers = {}  # of QEMU, by the number of the question
        self.hellos = []
        self.events = []

    # --- coming and going ---

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise VmError("/dev/net/tun cannot be opened: the clients outside need a tap device "
                          "(root, and the module tun on the host)")
        seat = self.release in images.SEAT_RELEASES
        self.image = images.find_image(lambda text: print(f"# {text}", file=sys.stderr),
                                       images.SEAT_RELEASES if seat else images.KERNELS)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        guest.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                   "-b", self.image / "root.ext4", self.folder / "disk.qcow2"])
        (self.folder / "keys").symlink_to(self.image)
        self.payload.write(self.folder / "put")
        with open(self.folder / "qemu.log", "w", encoding="utf-8") as said:
            self.qemu = subprocess.Popen(
                [*(() if self.options.stay else DIE_WITH_PARENT),
                 "unshare", "--net", "sh", "-e", "-c", NETWORK, "sh", *self.argv()],
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                start_new_session=bool(self.options.stay))
        self.pid = self.qemu.pid
        (self.folder / "pid").write_text(f"{self.pid}\n", "ascii")
        self._connect()
        if self.scratch:  # QEMU has them open: so they are gone with it, whatever becomes of us
            (self.folder / "disk.qcow2").unlink()
            (self.folder / "put").unlink()
        return self

    def attach(self):
        """Takes over a guest that an earlier harness left running in the folder."""
        self.pid = int((self.folder / "pid").read_text("ascii"))
        self._connect()
        self.send("who")
        return self

    def _connect(self):
        try:
            self.agent = Channel(self.folder / "agent", self._from_agent)
            self.monitor = Channel(self.folder / "qmp", self._from_monitor)
        except VmError as deaf:
            said = (self.folder / "qemu.log").read_text("utf-8", "replace")
            raise VmError(f"{deaf}\n{said}") from None
        self.agent.start()
        self.monitor.start()
        self.monitor.send('{"execute": "qmp_capabilities"}')
        self.monitor.send('{"execute": "cont"}')
        self.wait(lambda: self.answered, 60, "QEMU to answer")

    def argv(self):
        kernel = types.SimpleNamespace(release=self.release,
                                       vmlinuz=self.image / f"vmlinuz-{self.release}")
        if not kernel.vmlinuz.exists():
            raise VmError(f"the image has no kernel {self.release}, but "
                          f"{', '.join(images.KERNELS)}")
        accel = self.options.accel or guest.accelerator(kernel, self.options.parallel)
        if accel.startswith("tcg") and "tb-size" not in accel:
            accel += FEW_TRANSLATIONS
        disks = ["-drive", f"file={self.folder}/disk.qcow2,if=none,id=root,cache=unsafe",
                 "-device", "virtio-blk-pci,drive=root,serial=root,addr=4"]
        if not self.payload.empty:
            disks += ["-drive", f"file={self.folder}/put,format=raw,if=none,id=put,readonly=on",
                      "-device", "virtio-blk-pci,drive=put,serial=put,addr=6"]
        return ["qemu-system-x86_64", "-accel", accel, "-S",
                "-cpu", "host" if accel == "kvm" else PROCESSOR,
                "-m", str(self.options.memory), "-smp", str(self.options.cpus),
                "-nodefaults", "-display", "none", "-monitor", "none",
                "-serial", f"file:{self.log}",
                "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                "-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=net,mac={MAC},romfile=,addr=3",
                *disks,
                "-device", "virtio-serial-pci,addr=5",
                "-chardev", f"socket,id=agent,path={self.folder}/agent,server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=upkeep.agent",
                "-kernel", str(kernel.vmlinuz),
                "-initrd", str(self.image / f"initrd-{self.release}"),
                "-append", f"{self.command_line()} {self.options.append}".strip(),
                *self.options.devices]

    @staticmethod
    def command_line():
        """What each kernel of this guest needs; also for a kexec by hand.

        The emulator runs the processors by turns, so a kernel takes their counters for not
        synchronised, after a kexec nearly always, and falls back to a clock that costs an exit
        for every reading: the guest is then half as fast."""
        return "root=/dev/vda rw console=ttyS0 loglevel=5 panic=-1 tsc=reliable"

    def close(self):
        """Ends the guest as by pulling the plug, unless it is to stay."""
        for channel in (self.agent, self.monitor):
            if channel:
                channel.close()
        if self.options.stay:
            return
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
        if self.scratch:
            self.scratch.cleanup()

    def quit(self):
        """Ends a guest, also one that was to stay."""
        self.options.stay = False
        if self.monitor and self.alive():
            self.monitor.send('{"execute": "quit"}')
            self.wait(lambda: not self.alive(), 10, "QEMU to end", alive=False)
        self.close()

    # --- what comes from it ---

    def _from_agent(self, line):
        words = line.decode("ascii", "replace").split()
        with self.changed:
            if words[:1] == ["hello"] and len(words) == 4:
                self._hello(Hello(words[1], words[2], float(words[3]), time.monotonic()))
            elif len(words) == 3 and words[1] in self.jobs:
                job = self.jobs[words[1]]
                if words[0] == "out":
                    job.take(base64.b64decode(words[2]))
                elif words[0] == "exit":
                    job.status = int(words[2])
                    job.over = True
                    del self.jobs[job.number]
            self.changed.notify_all()

    def _hello(self, hello):
        if self.hellos and self.hellos[-1].boot_id == hello.boot_id:
            return
        self.hellos.append(hello)
        if len(self.hellos) > 1:
            for job in self.jobs.values():  # they went with the kernel they ran on
                job.over = True
            self.jobs.clear()

    def _from_monitor(self, line):
        try:
            said = json.loads(line)
        except ValueError:
            return
        with self.changed:
            self.answered |= "return" in said  # only once it has opened all that it needs
            if said.get("id") is not None:
                self.answers[said["id"]] = said
            self.changed.notify_all()
        if "event" in said:
            with self.changed:
                self.events.append((said["event"], time.monotonic()))
                self.changed.notify_all()

    def alive(self):
        if self.qemu:
            return self.qemu.poll() is None
        return os.path.exists(f"/proc/{self.pid}")

    def wait(self, seen, deadline, what, alive=True):
        """Waits until @seen() is true; raises with the console's end if it does not become so."""
        end = time.monotonic() + deadline
        with self.changed:
            while not seen():
                left = end - time.monotonic()
                if alive and not self.alive():
                    raise GuestError(self.tell(f"QEMU ended while waiting for {what}"))
                if left <= 0:
                    raise GuestError(self.tell(f"waited {deadline} s for {what}"))
                self.changed.wait(min(left, 0.5))

    def tell(self, text):
        said = [text + "; the console:"] + ["  " + line for line in self.console_tail()]
        try:
            said.append((self.folder / "qemu.log").read_text("utf-8", "replace"))
        except OSError:
            pass
        return "\n".join(said).rstrip()

    # --- what is asked of it ---

    def send(self, line):
        self.agent.send(line)

    def ask(self, command, deadline=60, **arguments):
        """A command of QEMU's monitor (QMP) and its answer."""
        number = next(self.numbers)
        self.monitor.send(json.dumps({"execute": command, "arguments": arguments, "id": number}))
        self.wait(lambda: number in self.answers, deadline, f"QEMU to answer {command}")
        answer = self.answers.pop(number)
        if "error" in answer:
            raise VmError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    @property
    def running(self):
        """The release of the kernel that runs, as far as the agent said."""
        return self.hellos[-1].release if self.hellos else None

    @property
    def resets(self):
        """How often the machine was reset: by a reboot or a panic, never by a kexec."""
        times = [when for name, when in self.events if name == "RESET"]
        # A kernel tries several ways to reset a machine before the first one works.
        return sum(1 for last, when in zip([0, *times], times) if when - last > 1)

    def wait_agent(self, deadline=120):
        """Waits until the agent of the first boot answers."""
        self.wait(lambda: self.hellos, deadline, "the agent to say hello")
        return self.hellos[-1]

    def wait_swap(self, boots=1, deadline=120):
        """Waits until the agent answered on more than @boots kernels, one after another."""
        self.wait(lambda: len(self.hellos) > boots, deadline,
                  f"another kernel than the {boots}. boot's ({self.running})")
        return self.hellos[-1]

    def wait_release(self, release, deadline=120):
        """Waits until the guest runs @release."""
        self.wait(lambda: self.running == release, deadline,
                  f"kernel {release} (it runs {self.running})")
        return self.hellos[-1]

    def wait_booted(self, deadline=180):
        """Waits until systemd is through with starting; gives what it calls that."""
        self.wait_agent(deadline)
        # The bus comes up after the agent did.
        return self.run("until systemctl is-system-running --wait 2>/dev/null | grep -v offline; "
                        "do sleep 0.2; done", deadline).output.strip()

    def spawn(self, command, sink=None, stdin=b""):
        """Starts a command in the guest's shell. @sink gets its output as it comes; with @stdin
        None its input stays open for feed()."""
        job = Job(self, str(next(self.numbers)), sink)
        with self.changed:
            self.jobs[job.number] = job
        self.agent.send(f"run {job.number} {base64.b64encode(command.encode()).decode()}")
        if stdin is not None:
            job.feed(stdin)
            job.feed(None)
        return job

    def run(self, command, deadline=60, check=False, **options):
        """Runs a command in the guest's shell to its end."""
        job = self.spawn(command, **options)
        try:
            done = job.wait(deadline)
        except GuestError as late:
            job.kill(signal.SIGKILL)
            raise GuestError(f"{command}: {job.result().output}\n{late}") from None
        if check and done.status != 0:
            raise GuestError(f"{command}: exit {done.status}: {done.output.strip()}")
        return done

    def put(self, host, name, deadline=60):
        """Puts a file into the running guest."""
        host = pathlib.Path(host)
        mode = "755" if os.access(host, os.X_OK) else "644"
        name = shlex.quote(name)
        self.run(f"cat >{name}.new && chmod {mode} {name}.new && mv {name}.new {name}",
                 deadline, check=True, stdin=host.read_bytes())

    def get(self, name, deadline=60):
        """The bytes of a file in the guest."""
        job = self.spawn(f"cat {shlex.quote(name)}")
        if job.wait(deadline).status != 0:
            raise GuestError(f"{name}: {job.result().output.strip()}")
        return bytes(job.output)

    # --- outside ---

    def outside(self, argv):
        """The command that runs @argv on the other end of the guest's network."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *[str(a) for a in argv]]

    def client(self, argv, **options):
        """Starts a client outside; it ends with the harness."""
        return subprocess.Popen([*DIE_WITH_PARENT, *self.outside(argv)], **options)

    @property
    def keys(self):
        """The folder with what ssh needs: id, known_hosts."""
        return (self.folder / "keys").resolve()


    def wait_port(self, port, deadline=60, address=ADDRESS):
        """Waits until something accepts connections there, seen from outside."""
        end = time.monotonic() + deadline
        probe = f"import socket; socket.create_connection(('{address}', {port}), 2)"
        while subprocess.run(self.outside([sys.executable, "-I", "-S", "-c", probe]), check=False,
                             stderr=subprocess.DEVNULL).returncode:
            if time.monotonic() > end:
                raise GuestError(self.tell(f"nothing answers on port {port}"))
            time.sleep(0.2)

    # --- the console ---

    def console(self):
        try:
            return self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []

    def complaints(self):
        """What the kernels complained of so far."""
        return [line for line in self.console() if guest.COMPLAINT.search(line)]

    def console_tail(self, lines=40):
        said = self.console()
        first = next((n for n, line in enumerate(said) if guest.COMPLAINT.search(line)), len(said))
        if first >= len(said) - lines:
            return said[-lines:]
        return said[first:first + lines] + ["[...]"] + said[-lines // 4:]


# --- command line ----------------------------------------------------------------------

def arguments():
    cli = argparse.ArgumentParser(
        description="Boot a Debian system and run commands in it, each to its end.")
    cli.add_argument("release", nargs="?", default=images.RELEASES[0],
                     help="uname -r of the first kernel: " + ", ".join(images.KERNELS))
    cli.add_argument("--run", action="append", default=[], metavar="COMMAND",
                     help="what sh -c runs in the guest, as root")
    cli.add_argument("--shell", metavar="FILE", help="a script that sh runs in the guest")
    cli.add_argument("--outside", action="append", default=[], metavar="COMMAND",
                     help="what sh -c runs on the other end of the network, after --run")
    cli.add_argument("--watch", action="append", default=[], choices=watch.CLIENTS,
                     help="a client outside that watches from before --run until the end")
    cli.add_argument("--put", action="append", default=[], metavar="HOST:GUEST",
                     help="a file or folder to put into the guest")
    cli.add_argument("--stay", metavar="FOLDER",
                     help="keep the guest's files there and leave it running; pid, console.log")
    cli.add_argument("--at", metavar="FOLDER", help="boot nothing: use the guest of --stay FOLDER")
    cli.add_argument("--quit", action="store_true", help="end the guest of --at")
    cli.add_argument("--swap", action="store_true",
                     help="when a kernel went away under a command, wait for the next to answer")
    cli.add_argument("--wait", choices=("agent", "booted"), default="booted",
                     help="what to wait for before the first command")
    cli.add_argument("--append", default="", help="more words for the kernel's command line")
    cli.add_argument("--device", action="append", default=[], metavar="ARGUMENTS",
                     help="more arguments for QEMU")
    cli.add_argument("--log", help="where the console goes")
    cli.add_argument("--deadline", type=int, default=300, metavar="SECONDS",
                     help="for the boot, and for each command")
    cli.add_argument("--memory", type=int, default=1280, metavar="MIB")
    cli.add_argument("--cpus", type=int, default=2)
    cli.add_argument("--accel", help="by default what is safe here")
    return cli.parse_args()


def begin(args, system):
    """Boots, or attaches; then puts the files in."""
    files = [spec.split(":", 1) for spec in args.put]
    if args.at:
        system.attach().wait_agent(args.deadline)
        for host, name in files:
            system.put(host, name, args.deadline)
        return
    for host, name in files:
        system.payload.add(host, name)
    started = time.monotonic()
    system.start().wait_agent(args.deadline)
    state = "agent" if args.wait == "agent" else system.wait_booted(args.deadline)
    print(f"# {system.running}: {state} after {time.monotonic() - started:.1f} s", file=sys.stderr)


def perform_watched(args, system):
    """As perform(), while clients outside watch; what they say counts, too."""
    watchers = [watch.Watcher(system, name) for name in args.watch]
    status = perform(args, system)
    for watcher in watchers:
        if watcher.name == "ssh":
            watcher.order("run uname -r")
    for watcher in watchers:
        report = watcher.stop(args.deadline)
        print("\n".join(json.dumps(line) for line in [*watcher.said, report]))
        status = status or (0 if report["ok"] else 1)
    return status


def perform(args, system):
    """Runs all commands; the exit status of the first that failed."""
    commands = [(command, b"") for command in args.run]
    if args.shell:
        commands.append(("sh -s", pathlib.Path(args.shell).read_bytes()))

    def show(data):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    for command, stdin in commands:
        boots = len(system.hellos)
        job = system.spawn(command, show, stdin)
        if args.swap:
            system.wait(lambda: job.over or len(system.hellos) > boots,  # pylint: disable=W0640
                        args.deadline, "the command to end, or its kernel")
        done = job.wait(args.deadline)
        if done.status is None:
            print(f"# now on {system.running}, resets: {system.resets}", file=sys.stderr)
        elif done.status:
            print(f"# {command}: exit {done.status}", file=sys.stderr)
            return done.status if done.status < 1000 else 128 + done.status - 1000
    for command in args.outside:
        status = subprocess.run(system.outside(["sh", "-c", command]), check=False).returncode
        if status:
            return status
    return 0


def main():
    args = arguments()
    system = System(args.release, folder=args.at or args.stay, log=args.log, memory=args.memory,
                    cpus=args.cpus, append=args.append, accel=args.accel,
                    devices=[word for device in args.device for word in shlex.split(device)],
                    stay=bool(args.at or args.stay))
    if args.stay:
        shutil.rmtree(args.stay, ignore_errors=True)
        os.makedirs(args.stay)
    with system:
        begin(args, system)
        status = perform_watched(args, system)
        for line in system.complaints():
            print(f"# the console: {line}", file=sys.stderr)
        if args.quit:
            system.quit()
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (VmError, OSError) as error:
        sys.exit(f"system: {error}")
