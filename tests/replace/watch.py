# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients outside the guest, as the tests hold them: client.py in the guest's network."""

import collections
import hashlib
import json
import pathlib
import subprocess
import sys
import threading
import time

import image
from guest import VmError

CLIENT = pathlib.Path(__file__).resolve().parent / "client.py"
CLIENTS = ("redis", "memcached", "nginx", "ssh", "python", "mariadb", "mariadb-lock",
           "postgres", "postgres-lock")


class Watcher:
    """One client that runs, from when it is connected to its report."""

    def __init__(self, system, name, *more, address=image.ADDRESS, deadline=60):
        self.name = name
        self.said = []  # what it reported so far, but for its last line
        self.report = None
        self.arrived = threading.Condition()
        self.stderr = collections.deque(maxlen=20)
        argv = [sys.executable, "-I", CLIENT, name, address, *self.arguments(system), *more]
        self.process = system.client(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=lambda: self.stderr.extend(self.process.stderr),
                         daemon=True).start()
        self._wait(lambda: self.report or self.said, deadline, "to connect")
        if self.report:
            raise VmError(f"{name}: {self.report['error']}")

    def arguments(self, system):
        if self.name == "ssh":
            return ["--key", system.keys / "id", "--known-hosts", system.keys / "known_hosts"]
        if self.name == "nginx":
            return ["--sha256", hashlib.sha256(image.big_file()).hexdigest()]
        return []

    def _listen(self):
        for line in self.process.stdout:
            with self.arrived:
                said = json.loads(line)
                if "ok" in said:
                    self.report = said
                else:
                    self.said.append(said)
                self.arrived.notify_all()
        with self.arrived:
            self.report = self.report or {"client": self.name, "ok": False,
                                          "error": f"it ended: {''.join(self.stderr)}"}
            self.arrived.notify_all()

    def _wait(self, seen, deadline, what):
        with self.arrived:
            if not self.arrived.wait_for(seen, deadline):
                raise VmError(f"{self.name}: waited {deadline} s for it {what}")

    def order(self, line):
        """Gives it a line of input."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # its report tells why

    def type(self, command, deadline=120):
        """Has the ssh client type a command; gives what came back."""
        count = len(self.said)
        self.order(f"run {command}")
        self._wait(lambda: self.report or len(self.said) > count, deadline, f"to run {command}")
        if len(self.said) > count:
            return self.said[count]
        raise VmError(f"{self.name}: {self.report['error']}")

    def stop(self, deadline=180):
        """Ends it; gives its report."""
        self.order("stop")
        return self.wait(deadline)

    def wait(self, deadline=180):
        """Its report, when it comes to its end by itself."""
        try:
            self._wait(lambda: self.report, deadline, "to report")
            self.process.wait(10)
        finally:
            self.process.kill()
        return self.report

    def ended(self):
        return self.report is not None or self.process.poll() is not None


def settle(seconds):
    """Lets clients run undisturbed for a while: load, not a wait for something."""
    time.sleep(seconds)
