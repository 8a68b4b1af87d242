#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The peer outside of the zoo's cases tcp4-peer and tcp6-peer.

    zoo_peer.py ADDRESS PORT [CONNECTIONS]

Listens there; each connection is served once and never again. Says "tick N" five times a second,
answers "ask N" with "got N" and "bye" with "bye", and looks whether N grows by one. Prints a line for
each connection that ended, with the longest time in which nothing came: "ok ..." or "FAILED: ...".
Ends after so many connections, with status 1 if one failed; port 0 takes a free one and says it.
"""

import socket
import sys
import threading
import time


class Talk(threading.Thread):
    """One connection."""

    def __init__(self, link):
        super().__init__()
        self.link = link
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.failed = None

    def say(self, text):
        with self.lock:
            self.link.sendall(text.encode() + b"\n")

    def tick(self):
        number = 0
        try:
            while not self.done.wait(0.2):
                number += 1
                self.say(f"tick {number}")
        except OSError as error:
            self.failed = self.failed or f"tick {number}: {error}"

    def serve(self):
        """Until bye; the number of questions and the longest silence between two."""
        asked, longest, last = 0, 0.0, time.monotonic()
        for line in self.link.makefile("r", encoding="ascii"):
            longest = max(longest, time.monotonic() - last)
            last = time.monotonic()
            if line == "bye\n":
                self.done.set()
                self.say("bye")
                return asked, longest
            asked += 1
            if line != f"ask {asked}\n":
                raise ValueError(f"wanted \"ask {asked}\", found {line!r}")
            self.say(f"got {asked}")
        raise ValueError("closed without bye")

    def run(self):
        ticker = threading.Thread(target=self.tick)
        ticker.start()
        try:
            asked, longest = self.serve()
        except (OSError, ValueError) as error:
            self.failed = self.failed or str(error)
        self.done.set()
        ticker.join()
        self.link.close()
        print(f"FAILED: {self.failed}" if self.failed else
              f"ok {asked} questions, longest silence {longest:.2f} s", flush=True)


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    most = int(sys.argv[3]) if len(sys.argv) > 3 else None
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    talks = []
    with socket.create_server((address, port), family=family) as server:
        print(f"port {server.getsockname()[1]}", flush=True)
        while most is None or len(talks) < most:
            talks.append(Talk(server.accept()[0]))
            talks[-1].start()
    for talk in talks:
        talk.join()
    return any(talk.failed for talk in talks)


if __name__ == "__main__":
    sys.exit(main())
