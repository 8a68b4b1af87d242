#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients outside the guest. Each keeps the one connection that it made, checks every answer, and
measures the longest time in which it got none.

A client goes on until its input ends or says `stop` (or for --seconds), and then prints one line of
JSON: client, ok, error, answers, seconds, gap (longest time without an answer, in seconds),
gap_end (CLOCK_MONOTONIC), pauses (all longer than a second, with their ends), retransmits (of its TCP
socket), more by client; with --rates the answers in each 100 ms since the start. Its exit status is 0
if nothing was wrong.
"""

import argparse
import collections
import fcntl
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import databases  # noqa: E402  pylint: disable=wrong-import-position
import pyclient  # noqa: E402  pylint: disable=wrong-import-position
from connection import Client, SocketClient, Wrong  # noqa: E402  pylint: disable=C0413


def value(number):
    """The value of a numbered key: long enough to see when two are mixed up."""
    return b"%d:" % number + b"%08x" % (number * 2654435761 % 2 ** 32) * 4


class Redis(SocketClient):
    """Pipelines of SET, GET and INCR; at the end every key is read again."""

    name = "redis"
    port = 6379
    depth = 8

    def __init__(self, args):
        super().__init__(args)
        self.prefix = b"k%d" % os.getpid()
        self.number = 0
        self.values = {}

    @staticmethod
    def command(*words):
        parts = [b"*%d\r\n" % len(words)]
        parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        return b"".join(parts)

    def key(self, slot):
        return self.prefix + b":%d" % slot

    def bulk(self):
        head = self.line()
        if not head.startswith(b"$"):
            raise Wrong(f"no bulk string: {head[:80]!r}")
        data = self.exactly(int(head[1:]) + 2) if head != b"$-1" else b"(nil)\r\n"
        return data[:-2]

    def begin(self):
        super().begin()
        for start in range(0, self.args.keys, 1000):
            slots = range(start, min(start + 1000, self.args.keys))
            self.socket.sendall(b"".join(self.command(b"SET", self.key(s), value(s))
                                         for s in slots))
            for slot in slots:
                self.expect(self.line(), b"+OK", f"SET {slot}")
                self.values[slot] = slot

    def step(self):
        batch, slots = [], []
        for _ in range(self.depth):
            self.number += 1
            slot = self.number % self.args.keys
            slots.append((slot, self.number))
            batch += [self.command(b"SET", self.key(slot), value(self.number)),
                      self.command(b"GET", self.key(slot)),
                      self.command(b"INCR", self.prefix)]
        self.socket.sendall(b"".join(batch))
        for slot, number in slots:
            self.expect(self.line(), b"+OK", f"SET {slot}")
            self.values[slot] = number
            self.expect(self.bulk(), value(number), f"GET {slot}")
            self.expect(self.line(), b":%d" % number, "INCR")
            self.meter.answered(3)
        time.sleep(self.args.pause)

    def finish(self):
        for start in range(0, self.args.keys, 1000):
            slots = range(start, min(start + 1000, self.args.keys))
            self.socket.sendall(b"".join(self.command(b"GET", self.key(s)) for s in slots))
            for slot in slots:
                self.expect(self.bulk(), value(self.values[slot]), f"GET {slot} at the end")
        self.more["keys"] = len(self.values)


class Memcached(SocketClient):
    """set, get and incr of the text protocol; at the end every key is read again."""

    name = "memcached"
    port = 11211

    def __init__(self, args):
        super().__init__(args)
        self.prefix = "k%d" % os.getpid()
        self.number = 0
        self.values = {}

    def store(self, key, data):
        self.socket.sendall(b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(data), data))
        self.expect(self.line(), b"STORED", f"set {key}")

    def fetch(self, key, wanted):
        self.socket.sendall(b"get %s\r\n" % key.encode())
        self.expect(self.line(), b"VALUE %s 0 %d" % (key.encode(), len(wanted)), f"get {key}")
        self.expect(self.exactly(len(wanted) + 2)[:-2], wanted, f"get {key}")
        self.expect(self.line(), b"END", f"get {key}")

    def begin(self):
        super().begin()
        self.store(self.prefix, b"0")
        for start in range(0, self.args.keys, 1000):
            slots = range(start, min(start + 1000, self.args.keys))
            self.socket.sendall(b"".join(
                b"set %s:%d 0 0 %d\r\n%s\r\n" % (self.prefix.encode(), s, len(value(s)), value(s))
                for s in slots))
            for slot in slots:
                self.expect(self.line(), b"STORED", f"set {slot}")
                self.values[slot] = slot

    def step(self):
        self.number += 1
        slot = self.number % self.args.keys
        key = f"{self.prefix}:{slot}"
        self.store(key, value(self.number))
        self.values[slot] = self.number
        self.meter.answered()
        self.fetch(key, value(self.number))
        self.meter.answered()
        self.socket.sendall(b"incr %s 1\r\n" % self.prefix.encode())
        self.expect(self.line(), b"%d" % self.number, "incr")
        self.meter.answered()
        time.sleep(self.args.pause)

    def finish(self):
        for start in range(0, self.args.keys, 100):
            slots = range(start, min(start + 100, self.args.keys))
            keys = [b"%s:%d" % (self.prefix.encode(), slot) for slot in slots]
            self.socket.sendall(b"get " + b" ".join(keys) + b"\r\n")
            for key, slot in zip(keys, slots):
                wanted = value(self.values[slot])
                self.expect(self.line(), b"VALUE %s 0 %d" % (key, len(wanted)), f"get {slot}")
                self.expect(self.exactly(len(wanted) + 2)[:-2], wanted, f"get {slot} at the end")
            self.expect(self.line(), b"END", "get")
        self.more["keys"] = len(self.values)


class Download(SocketClient):
    """Big downloads on one connection. They go slowly until `hurry` or the end comes, so that one
    is always under way; the last one is then read to its end. Answers are counted in KiB."""

    name = "nginx"
    port = 80
    receive_buffer = 32768

    def __init__(self, args):
        super().__init__(args)
        self.left = 0
        self.digest = None
        self.whole = 0
        self.hurry = threading.Event()

    def order(self, line):
        if line == "hurry":
            self.hurry.set()
        else:
            super().order(line)

    def ask(self):
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: guest\r\n\r\n" % self.args.path.encode())
        self.expect(self.line(), b"HTTP/1.1 200 OK", "GET")
        self.left = None
        while True:
            head = self.line()
            if not head:
                break
            if head.lower().startswith(b"content-length:"):
                self.left = int(head.split(b":")[1])
        if not self.left:
            raise Wrong("no Content-Length in the answer")
        self.digest = hashlib.sha256()

    def step(self, slowly=True):
        if not self.left:
            self.ask()
        data, self.unread = self.unread, b""
        if not data:
            data = self.more_data(min(self.left, 16384))
        if len(data) > self.left:
            raise Wrong(f"{len(data) - self.left} bytes more than announced")
        self.digest.update(data)
        self.left -= len(data)
        self.meter.answered((len(data) + 1023) // 1024)
        if not self.left:
            self.check()
        elif slowly and not self.hurry.is_set():
            self.stopped.wait(len(data) / 1024 / self.args.pace)

    def check(self):
        got = self.digest.hexdigest()
        if self.args.sha256 and got != self.args.sha256:
            raise Wrong(f"the file's sha256 is {got} instead of {self.args.sha256}")
        self.whole += 1

    def finish(self):
        while self.left:
            self.step(slowly=False)
        self.more["files"] = self.whole


class Ssh(Client):
    """A person at a terminal: a shell in which something is typed all the time, and that must stay
    the same one. `run COMMAND` on the input is typed, too; a line of JSON tells what it said."""

    name = "ssh"

    def __init__(self, args):
        super().__init__(args)
        self.process = None
        self.master = None
        self.said = ""
        self.number = 0
        self.orders = collections.deque()

    def begin(self):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        self.process = subprocess.Popen(
            ["ssh", "-tt", "-F", "none", "-i", self.args.key, "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={self.args.known_hosts}",
             "-o", "StrictHostKeyChecking=yes", "-e", "none", f"{self.args.user}@{self.args.host}"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.more["shell"] = self.type("echo $$; SECRET=$$-kept")[1].strip()

    def hear(self, end):
        left = end - time.monotonic()
        ready, _, _ = select.select([self.master], [], [], max(0, left))
        if not ready:
            raise Wrong(f"no answer within {self.args.patience} s: {self.said[-200:]!r}")
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        if not data:
            raise Wrong(f"the session ended: {self.said[-200:]!r}")
        self.said += data.decode("utf-8", "replace")

    def type(self, command):
        """Types a line; gives its exit status and what was printed between two marks."""
        self.number += 1
        os.write(self.master, (f"echo \"<$(({self.number}))<\"; {command}; "
                               f"echo \">$(({self.number})):$?>\"\n").encode())
        mark = re.compile(rf"<{self.number}<\r*\n(.*?)>{self.number}:(\d+)>", re.S)
        end = time.monotonic() + self.args.patience
        while not (found := mark.search(self.said)):
            self.hear(end)
        self.said = self.said[found.end():]
        return int(found.group(2)), found.group(1).replace("\r", "")

    def order(self, line):
        if line.startswith("run "):
            self.orders.append(line[4:])
        else:
            super().order(line)

    def obey(self):
        while self.orders:
            command = self.orders.popleft()
            started = time.monotonic()
            status, output = self.type(command)
            self.meter.answered()
            print(json.dumps({"client": self.name, "command": command, "status": status,
                              "output": output.strip(),
                              "seconds": round(time.monotonic() - started, 3)}), flush=True)

    def step(self):
        if self.type(":")[0] != 0:
            raise Wrong("`:` failed")
        self.meter.answered()
        self.obey()
        time.sleep(max(self.args.pause, 0.05))

    def finish(self):
        self.obey()
        shell = self.more["shell"]
        said = self.type("echo $$ $SECRET")[1].strip()
        if said != f"{shell} {shell}-kept":
            raise Wrong(f"another shell: {said!r}, it was {shell}")
        os.write(self.master, b"exit\n")
        self.process.wait(self.args.patience)


CLIENTS = {kind.name: kind for kind in (Redis, Memcached, Download, Ssh, pyclient.PythonServer,
                                         *databases.CLIENTS)}


def main():
    cli = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawTextHelpFormatter)
    cli.add_argument("client", choices=CLIENTS)
    cli.add_argument("host")
    cli.add_argument("--port", type=int, help="if it is not the service's usual one")
    cli.add_argument("--seconds", type=float, help="end after that time, whatever the input says")
    cli.add_argument("--patience", type=float, default=120,
                     help="so many seconds without an answer are an error (%(default)s)")
    cli.add_argument("--pause", type=float, default=0.01, help="seconds between two exchanges")
    cli.add_argument("--rates", action="store_true", help="report the answers in each 100 ms")
    cli.add_argument("--keys", type=int, default=1000, help="how many keys (redis, memcached)")
    cli.add_argument("--path", default="/big", help="what to download (nginx)")
    cli.add_argument("--sha256", help="what the file must have (nginx)")
    cli.add_argument("--pace", type=float, default=200, help="KiB per second at most (nginx)")
    cli.add_argument("--key", help="secret key (ssh)")
    cli.add_argument("--known-hosts", help="file with the guest's public key (ssh)")
    cli.add_argument("--user", default="root", help="who logs in (ssh)")
    args = cli.parse_args()
    return CLIENTS[args.client](args).run()


if __name__ == "__main__":
    sys.exit(main())
