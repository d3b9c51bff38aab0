"""A log file that grows: its lines become faults and readings by the patterns of the catalog.

What a turn found and how far it read are committed together (delivery 1): a kill between two turns neither loses a line
nor stores one twice. Repeats of a fault are folded by the outbox.
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from agent import system
from agent.adapters.equipment_clock import ClockWatch
from agent.adapters.logs.encodings import SAMPLE, why_no_text
from agent.adapters.logs.file import Still, Turn, beginning, is_same, look
from agent.adapters.logs.pattern import SOURCE, Found, LineReader, Open
from agent.adapters.logs.place import Position, decode_past, decode_position
from agent.adapters.port import Entry, Sink
from agent.clock import Now
from agent.config.shapes import Log
from agent.config.zones import zone_of
from agent.errors import AgentError, OutboxError
from catalog.model import LogPattern, Model

COMMIT_BYTES: Final = 1_000_000
"""Bytes without any fact after which the position is committed all the same; until then a restart reads them again."""


class LogTail:
    """The adapter of one file. Raises ``AgentError`` when made for patterns that the model doesn't have."""

    def __init__(self, *, config: Log, model: Model, sink: Sink, now: Callable[[], Now] = system.now) -> None:
        self._config = config
        self._sink = sink
        self._now = now
        self._path = Path(config.path)
        self._reader = LineReader(
            model=model, patterns=chosen(model, config), encoding=config.encoding, zone=zone_of(config.time_zone)
        )
        self._key = f"log:{config.path}"
        self._waits = f"log:{config.path}:waiting"
        self._left = f"log:{config.path}:past"
        self._clock = ClockWatch(model=model, sink=sink, source=SOURCE, name=f"log:{config.path}:clock")
        self._ended: int | None = None
        self._first: int | None = int(config.first_mb * 1_000_000)
        self._read: Position | None = None
        self._waiting: tuple[Open, ...] = ()
        self._past: tuple[Position, ...] = ()
        self._committed: tuple[Position | None, tuple[Position, ...]] = None, ()
        self._still: Still = ()
        self._failed = False
        self._sampled = False

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return SOURCE

    async def run(self) -> None:
        """Read until cancelled. A file that isn't there yet is waited for."""
        self.resume()
        loop, over = asyncio.get_running_loop(), threading.Event()
        waiting = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._key)
        try:
            while True:
                if not await self.turn():
                    await loop.run_in_executor(waiting, self._wait, over)
        finally:
            over.set()
            waiting.shutdown(wait=False)

    def _wait(self, over: threading.Event) -> None:
        """In a thread: until the next look, and on while it would find nothing new, so that an idle log wakes nobody
        else. It may hang on a share that is gone; the loop may not."""
        with contextlib.suppress(OSError):  # which the next look tells
            while not over.wait(self._config.every_s):
                began = self._now().elapsed
                if not is_same(self._still):
                    return
                self._ended = began

    def resume(self) -> None:
        """Go on where the last commit left off."""
        self._read = decode_position(self._sink.position(self._key))
        self._past = decode_past(self._sink.position(self._left))
        self._waiting = _decode(self._sink.position(self._waits))
        self._committed = self._read, self._past

    async def turn(self) -> bool:
        """Read and enter one chunk; whether more waits. Nothing is read on while the outbox doesn't take it."""
        try:
            looked = await asyncio.to_thread(self._look)
        except OSError:
            if not self._failed:
                self._sink.refused(SOURCE, "unreadable-file")
            self._failed, self._still = True, ()
            return False
        self._failed = False
        if looked.turn is None:
            self._ended = looked.began
            return False
        turn, found = looked.turn, looked.found
        if turn.position is None:
            self._first = self._first if turn.more else None  # it will be new altogether
            return turn.more
        if found.live or found.bulk or self._worth_a_commit(turn.position, turn.past):
            positions = {self._key: turn.position.encode(), self._waits: msgspec.msgpack.encode(found.open)}
            if turn.past != self._committed[1]:
                positions[self._left] = msgspec.msgpack.encode(turn.past)
            entry = Entry(live=found.live, bulk=found.bulk, positions=positions)
            try:
                await self._clock.heard(found.right, received=looked.received)
                await self._sink.aput(entry)
            except OutboxError:
                return False
            self._committed = turn.position, turn.past
        self._ended = None if turn.more else looked.began
        self._read, self._past, self._waiting, self._still = turn.position, turn.past, found.open, turn.still
        self._count(turn, found)
        return turn.more

    def _look(self) -> "_Looked":
        now = self._now()
        if is_same(self._still):
            return _Looked(now.elapsed)
        turn = look(
            self._path,
            self._read,
            self._past,
            encoding=self._config.encoding,
            now=now.wall / 1000,
            first=self._first,
        )
        since, received = None, turn.written
        if turn.grown and not turn.more and self._ended is not None:
            # Between two looks, so that the file's own time, by whatever clock, has no say in it.
            since = now.wall - (now.elapsed - self._ended)
            received = min(max(received, since), now.wall)
        found = self._reader.read(
            turn.lines, received=received, since=since, big_endian=turn.big_endian, waiting=self._waiting
        )
        if not self._sampled and turn.position is not None:
            head = beginning(Path(turn.position.name))
            strange = why_no_text(self._config.encoding, head) is not None
            self._sampled = strange or len(head) == SAMPLE
            found.refused["not-text"] += strange
        return _Looked(now.elapsed, received, turn, found)

    def _worth_a_commit(self, position: Position, past: tuple[Position, ...]) -> bool:
        committed, left = self._committed
        return (
            committed is None
            or left != past
            or (committed.device, committed.inode) != (position.device, position.inode)
            or not committed.offset <= position.offset < committed.offset + COMMIT_BYTES
        )

    def _count(self, turn: Turn, found: Found) -> None:
        for reason in found.refused.elements():
            self._sink.refused(SOURCE, reason)
        for _ in range(turn.long):
            self._sink.refused(SOURCE, "long-line")
        if turn.lost:
            self._sink.refused(SOURCE, "rotated-unread")
        for _ in range(turn.packed):
            self._sink.refused(SOURCE, "rotated-packed")
        if turn.restored:
            self._sink.refused(SOURCE, "older-copy")
        if turn.older:
            self._sink.refused(SOURCE, "older-unread")


class _Looked(NamedTuple):
    """``began``: when, in ms of elapsed time. ``turn`` None: nothing changed since the look before."""

    began: int
    received: int = 0
    turn: Turn | None = None
    found: Found = Found([], [], Counter())


def _decode(kept: bytes | None) -> tuple[Open, ...]:
    """What waits for a continuation, as it was committed; anything else is nothing."""
    try:
        return () if kept is None else msgspec.msgpack.decode(kept, type=tuple[Open, ...])
    except msgspec.MsgspecError:
        return ()


def chosen(model: Model, config: Log) -> list[LogPattern]:
    """The patterns that a configuration names; all of the model where it names none."""
    known = {pattern.id: pattern for pattern in model.log_patterns}
    missing = [name for name in config.patterns if name not in known]
    if missing:
        has = ", ".join(known) or "none"
        raise AgentError(f"[[device.log]] patterns: the model {model.key} has no {', '.join(missing)}; it has {has}")
    return [known[name] for name in config.patterns] if config.patterns else list(model.log_patterns)
