# SPDX-License-Identifier: GPL-2.0-or-later
"""How commands and files get into the guest: QEMU's sockets, jobs of the agent, the first disk."""

import base64
import collections
import io
import pathlib
import signal
import socket
import tarfile
import threading
import time

from guest import VmError

IN_CHUNK = 24 * 1024

Result = collections.namedtuple("Result", "status output")


class Job:
    """A command that runs in the guest."""

    def __init__(self, system, number, sink):
        self.system = system
        self.number = number
        self.sink = sink
        self.output = bytearray()
        self.status = None  # None while it runs, and for good if its kernel went away
        self.over = False

    def take(self, data):
        self.output += data
        if self.sink:
            self.sink(data)

    def result(self):
        return Result(self.status, self.output.decode("utf-8", "replace"))

    def wait(self, deadline=60):
        """The end of the command, or that of the kernel it ran on: its status is None then."""
        self.system.wait(lambda: self.over, deadline, f"the command {self.number} to end")
        return self.result()

    def feed(self, data):
        """Gives the command input; None ends it."""
        if data is None:
            self.system.send(f"eof {self.number}")
            return
        for start in range(0, len(data), IN_CHUNK):
            part = base64.b64encode(data[start:start + IN_CHUNK]).decode()
            self.system.send(f"in {self.number} {part}")

    def kill(self, number=signal.SIGTERM):
        self.system.send(f"kill {self.number} {int(number)}")


class Channel(threading.Thread):
    """One Unix socket of QEMU's; gives each line to @take, in its own thread."""

    def __init__(self, path, take, deadline=10):
        super().__init__(daemon=True)
        self.take = take
        self.sending = threading.Lock()  # never taken together with another one
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + deadline
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise VmError(f"{path}: QEMU does not listen") from None
                time.sleep(0.02)

    def run(self):
        unread = b""
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                return
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                self.take(line)

    def send(self, line):
        with self.sending:
            self.socket.sendall(line.encode() + b"\n")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        if self.is_alive():
            self.join(5)


class Payload:
    """Files that are laid over the root before the first boot: a tar archive as a disk."""

    def __init__(self):
        self.raw = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.raw, mode="w", format=tarfile.GNU_FORMAT)
        self.empty = True

    @staticmethod
    def _owned(info):
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    def add(self, host, name):
        """A file or folder of the host."""
        host = pathlib.Path(host)
        if not host.exists():
            raise VmError(f"{host}: neither a file nor a folder")
        if name.endswith("/"):
            name += host.name
        self.tar.add(host.resolve(), name.strip("/"), filter=self._owned)
        self.empty = False

    def add_bytes(self, name, data, mode=0o644):
        info = self._owned(tarfile.TarInfo(name.strip("/")))
        info.size, info.mode, info.mtime = len(data), mode, time.time()
        self.tar.addfile(info, io.BytesIO(data))
        self.empty = False

    def write(self, path):
        self.tar.close()
        data = self.raw.getvalue()
        path.write_bytes(data + b"\0" * (-len(data) % 4096))
