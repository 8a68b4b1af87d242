#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients outside the guest. Each keeps the one connection that it made, checks every answer, and
measures the longest time in which it got none.

A client goes on until its input ends or says `stop` (or for --seconds), and then prints one line of
JSON: client, ok, error, answers, seconds, gap (longest time without an answer, in seconds),
gap_end (CLOCK_MONOTONIC), retransmits (of its TCP socket), more by client; with --rates the answers
in each 100 ms since the start. Its exit status is 0 if nothing was wrong.
"""

import argparse
import collections
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

BUCKET = 0.1
TCP_TOTAL_RETRANS = 8 + 23 * 4  # its place in struct tcp_info of <linux/tcp.h>


class Wrong(Exception):
    """An answer that is not the right one, or none in time."""


class Meter:
    """When answers came."""

    def __init__(self):
        self.started = self.last = time.monotonic()
        self.answers = 0
        self.gap = 0.0
        self.gap_end = self.started
        self.buckets = collections.Counter()

    def answered(self, count=1):
        now = time.monotonic()
        if now - self.last > self.gap:
            self.gap, self.gap_end = now - self.last, now
        self.last = now
        self.answers += count
        self.buckets[int((now - self.started) / BUCKET)] += count

    def rates(self):
        return [self.buckets[n] for n in range(max(self.buckets, default=-1) + 1)]


class Client:
    """The loop that all have in common."""

    name = None

    def __init__(self, args):
        self.args = args
        self.meter = Meter()
        self.stopped = threading.Event()
        self.more = {}  # for the report

    def begin(self):
        """Connects, and what else comes before the measured time."""

    def step(self):
        """One exchange; says meter.answered() for each answer that was right."""

    def finish(self):
        """What is checked at the end, out of the measured time."""

    def order(self, line):
        """A line of input that is not `stop`; runs in another thread."""
        print(f"{self.name}: {line}: not understood", file=sys.stderr)

    def retransmits(self):
        return None

    def listen(self):
        for line in sys.stdin:
            if line.strip() == "stop":
                break
            self.order(line.rstrip("\n"))
        if not self.args.seconds:
            self.stopped.set()

    def run(self):
        error = None
        try:
            self.begin()
            self.meter = Meter()
            threading.Thread(target=self.listen, daemon=True).start()
            signal.signal(signal.SIGTERM, lambda *_: self.stopped.set())
            end = self.meter.started + (self.args.seconds or 10 ** 9)
            print(json.dumps({"client": self.name, "ready": True}), flush=True)
            while not self.stopped.is_set() and time.monotonic() < end:
                self.step()
            taken = time.monotonic() - self.meter.started
            self.finish()
        except (Wrong, OSError) as wrong:
            taken = time.monotonic() - self.meter.started
            self.meter.answered(0)  # what it waited for in vain is a gap, too
            error = f"{type(wrong).__name__}: {wrong}"
        report = {"client": self.name, "ok": error is None, "error": error,
                  "answers": self.meter.answers, "seconds": round(taken, 3),
                  "gap": round(self.meter.gap, 3), "gap_end": round(self.meter.gap_end, 3),
                  "retransmits": self.retransmits(), **self.more}
        if self.args.rates:
            report["rates"] = self.meter.rates()
        print(json.dumps(report), flush=True)
        return 0 if error is None else 1


class SocketClient(Client):
    """One TCP connection, with what was read and not yet used."""

    port = None
    receive_buffer = None

    def __init__(self, args):
        super().__init__(args)
        self.socket = None
        self.unread = b""

    def begin(self):
        family = socket.AF_INET6 if ":" in self.args.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if self.receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.socket.settimeout(self.args.patience)
        self.socket.connect((self.args.host, self.args.port or self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def retransmits(self):
        try:
            info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            return struct.unpack_from("=I", info, TCP_TOTAL_RETRANS)[0]
        except (OSError, AttributeError):
            return None

    def more_data(self, most=65536):
        try:
            data = self.socket.recv(most)
        except TimeoutError:
            raise Wrong(f"no answer within {self.args.patience} s") from None
        if not data:
            raise Wrong("the server closed the connection")
        return data

    def line(self):
        while b"\r\n" not in self.unread:
            self.unread += self.more_data()
        line, self.unread = self.unread.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.unread) < count:
            self.unread += self.more_data()
        data, self.unread = self.unread[:count], self.unread[count:]
        return data

    @staticmethod
    def expect(got, wanted, what):
        if got != wanted:
            raise Wrong(f"{what}: {got[:80]!r} instead of {wanted[:80]!r}")


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
        for slot, number in self.values.items():
            self.fetch(f"{self.prefix}:{slot}", value(number))
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
             "-o", "StrictHostKeyChecking=yes", "-e", "none", f"root@{self.args.host}"],
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


CLIENTS = {kind.name: kind for kind in (Redis, Memcached, Download, Ssh)}


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
    args = cli.parse_args()
    return CLIENTS[args.client](args).run()


if __name__ == "__main__":
    sys.exit(main())
