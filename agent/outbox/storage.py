"""The outbox's file: SQLite with write-ahead log and full synchronisation (delivery 2).

One process owns the file as long as it is open (exclusive locking). A file that is no sound database is moved aside
and a new one begun: what it held is lost, and said so. On a full disk it lives on what it kept (``agent.outbox.room``).
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, TypeVar

import structlog

from agent import system
from agent.errors import AgentError, NoRoom, OutboxFailed, described
from agent.outbox.room import LITTLE, MARGIN, RESERVE, WORKING, free_bytes, no_room, reserve_of, short, trouble

_log: Final = structlog.get_logger(part="outbox")
T = TypeVar("T")

VERSION: Final = 1
APPLICATION: Final = 0x53544554  # "STET"

LOOK_MS: Final = 1_000
"""How often the disk's free room is measured, while there is anything to write."""
_FRAMES: Final = 1_000
_FRAMES_FULL: Final = 100
"""Pages of the write-ahead log from which they go into the file: SQLite's own number, and on a full disk."""
_PIECE: Final = 256 * 1024
_GIVE: Final = "DELETE FROM body WHERE id < 0"
_PAGES: Final = 1_073_741_823
"""SQLite's own bound of a file's pages."""

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
    RESERVE: ClassVar[int] = RESERVE
    LITTLE: ClassVar[int] = LITTLE
    MARGIN: ClassVar[int] = MARGIN
    WORKING: ClassVar[int] = WORKING

    def __init__(self, *, path: Path) -> None:
        """Open or make the file. Raises ``AgentError`` if another process holds it, it is of a newer version, or
        the folder can't be written; ``NoRoom`` where the disk is full beyond the reserve."""
        self._path = path
        self._reserve = reserve_of(path, self.RESERVE)
        self._looked_ms: int | None = None
        self._limited = False
        self.little = False
        """Whether the disk has so little room that bulk may not grow."""
        self.full = False
        """Whether the file lives on its own pages, until the reserve is whole again."""
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
        """Give the file free. The room of its write-ahead log, which ends here, becomes the reserve's again."""
        log = self._path.with_name(f"{self._path.name}-wal")
        room = log.stat().st_size if log.exists() else 0
        self.connection.close()
        self._reserve.keep(self._reserve.held + room)

    # -- room ----------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Measure what is left of the disk, once a second at most, and let the file grow by no more than that."""
        now = system.now().elapsed
        if self._looked_ms is not None and 0 <= now - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now
        free = free_bytes(self._path.parent)
        if free is None:
            return
        # Beyond a threshold by a quarter, or what hovers about it would be told for ever.
        enough = free >= self.LITTLE + (self.LITTLE // 4 if self.little else 0)
        if free + self._reserve.held >= self._reserve.size + self.MARGIN:
            self._reserve.keep(self._reserve.size)
            self.full = self.full and not self._reserve.whole
        if enough and not self.full:
            if self.little:
                _log.info("there is room on the disk again", file=self._path.name, free=free)
            self.little = False
        elif not self.little:
            self.little = True
            _log.warning("little room on the disk, older bulk makes way for newer", file=self._path.name, free=free)
        if self.little or self._limited:
            self._limit(free)

    def squeeze(self) -> None:
        """SQLite found the disk full: for once the reserve becomes pages of the file and of its write-ahead log; from
        now on the file lives on its own pages."""
        if self.full:
            return
        self.full = self.little = True
        why = trouble(self._path.parent)
        _log.error(
            "no room on the disk, the outbox lives on its reserve", file=self._path.name, why=why and why.strerror
        )
        with contextlib.suppress(sqlite3.Error):
            self._limit(0)
        # What the log holds goes into the file; then bodies of nothing take pages in both, and leave them free.
        takes = [
            ("INSERT OR REPLACE INTO body VALUES (?, zeroblob(?))", -n, _PIECE)
            for n in range(1, self.WORKING // _PIECE + 1)
        ]
        checkpoint = ("PRAGMA wal_checkpoint",)
        statements: list[tuple[str, *tuple[int, ...]]] = [checkpoint, *takes, checkpoint, (_GIVE,), checkpoint]
        for statement, *values in statements:
            with contextlib.suppress(sqlite3.Error):
                self.with_reserve(partial(self._execute, statement, *values))

    def with_reserve(self, do: Callable[[], T]) -> T:
        """Do what undoes itself where it fails, with as much of the reserve as it needs; the file may grow."""
        held = self._reserve.held
        try:
            self._allow(2 * self.WORKING)  # what it is for, and what holds that together
            while True:
                try:
                    return do()
                except sqlite3.Error as error:
                    if not short(error) or not self._reserve.give_some():
                        raise
        finally:
            self._reserve.keep(held)
            with contextlib.suppress(sqlite3.Error):
                self._allow(0)

    @property
    def short_of_pages(self) -> bool:
        """Whether the file has so few free pages that it is they that were missing."""
        try:
            return self._number("freelist_count") * self._number("page_size") < self.WORKING
        except sqlite3.Error:
            return False

    def _execute(self, statement: str, *values: int) -> None:
        self.connection.execute(statement, values).fetchall()

    def _limit(self, free: int) -> None:
        """No more pages than the disk has room for, as long as that is little."""
        if not self.little:
            self._allow(None)
        else:
            self._allow(0 if self.full else max(free - self.MARGIN, 0))
        self._execute(f"PRAGMA wal_autocheckpoint = {_FRAMES_FULL if self.little else _FRAMES}")
        self._limited = self.little

    def _allow(self, growth: int | None) -> None:
        """Let the file grow by so many bytes; None: as it likes."""
        most = int(self.PRAGMAS.get("max_page_count", _PAGES))
        if growth is not None:
            most = min(most, self._number("page_count") + growth // self._number("page_size"))
        self._execute(f"PRAGMA max_page_count = {most}")

    def _number(self, pragma: str) -> int:
        found: int = self.connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        return found

    # -- opening -------------------------------------------------------------------------------------------------------

    def _begin_anew(self, damage: str) -> None:
        aside = _move_aside(self._path)
        _log.error("outbox damaged, moved aside, what it held is lost", file=aside.name, damage=damage)
        self.connection = self._open()

    def _open(self) -> sqlite3.Connection:
        while True:
            try:
                return self._once_open()
            except NoRoom:
                if not self._reserve.give_some():
                    raise

    def _once_open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._path, timeout=self.LOCK_S, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        except sqlite3.Error as error:
            raise unusable(self._path, "opened", error) from error
        try:
            self._prepare(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise AgentError(f"{self._path}: another agent uses it; stop that one first") from error
            raise unusable(self._path, "used", error) from error
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
            if connection.in_transaction:  # a full disk may have ended it
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
        connection.execute(_GIVE)  # of a life that ended while it made room
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _DamagedError(str(found))


class _DamagedError(Exception):
    pass


def failed(path: Path, error: Exception) -> OutboxFailed:
    """What the caller of the outbox sees of an error of SQLite, or of one that nobody expected."""
    if not isinstance(error, sqlite3.Error):
        return OutboxFailed(f"the outbox can't be written: {described(error)}")
    return OutboxFailed(f"the outbox can't be written: {_said(error, trouble(path.parent))}")


def unusable(path: Path, how: str, error: sqlite3.Error) -> AgentError:
    """Why an outbox can't be opened, for the person who runs the agent: ``NoRoom`` where that may pass."""
    why = trouble(path.parent)
    text = f"{path}: can't be {how}: {_said(error, why)}"
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL or no_room(why):
        return NoRoom(f"{text}; make room on the disk")
    return AgentError(f"{text}; is the folder there and writable?")


def _said(error: sqlite3.Error, why: OSError | None) -> str:
    return f"{error} ({why.strerror})" if why is not None else str(error)


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
