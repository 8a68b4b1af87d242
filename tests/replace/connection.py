# SPDX-License-Identifier: GPL-2.0-or-later
"""What all clients outside the guest have: one connection for ever, and a meter of answers."""

import collections
import json
import signal
import socket
import struct
import sys
import threading
import time

BUCKET = 0.1
PAUSE = 1  # seconds without an answer that are worth a note
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
        self.pauses = []  # (seconds, when it ended)
        self.buckets = collections.Counter()

    def answered(self, count=1):
        now = time.monotonic()
        if now - self.last > self.gap:
            self.gap, self.gap_end = now - self.last, now
        if now - self.last > PAUSE:
            self.pauses.append((round(now - self.last, 3), round(now, 3)))
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
                  "pauses": self.meter.pauses, "retransmits": self.retransmits(), **self.more}
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
