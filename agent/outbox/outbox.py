"""The outbox of one device: what is put here is on the disk when ``put`` returns (delivery 1, 2).

One writer thread owns the file. What waits for it at a time is committed together, so that many threads pay for one
synchronisation of the disk.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import msgspec
import structlog

from agent.adapters.port import Entry
from agent.clock import Moment, Segment
from agent.errors import OutboxClosed, described
from agent.outbox.book import Book
from agent.outbox.marks import Asked, Decision
from agent.outbox.room import short
from agent.outbox.states import Held, Here, Limits, State
from agent.outbox.storage import Storage, failed, unusable
from wire.commands import Ack
from wire.errors import WireErrorCode
from wire.items import Inventory, Refusal, Reply
from wire.topics import Lane

_log: Final = structlog.get_logger(part="outbox")
T = TypeVar("T")
Entered = tuple[bool, list[WireErrorCode]]

_GROUP: Final = 256


class _Job:
    """Something to do in the writer; ``writes``: within a transaction. ``frees``: it is the server's side, which makes
    room in the end and goes first where room is short."""

    __slots__ = ("frees", "future", "run", "writes")

    def __init__(self, run: Callable[[Book], Any], *, writes: bool, frees: bool = False) -> None:
        self.run = run
        self.writes = writes
        self.frees = frees
        self.future: Future[Any] = Future()


class Outbox:
    """See the module. Every method may be called from any thread; the coroutines from any loop."""

    def __init__(
        self,
        *,
        path: Path,
        limits: Limits | None = None,
        related: Mapping[str, frozenset[str]] | None = None,
        spans: Mapping[str, int] | None = None,
        storage: type[Storage] = Storage,
    ) -> None:
        """Open or make the file, and raise the boot counter. Raises ``AgentError`` where that is impossible, ``NoRoom``
        where it may become possible."""
        self._path = path
        self._storage = storage(path=path)
        opened = partial(Book, limits=limits or Limits(), related=related or {}, spans=spans or {})
        try:
            self._book = self._begun(opened)
        except sqlite3.Error as error:
            self._storage.close()
            raise unusable(path, "written", error) from error
        self.key = self._book.key
        self.state: State = self._book.state
        """As of the last commit."""
        self.segments: list[Segment] = self._book.notes.segments()
        """The clock's segments as found when opening."""
        self._positions = self._book.notes.positions()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self.damaged = False
        """The file turned out to be damaged: open it again, which moves it aside."""
        self._watchers: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._work, name=f"outbox-{path.stem}", daemon=True)
        self._thread.start()

    # -- equipment's side ----------------------------------------------------------------------------------------------

    def put(self, entry: Entry, moment: Moment) -> Entered:
        """Blocks until committed: (entered, why items broke the contract and were left out). Raises ``OutboxError``.

        Not entered: a repeat.
        """
        entered: Entered = self._enqueue(_Job(lambda book: book.put(entry, moment), writes=True)).result()
        self._positions.update(entry.positions)
        return entered

    async def aput(self, entry: Entry, moment: Moment) -> Entered:
        """``put`` for a coroutine."""
        entered = await self._write(lambda book: book.put(entry, moment))
        self._positions.update(entry.positions)
        return entered

    def position(self, name: str) -> bytes | None:
        """The position last committed under this name."""
        return self._positions.get(name)

    def watch(self, changed: Callable[[], None]) -> None:
        """``changed`` is called in the writer thread after each commit; it must be quick and not raise."""
        self._watchers.append(changed)

    # -- the agent's own reports ---------------------------------------------------------------------------------------

    async def heartbeat(
        self,
        moment: Moment,
        *,
        uptime_s: float,
        refused: int,
        connected: bool | None,
        segments: Sequence[Segment],
        refusals: Sequence[Refusal] = (),
    ) -> Sequence[Refusal]:
        """Enter a heartbeat (``wire.items.Heartbeat``) with what was dropped since the last; keep the segments.

        Returns those of ``refusals`` that found room in it."""

        def run(book: Book) -> Sequence[Refusal]:
            book.notes.keep_segments(segments)
            book.tell_steps(moment)
            return book.heartbeat(moment, uptime_s=uptime_s, refused=refused, connected=connected, refusals=refusals)

        return await self._write(run)

    async def oldest_segment(self) -> int | None:
        """The oldest clock segment that a held report belongs to."""
        return await self._read(lambda book: book.notes.oldest_segment())

    async def announce(self, moment: Moment) -> None:
        """Insert the inventory as far as it was ever reported."""

        def run(book: Book) -> None:
            book.tell_steps(moment)
            fields = book.notes.inventory()
            if fields:
                book.enter(Lane.BULK, [Inventory(at=moment.at, fields=fields)], moment)

        await self._write(run)

    async def reply(self, reply: Reply, moment: Moment) -> None:
        """Store a command's reply and insert it as a report."""

        def run(book: Book) -> None:
            book.tell_steps(moment)
            book.notes.replied(reply)
            book.enter(Lane.LIVE, [reply], moment)

        await self._write(run)

    # -- server's side -------------------------------------------------------------------------------------------------

    async def fetch(self, lane: Lane, *, seq: int, reports: int, size: int, alone: bool) -> list[Held]:
        """Committed reports to send, from number ``seq`` on (``agent.uplink.window``). Raises ``DamagedReport``."""
        return await self._read(lambda book: book.fetch(lane, seq=seq, reports=reports, size=size, alone=alone))

    async def acknowledge(self, ack: Ack, asked: Asked, at: int) -> Decision:
        """Decide on an acknowledgement (``agent.outbox.marks``) and commit what follows. ``at``: device's clock, ms."""
        return await self._write(lambda book: book.acknowledge(ack, asked, at), frees=True)

    async def split(self, lane: Lane, seq: int, *, bound: int) -> None:
        """Split a report whose body is beyond ``bound`` bytes."""
        await self._write(lambda book: book.split(lane, seq, bound=bound), frees=True)

    async def skip(self, lane: Lane, seq: int, *, reason: str) -> None:
        """Replace a report that was refused for good, or damaged, by a note."""
        await self._write(lambda book: book.skip(lane, seq, reason=reason), frees=True)

    async def bound_reports(self, size: int) -> None:
        """From now on no body is formed beyond ``size`` bytes, nor beyond the configured bound."""
        await self._read(lambda book: book.bound_to(size))

    async def claim(self, command: str, *, expires: int, now: int) -> bool:
        """True if this command was never claimed before (server's clock)."""
        return await self._write(lambda book: book.notes.claim(command, expires=expires, now=now))

    async def interrupted(self) -> list[str]:
        """Ids of commands that were begun in an earlier life and never answered."""
        return await self._read(lambda book: book.notes.interrupted())

    def close(self) -> None:
        """Commit what waits, and give the file free. What comes later raises ``OutboxClosed``."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    # -- the writer ----------------------------------------------------------------------------------------------------

    def _begun(self, opened: Callable[..., Book]) -> Book:
        try:
            return self._once_begun(opened)
        except sqlite3.Error as error:
            if not short(error):
                raise
        self._storage.rollback()
        self._storage.squeeze()
        return self._once_begun(opened)

    def _once_begun(self, opened: Callable[..., Book]) -> Book:
        self._storage.begin()
        try:
            book = opened(connection=self._storage.connection)
        except msgspec.DecodeError:  # a flipped bit that SQLite's own check doesn't see
            self._storage.rollback()
            self._storage.discard("its state can't be read")
            self._storage.begin()
            book = opened(connection=self._storage.connection)
        self._storage.commit()
        self._storage.look()
        return book

    async def _write(self, run: Callable[[Book], T], *, frees: bool = False) -> T:
        answer: T = await asyncio.wrap_future(self._enqueue(_Job(run, writes=True, frees=frees)))
        return answer

    async def _read(self, run: Callable[[Book], T]) -> T:
        answer: T = await asyncio.wrap_future(self._enqueue(_Job(run, writes=False)))
        return answer

    def _enqueue(self, job: _Job) -> "Future[Any]":
        with self._door:
            if self._closed:
                raise OutboxClosed("the agent is stopping")
            self._jobs.put(job)
        return job.future

    def _work(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            group = [job for job in group if job.future.set_running_or_notify_cancel()]
            try:
                self._do(group)
            except Exception as error:  # noqa: BLE001  # nobody may wait for ever
                _log.error("outbox failed", error=described(error))
                for job in group:
                    if not job.future.done():
                        job.future.set_exception(failed(self._path, error))
        self._storage.close()

    def _do(self, group: list[_Job]) -> None:
        self._commit([job for job in group if job.writes])
        # Reads come after the commit: what is not on the disk is never sent.
        for job in group:
            if not job.writes:
                self._read_now(job)

    def _next_group(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == _GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        before = self._book.state
        try:
            self._storage.look()
            self._book.hold_bulk(held=self._storage.little)
            self._answer(self._transact(jobs))
        except sqlite3.Error as error:
            if short(error):
                self._storage.squeeze()
                for job in sorted(jobs, key=lambda job: not job.frees):
                    self._answer([self._alone(job)])
            else:
                self._answer([partial(job.future.set_exception, failed(self._path, error)) for job in jobs])
        if self.state is not before:
            for watcher in self._watchers:
                watcher()

    def _answer(self, answers: Sequence[Callable[[], None]]) -> None:
        self.state = self._book.state
        for answer in answers:
            answer()

    def _transact(self, jobs: list[_Job]) -> list[Callable[[], None]]:
        """What answers these jobs, committed together. Whatever it raises, everything is undone."""
        here = self._book.here()
        try:
            self._storage.begin()
            answers = [self._run(job) for job in jobs]
            if self._book.state is not here.state:
                self._book.save()
            self._storage.commit()
        except Exception as error:
            self._failed(error, here)
            raise
        return answers

    def _alone(self, job: _Job) -> Callable[[], None]:
        """What answers a job on a full disk. Bulk makes way for it where the file has too few free pages; where the
        disk has too little room for the change itself, or it must not fail, it has the reserve's."""
        while True:
            try:
                return self._transact([job])[0]
            except sqlite3.Error as error:
                last = error
            if not short(last) or not (self._storage.short_of_pages and self._dropped_some()):
                break
        if short(last) and (job.frees or not self._storage.short_of_pages):
            try:
                return self._storage.with_reserve(lambda: self._transact([job])[0])
            except sqlite3.Error as error:
                last = error
        return partial(job.future.set_exception, failed(self._path, last))

    def _dropped_some(self) -> bool:
        before = self._book.state
        try:
            self._transact([_Job(lambda book: book.drop_some(), writes=True)])
        except sqlite3.Error:
            return False
        return self._book.state is not before

    def _run(self, job: _Job) -> Callable[[], None]:
        """Run a job so that its failure undoes nothing but itself; what answers its caller, once committed."""
        here = self._book.here()
        self._storage.connection.execute("SAVEPOINT job")
        try:
            result = job.run(self._book)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001  # the caller gets it, as from any executor
            self._storage.connection.execute("ROLLBACK TO job")
            self._book.undo(here)
            return partial(job.future.set_exception, error)
        finally:
            if self._storage.connection.in_transaction:  # a full disk may have ended it
                self._storage.connection.execute("RELEASE job")
        return partial(job.future.set_result, result)

    def _read_now(self, job: _Job) -> None:
        try:
            result = job.run(self._book)
        except sqlite3.Error as error:
            self._failed(error, self._book.here())
            job.future.set_exception(failed(self._path, error))
        except Exception as error:  # noqa: BLE001  # the caller gets it, as from any executor
            job.future.set_exception(error)
        else:
            job.future.set_result(result)

    def _failed(self, error: Exception, here: Here) -> None:
        if isinstance(error, sqlite3.Error) and not short(error):  # else the storage says it, once
            _log.error("outbox failed", error=str(error))
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        self.damaged = self.damaged or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        self._book.undo(here)
        try:
            self._storage.rollback()
        except sqlite3.Error as second:
            _log.error("outbox can't undo", error=str(second))
