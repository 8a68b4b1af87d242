# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of programs/pyserver.py."""

import time

from connection import SocketClient, Wrong


class PythonServer(SocketClient):
    """Sums, and questions that a thread, a timer or a sleep in the server answers."""

    name = "python"
    port = 7000

    def ask(self, question, wanted=None):
        self.socket.sendall(question.encode() + b"\n")
        while b"\n" not in self.unread:
            self.unread += self.more_data()
        line, self.unread = self.unread.split(b"\n", 1)
        if wanted is not None and line.decode() != str(wanted):
            raise Wrong(f"{question}: {line[:200]!r} instead of {wanted!r}")
        return line.decode()

    def begin(self):
        super().begin()
        self.number, self.total = 0, int(self.ask("add 0"))
        self.more["server"] = self.ask("who")
        self.before = self.counts()

    def counts(self):
        return {name: int(count) for name, count in
                (word.split("=") for word in self.ask("counts").split())}

    def step(self):
        self.number += 1
        self.total += self.number
        self.ask(f"add {self.number}", self.total)
        self.ask(f"double {self.number}", 2 * self.number)
        self.ask("sleep 50", 50)
        self.ask("pool 50", 50)
        self.meter.answered(4)
        time.sleep(self.args.pause)

    def finish(self):
        """Everything still goes on, and nothing went wrong meanwhile."""
        before, end = self.counts(), time.monotonic() + self.args.patience
        while not all(count > before[name] for name, count in self.counts().items()):
            if time.monotonic() > end:
                raise Wrong(f"something stands still: {before}, then {self.counts()}")
            time.sleep(0.2)
        self.ask("wrong", "nothing")
        self.ask("who", self.more["server"])
        self.more["counts"] = self.counts()
