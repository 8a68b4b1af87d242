# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of databases, in their own protocols: transactions all the time, and a lock that is held.

MariaDB: "Client/Server Protocol" (mariadb.com/docs/server/reference/clientserver-protocol).
PostgreSQL: chapter "Frontend/Backend Protocol" of its manual, version 3.0.
"""

import select
import struct
import time

from connection import Client, SocketClient, Wrong

ACCOUNTS = 50
BALANCE = 1000


def zero_ended(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


class Mariadb(SocketClient):
    """One session with MariaDB, of a user without a password."""

    port = 3306
    session = "SELECT CONNECTION_ID()"
    patient = "SET innodb_lock_wait_timeout = 100000"
    user, base = "test", "sbtest"
    # PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, CONNECT_WITH_DB, PLUGIN_AUTH
    capabilities = 0x200 | 0x2000 | 0x8000 | 0x8 | 0x80000

    def begin(self):
        super().begin()
        self.packet()  # the server's greeting; nothing of it matters without a password
        self.put(1, struct.pack("<IIB23x", self.capabilities, 1 << 24, 33) +
                 zero_ended(self.user) + b"\0" + zero_ended(self.base, "mysql_native_password"))
        self.no_error(self.packet())

    def put(self, number, data):
        self.socket.sendall(struct.pack("<I", len(data))[:3] + bytes([number]) + data)

    def packet(self):
        head = self.exactly(4)
        return self.exactly(int.from_bytes(head[:3], "little"))

    @staticmethod
    def no_error(data):
        if data[:1] == b"\xff":
            raise Wrong(f"the server says {data[9:].decode('utf-8', 'replace')}")
        return data

    @staticmethod
    def integer(data, at):
        """A number of variable length, and where it ends."""
        length = {0xfc: 2, 0xfd: 3, 0xfe: 8}.get(data[at], 0)
        if not length:
            return data[at], at + 1
        return int.from_bytes(data[at + 1:at + 1 + length], "little"), at + 1 + length

    def columns(self, data):
        at, texts = 0, []
        while at < len(data):
            if data[at] == 0xfb:
                texts.append(None)
                at += 1
                continue
            length, at = self.integer(data, at)
            texts.append(data[at:at + length].decode())
            at += length
        return texts

    def table(self):
        """What comes until the end mark."""
        packets = []
        while not ((data := self.no_error(self.packet()))[:1] == b"\xfe" and len(data) < 9):
            packets.append(data)
        return packets

    def send_query(self, text):
        self.put(0, b"\x03" + text.encode())

    def result(self):
        """The rows, or how many were changed."""
        data = self.no_error(self.packet())
        if data[:1] == b"\0":
            return self.integer(data, 1)[0]
        self.table()  # of the columns
        return [self.columns(row) for row in self.table()]


class Postgres(SocketClient):
    """One session with PostgreSQL, of a user whom it trusts."""

    port = 5432
    session = "SELECT pg_backend_pid()"
    patient = "SET lock_timeout = 0"

    def begin(self):
        super().begin()
        words = struct.pack("!I", 3 << 16) + zero_ended("user", "postgres", "database",
                                                       "postgres") + b"\0"
        self.socket.sendall(struct.pack("!I", len(words) + 4) + words)
        self.result()

    def message(self):
        kind, length = struct.unpack("!cI", self.exactly(5))
        data = self.exactly(length - 4)
        if kind == b"E":
            raise Wrong(f"the server says {data.decode('utf-8', 'replace')}")
        return kind, data

    @staticmethod
    def columns(data):
        at, texts = 2, []
        for _ in range(struct.unpack_from("!H", data)[0]):
            length = struct.unpack_from("!i", data, at)[0]
            at += 4
            texts.append(None if length < 0 else data[at:at + length].decode())
            at += max(length, 0)
        return texts

    @staticmethod
    def count(word):
        return int(word) if word.isdigit() else 0

    def send_query(self, text):
        text = zero_ended(text)
        self.socket.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)

    def result(self):
        """The rows, or how many were changed."""
        rows, count = [], None
        while True:
            kind, data = self.message()
            if kind == b"D":
                rows.append(self.columns(data))
            elif kind == b"C":
                words = data[:-1].split()  # "UPDATE 1", "BEGIN"
                count = None if words[0] == b"SELECT" else self.count(words[-1])
            elif kind == b"Z":
                return rows if count is None else count


class Transfers:
    """Money goes from account to account, each time in a transaction, and what the database says of
    both is checked against what it must be. At the end every account and each note is read."""

    def query(self, text, wanted=None):
        self.send_query(text)
        got = self.result()
        if wanted is not None and got != wanted:
            raise Wrong(f"{text}: {str(got)[:80]} instead of {str(wanted)[:80]}")
        return got

    def begin(self):
        super().begin()
        self.number = 0
        self.balances = [BALANCE] * ACCOUNTS
        for text in ("DROP TABLE IF EXISTS account", "DROP TABLE IF EXISTS note",
                     "CREATE TABLE account (id INT PRIMARY KEY, balance INT)",
                     "CREATE TABLE note (number INT PRIMARY KEY, amount INT)",
                     "CREATE TEMPORARY TABLE mine (secret INT)", "INSERT INTO mine VALUES (77)"):
            self.query(text)
        rows = ", ".join(f"({n}, {BALANCE})" for n in range(ACCOUNTS))
        self.query(f"INSERT INTO account VALUES {rows}", ACCOUNTS)
        self.more["session"] = self.query(self.session)[0][0]

    def move(self, account, amount):
        self.query(f"SELECT balance FROM account WHERE id = {account} FOR UPDATE",
                   [[str(self.balances[account])]])
        self.query(f"UPDATE account SET balance = balance + {amount} WHERE id = {account}", 1)
        self.balances[account] += amount

    def step(self):
        self.number += 1
        amount = self.number % 9 + 1
        self.query("BEGIN")
        self.move(self.number % ACCOUNTS, -amount)
        self.move((self.number * 7 + 1) % ACCOUNTS, amount)
        self.query(f"INSERT INTO note VALUES ({self.number}, {amount})", 1)
        self.query("COMMIT")
        self.meter.answered(7)
        time.sleep(self.args.pause)

    def finish(self):
        self.query("SELECT balance FROM account ORDER BY id",
                   [[str(balance)] for balance in self.balances])
        self.query("SELECT number, amount FROM note ORDER BY number",
                   [[str(n), str(n % 9 + 1)] for n in range(1, self.number + 1)])
        self.query("SELECT secret FROM mine", [["77"]])
        self.query(self.session, [[self.more["session"]]])
        self.more["transactions"] = self.number


class MariadbTransfers(Transfers, Mariadb):
    name = "mariadb"


class PostgresTransfers(Transfers, Postgres):
    name = "postgres"


class Lock(Client):
    """Two sessions: one is in the middle of a transaction and holds a lock, the other one waits for
    it. At the end the first commits, and the second one gets the lock and goes on from there."""

    session = None  # the class of both

    def begin(self):
        self.first, self.second = self.session(self.args), self.session(self.args)
        for one in (self.first, self.second):
            one.begin()
            self.ask(one, one.patient)
        for text in ("DROP TABLE IF EXISTS locked", "CREATE TABLE locked (id INT, value INT)",
                     "INSERT INTO locked VALUES (1, 5)", "BEGIN",
                     "UPDATE locked SET value = value + 1 WHERE id = 1"):
            self.ask(self.first, text)
        self.ask(self.second, "BEGIN")
        self.second.send_query("UPDATE locked SET value = value * 10 WHERE id = 1")

    @staticmethod
    def ask(session, text):
        session.send_query(text)
        return session.result()

    def expect(self, got, wanted, what):
        if got != wanted:
            raise Wrong(f"{what}: {got} instead of {wanted}")

    def step(self):
        self.expect(self.ask(self.first, "SELECT value FROM locked"), [["6"]], "in the transaction")
        if select.select([self.second.socket], [], [], 0)[0]:
            raise Wrong(f"who waits for a lock was answered: {self.second.result()}")
        self.meter.answered()
        time.sleep(max(self.args.pause, 0.2))

    def finish(self):
        self.expect(self.ask(self.second_eye(), "SELECT value FROM locked"), [["5"]], "outside")
        self.ask(self.first, "COMMIT")
        self.expect(self.second.result(), 1, "the lock")
        self.expect(self.ask(self.second, "SELECT value FROM locked"), [["60"]], "with the lock")
        self.ask(self.second, "COMMIT")
        self.expect(self.ask(self.first, "SELECT value FROM locked"), [["60"]], "at the end")

    def second_eye(self):
        """A session that sees only what was committed; it alone is a new connection."""
        eye = self.session(self.args)
        eye.begin()
        return eye


class MariadbLock(Lock):
    name = "mariadb-lock"
    session = Mariadb


class PostgresLock(Lock):
    name = "postgres-lock"
    session = Postgres


CLIENTS = (MariadbTransfers, MariadbLock, PostgresTransfers, PostgresLock)
