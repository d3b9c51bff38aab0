"""The outbox's file: SQLite with write-ahead log and full synchronisation (DELIVERY 2).

One process owns the file as long as it is open (exclusive locking). A file that is no sound database is moved aside
and a new one begun: what it held is lost, and said so.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import structlog

from agent.errors import AgentError, OutboxFailed

_log: Final = structlog.get_logger(part="outbox")

VERSION: Final = 1
APPLICATION: Final = 0x53544554  # "STET"

SCHEMA: Final = """
CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE report (
    lane INTEGER NOT NULL, seq INTEGER NOT NULL, body INTEGER NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
    items INTEGER NOT NULL, segment INTEGER NOT NULL, created INTEGER NOT NULL, again INTEGER NOT NULL,
    PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE body (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL);
CREATE TABLE segment (number INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE seen (hash BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE position (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE inventory (field TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE command (id TEXT PRIMARY KEY, expires INTEGER NOT NULL, reply BLOB) WITHOUT ROWID;
"""


class Storage:
    """The connection. A test that simulates a disk without synchronisation sub-classes it."""

    PRAGMAS: ClassVar[Mapping[str, str]] = {
        "locking_mode": "EXCLUSIVE",
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "cache_size": "-1024",  # KiB: the agent must be small
        "journal_size_limit": str(16 * 1024 * 1024),
        "temp_store": "MEMORY",
    }
    LOCK_S: ClassVar[float] = 1.0

    def __init__(self, *, path: Path) -> None:
        """Open or make the file. Raises ``AgentError`` if another process holds it, it is of a newer version, or
        the folder can't be written."""
        self._path = path
        try:
            self.connection = self._open()
        except _DamagedError as damage:
            self._begin_anew(str(damage))

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Returns when it is on the disk."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Back to before ``begin``; harmless when SQLite already did so by itself."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def discard(self, damage: str) -> None:
        """What was found in the file makes no sense: move it aside and begin a new one."""
        self.connection.close()
        self._begin_anew(damage)

    def close(self) -> None:
        """Give the file free."""
        self.connection.close()

    def _begin_anew(self, damage: str) -> None:
        aside = _move_aside(self._path)
        _log.error("outbox damaged, moved aside, what it held is lost", file=aside.name, damage=damage)
        self.connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._path, timeout=self.LOCK_S, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        except sqlite3.Error as error:
            raise AgentError(f"{self._path}: can't be opened: {error}; is the folder there and writable?") from error
        try:
            self._prepare(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise AgentError(f"{self._path}: another agent uses it; stop that one first") from error
            raise AgentError(f"{self._path}: can't be used: {error}; is the disk full or read-only?") from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise _DamagedError(str(error)) from error
        except (_DamagedError, AgentError):
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for name, value in self.PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}").fetchall()
        connection.execute("BEGIN IMMEDIATE")  # takes the lock, and keeps it (EXCLUSIVE)
        try:
            self._check(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if version > VERSION:
            raise AgentError(f"{self._path}: written by a newer agent (version {version}); install that one")
        if version == 0 and tables == 0:
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        elif version == 0 or connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise _DamagedError("it is no outbox")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _DamagedError(str(found))


class _DamagedError(Exception):
    pass


def failed(error: sqlite3.Error) -> OutboxFailed:
    """What the caller of the outbox sees of an error of SQLite."""
    return OutboxFailed(f"the outbox can't be written: {error}")


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
