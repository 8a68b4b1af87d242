#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client that counts right answers over time, also over a reboot: it connects again when its
connection is lost, and tells how often. A fresh connection may take its time, as a person's would:
a try that has no answer is given up after PATIENCE seconds.

Runs until its input ends, then prints a line of JSON: started (CLOCK_MONOTONIC), answers (the times
of all, in seconds since then), lost (connections that were lost).
"""

import argparse
import json
import select
import socket
import sys
import threading
import time

PAUSE = 0.02
PATIENCE = 1

# name: (port, what is asked, what the answer begins with, what it ends with)
SERVICES = {
    "nginx": (80, b"HEAD /big HTTP/1.1\r\nHost: guest\r\n\r\n", b"HTTP/1.1 200", b"\r\n\r\n"),
    "redis": (6379, b"INCR answers\r\n", b":", b"\r\n"),
    "memcached": (11211, b"version\r\n", b"VERSION ", b"\r\n"),
}


class Lost(Exception):
    """The connection, or a right answer."""


class Asker:
    """One service's client. A connection waits for an answer as long as it takes; who connects
    again does so every second."""

    def __init__(self, name, address):
        self.port, self.question, self.head, self.tail = SERVICES[name]
        self.address = address
        self.started = time.monotonic()
        self.answers = []
        self.lost = 0
        self.connected = None
        self.proven = False  # this connection has answered
        self.stopped = threading.Event()

    def connect(self):
        self.connected = socket.create_connection((self.address, self.port), PATIENCE)
        self.connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.proven = False

    def wait(self):
        """Until there is something to read."""
        end = None if self.proven else time.monotonic() + PATIENCE
        while not self.stopped.is_set():
            if select.select([self.connected], [], [], 0.1)[0]:
                return
            if end and time.monotonic() > end:
                raise Lost("a new connection without an answer")

    def ask(self):
        self.connected.sendall(self.question)
        said = b""
        while not said.endswith(self.tail) and not self.stopped.is_set():
            self.wait()
            data = b"" if self.stopped.is_set() else self.connected.recv(4096)
            if not data and not self.stopped.is_set():
                raise Lost("closed")
            said += data
        if self.stopped.is_set():
            return
        if not said.startswith(self.head):
            raise Lost(f"a wrong answer: {said[:80]!r}")
        self.answers.append(round(time.monotonic() - self.started, 3))
        self.proven = True
        if b"\r\nConnection: close\r\n" in said:  # nginx, after a thousand
            self.drop()

    def drop(self):
        if self.connected:
            self.connected.close()
        self.connected = None

    def step(self):
        try:
            if not self.connected:
                self.connect()
            self.ask()
        except (OSError, Lost):
            self.lost += self.proven
            self.proven = False
            self.drop()
            self.stopped.wait(0.1)

    def run(self):
        while not self.stopped.is_set():
            self.step()
            self.stopped.wait(PAUSE)
        return {"started": self.started, "answers": self.answers, "lost": self.lost}


def main():
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("service", choices=SERVICES)
    cli.add_argument("address")
    args = cli.parse_args()
    asker = Asker(args.service, args.address)

    def listen():
        sys.stdin.read()
        asker.stopped.set()

    threading.Thread(target=listen, daemon=True).start()
    print(json.dumps(asker.run()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
