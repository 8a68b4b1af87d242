# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's time without that in which the host let others run instead of the emulator.

/proc/PID/task/TID/schedstat tells in its second field for how long a thread was ready and did not
get a processor (Documentation/scheduler/sched-stats.rst). While that goes on for the thread of the
guest's processors, or for the one that does the guest's input and output, the guest stands still. A
thread here looks at it all the time; what is left is what the guest would have taken on a host of
its own, as far as caches and memory do not tell.
"""

import bisect
import pathlib
import subprocess
import sys
import threading
import time

STEP = 0.005
# Names of QEMU's threads, given -name debug-threads=on; the first is that of input and output.
THREADS = ("qemu-system-x86", "CPU 0/TCG", "ALL CPUs/TCG", "CPU 0/KVM")
NAMED = ("-name", "guest,debug-threads=on")

# Asks the kernel of a host for its clock (ICMP timestamp, RFC 792): milliseconds since midnight, UTC.
# Prints (round trip, how far it is ahead of ours) in seconds, of the quickest of some tries.
ASK = r"""
import socket, struct, sys, time
DAY = 86400000
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
def packet(number):
    body = struct.pack("!HHIII", 4711, number, 0, 0, 0)
    return struct.pack("!BBH", 13, 0, checksum(b"\x0d\x00\x00\x00" + body)) + body
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.settimeout(1)
found = []
for number in range(20):
    before = time.time()
    raw.sendto(packet(number), (sys.argv[1], 0))
    try:
        said = raw.recv(256)
    except TimeoutError:
        continue
    after = time.time()
    said = said[(said[0] & 15) * 4:]
    kind, _, _, _, got, _, theirs, _ = struct.unpack("!BBHHHIII", said[:20])
    if kind == 14 and got == number:
        ours = (before + after) / 2 * 1000 % DAY
        ahead = (theirs - ours + DAY / 2) % DAY - DAY / 2
        found.append((after - before, ahead / 1000))
print(*min(found))
"""


def thread_of(pid, names):
    """The folders of the threads of a process that have one of the names."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() in names:
            found.append(task)
    return found


def waited(task):
    return int((task / "schedstat").read_text().split()[1]) / 1e9


class Fair(threading.Thread):
    """Watches from its start to stop()."""

    def __init__(self, guest):
        super().__init__(daemon=True)
        self.guest = guest
        # Children of the main thread have its name, too; that one's number is the process's.
        self.tasks = [task for task in thread_of(guest.pid, THREADS)
                      if task.name == str(guest.pid) or "CPU" in (task / "comm").read_text()]
        self.times, self.stolen = [time.time()], [0.0]
        self.over = threading.Event()
        self.start()

    def run(self):
        before = [waited(task) for task in self.tasks]
        while not self.over.wait(STEP):
            try:
                now = [waited(task) for task in self.tasks]
            except OSError:
                return  # QEMU ended
            lost = max(new - old for new, old in zip(now, before))
            when, before = time.time(), now
            lost = min(lost, when - self.times[-1])
            self.times.append(when)
            self.stolen.append(self.stolen[-1] + lost)

    def stop(self):
        self.over.set()
        self.join()

    def at(self, when):
        """A moment of the host's wall clock on a clock that stands still with the guest."""
        number = bisect.bisect_right(self.times, when) - 1
        number = min(max(number, 0), len(self.times) - 2)
        begun, done = self.times[number], self.times[number + 1]
        part = min(max((when - begun) / (done - begun), 0), 1)
        lost = self.stolen[number] + part * (self.stolen[number + 1] - self.stolen[number])
        return when - lost

    def length(self, begun, ended):
        return self.at(ended) - self.at(begun)


def ahead(guest, address):
    """By how many seconds the guest's wall clock is ahead of the host's."""
    argv = guest.outside([sys.executable, "-I", "-c", ASK, address])
    _, seconds = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds)
