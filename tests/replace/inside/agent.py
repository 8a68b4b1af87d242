#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in the guest: commands come over a virtio port, output and exit status go back.

Lines from the host: `who`, `run N BASE64`, `in N BASE64`, `eof N`, `kill N SIGNAL`.
Lines to it: `hello RELEASE BOOT_ID UPTIME`, `out N BASE64`, `exit N STATUS`. A status above 1000
is 1000 and the signal that ended the command.
"""

import binascii
import os
import select
import signal
import sys
import time

PORT = "upkeep.agent"
CHUNK = 24 * 1024


def read_text(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def find_port():
    home = "/sys/class/virtio-ports"
    while True:
        for name in os.listdir(home) if os.path.isdir(home) else ():
            if read_text(f"{home}/{name}/name") == PORT and os.path.exists(f"/dev/{name}"):
                return f"/dev/{name}"
        time.sleep(0.1)


class Command:
    """A shell, with one pipe to its input and one from its output."""

    def __init__(self, number, text):
        self.number = number
        take, self.give = os.pipe()
        self.hear, say = os.pipe()
        self.pending = b""
        self.ended = False  # its input, once all that is pending was given
        self.speaks = True
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            for source, target in ((take, 0), (say, 1), (say, 2)):
                os.dup2(source, target)
            os.chdir("/root")
            os.execv("/bin/sh", ["sh", "-c", text])
        os.close(take)
        os.close(say)
        os.set_blocking(self.hear, False)
        os.set_blocking(self.give, False)

    def feed(self):
        """Gives the command as much of its input as it takes now."""
        try:
            while self.pending:
                self.pending = self.pending[os.write(self.give, self.pending):]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.pending, self.ended = b"", True
        if self.ended:
            os.close(self.give)
            self.give = None

    def output(self):
        try:
            data = os.read(self.hear, CHUNK)
        except BlockingIOError:
            return b""
        self.speaks = bool(data)
        return data

    def close(self):
        os.close(self.hear)
        if self.give is not None:
            os.close(self.give)


class Agent:
    """The loop over the port and all commands that run."""

    def __init__(self, port):
        self.port = port
        self.commands = {}
        self.unread = b""

    def say(self, *words):
        data = " ".join(str(word) for word in words).encode() + b"\n"
        while data:
            data = data[os.write(self.port, data):]

    def hello(self):
        self.say("hello", os.uname().release, read_text("/proc/sys/kernel/random/boot_id"),
                 time.clock_gettime(time.CLOCK_BOOTTIME))

    def take(self, line):
        words = line.decode("ascii").split()
        if not words:
            return
        if words[0] == "who":
            self.hello()
        elif words[0] == "run":
            self.commands[words[1]] = Command(words[1], binascii.a2b_base64(words[2]))
        elif words[1] in self.commands:
            command = self.commands[words[1]]
            if words[0] == "in":
                command.pending += binascii.a2b_base64(words[2])
            elif words[0] == "eof":
                command.ended = True
            elif words[0] == "kill":
                os.killpg(command.pid, int(words[2]))
            if command.give is not None:
                command.feed()

    def listen(self):
        data = os.read(self.port, 65536)
        if not data:
            time.sleep(0.05)  # nobody is at the other end
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            self.take(line)

    def relay(self, command):
        data = command.output()
        if data:
            self.say("out", command.number, binascii.b2a_base64(data, newline=False).decode())
        return data

    def reap(self):
        for command in list(self.commands.values()):
            pid, status = os.waitpid(command.pid, os.WNOHANG)
            if pid == 0:
                continue
            while self.relay(command):
                pass
            code = os.waitstatus_to_exitcode(status)
            self.say("exit", command.number, code if code >= 0 else 1000 - code)
            command.close()
            del self.commands[command.number]

    def loop(self):
        woken, waker = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            hear = {c.hear: c for c in self.commands.values() if c.speaks}
            give = {c.give: c for c in self.commands.values() if c.pending}
            ready, writable, _ = select.select([self.port, woken, *hear], list(give), [])
            for end in writable:
                give[end].feed()
            for end in ready:
                if end in hear:
                    self.relay(hear[end])
            if woken in ready:
                os.read(woken, 512)
                self.reap()
            if self.port in ready:
                self.listen()


def main():
    port = os.open(find_port(), os.O_RDWR)
    agent = Agent(port)
    agent.hello()
    agent.loop()


if __name__ == "__main__":
    sys.exit(main())
