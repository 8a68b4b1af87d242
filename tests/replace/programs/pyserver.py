#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server as people write them in Python: asyncio, a pool of threads, threads that sleep and wait
with time limits, locked files, a watchdog. Its answers tell whether any of it went wrong.

A line is a question, a line the answer. A sleep or a wait that took less than it had to is noted,
and told to whoever asks for `wrong'.
"""

import asyncio
import concurrent.futures
import fcntl
import os
import queue
import signal
import socket
import sys
import threading
import time

PORT = 7000
LATE = 30  # seconds that a swap may last, in which nobody counts


class Server:
    """What is kept in memory, and the threads that use it."""

    def __init__(self):
        self.total = 0
        self.wrong = []
        self.counts = {"ticks": 0, "timeouts": 0, "alarms": 0, "pings": 0}
        self.work = queue.Queue()
        self.pool = concurrent.futures.ThreadPoolExecutor(3)
        self.local = threading.local()
        self.secret = os.urandom(8).hex()
        self.locked = []

    def start(self):
        for place in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):  # on the disk, in memory
            file = open(f"{os.environ[place]}/lock", "w", encoding="ascii")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.locked.append(file)
        for loop in (self.tick, self.wait_in_vain, self.double, self.feed_watchdog):
            threading.Thread(target=self.watched, args=(loop,), daemon=True).start()
        signal.signal(signal.SIGALRM, lambda *_: self.count("alarms"))
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)

    def watched(self, loop):
        try:
            self.local.secret = self.secret
            while True:
                loop()
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{loop.__name__}: {error!r}")

    def count(self, what):
        self.counts[what] += 1

    def lasted(self, what, wanted, started):
        took = time.monotonic() - started
        if took < wanted - 0.001 or took > wanted + LATE:
            self.wrong.append(f"{what} of {wanted} s took {took:.3f} s")

    def tick(self):
        started = time.monotonic()
        time.sleep(0.2)
        self.lasted("a sleep", 0.2, started)
        self.count("ticks")
        if self.local.secret != self.secret:
            self.wrong.append("another thread's data")

    def wait_in_vain(self):
        """A condition with a time limit, which nobody fulfils."""
        started = time.monotonic()
        with (condition := threading.Condition()):
            if condition.wait(0.7):
                self.wrong.append("a condition was told that nobody told")
        self.lasted("a wait", 0.7, started)
        self.count("timeouts")

    def double(self):
        future, number = self.work.get()
        future.set_result(2 * number)

    def feed_watchdog(self):
        time.sleep(2)
        tell_systemd("WATCHDOG=1")
        self.count("pings")

    # --- what is asked ---

    async def answer(self, word, number):
        if word == "add":
            self.total += number
            return self.total
        if word == "double":  # in a thread of its own
            future = concurrent.futures.Future()
            self.work.put((future, number))
            return await asyncio.wrap_future(future)
        if word == "sleep":  # milliseconds, in asyncio's event loop
            started = time.monotonic()
            await asyncio.sleep(number / 1000)
            self.lasted("a sleep of asyncio", number / 1000, started)
            return number
        if word == "pool":  # milliseconds, in a thread of the pool
            started = time.monotonic()
            await asyncio.get_running_loop().run_in_executor(self.pool, time.sleep, number / 1000)
            self.lasted("a sleep in the pool", number / 1000, started)
            return number
        if word == "counts":
            return " ".join(f"{name}={count}" for name, count in self.counts.items())
        if word == "wrong":
            return "; ".join(self.wrong) or "nothing"
        if word == "who":
            return f"{os.getpid()} {self.secret}"
        if word == "say":
            print(f"said {number}", flush=True)
            return number
        return "what?"

    async def serve(self, reader, writer):
        while line := await reader.readline():
            word, _, number = line.decode().partition(" ")
            answer = await self.answer(word.strip(), int(number or 0))
            writer.write(f"{answer}\n".encode())
            await writer.drain()
        writer.close()


def tell_systemd(text):
    """sd_notify(3). Between two kernels nobody listens, as libsystemd's callers know, too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        try:
            notify.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
        except OSError as error:
            print(f"{text}: {error}", file=sys.stderr)


async def main():
    server = Server()
    server.start()
    await asyncio.start_server(server.serve, "0.0.0.0", PORT)
    tell_systemd("READY=1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
