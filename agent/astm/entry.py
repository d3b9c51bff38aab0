"""From the facts of a message to what is entered into the outbox: each fact in its lane, and only what is news."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

from agent.adapter import Entry, Sink, lane_of
from agent.astm.reading import NAME, Extracted, Reading
from agent.astm.records import Message
from catalog.model import Model
from wire.items import Inventory, Item, Readings
from wire.topics import Lane

_MAX_ROWS: Final = 500
"""Readings of one item: a report of these is about 20 kB."""
_HOUR_MS: Final = 3_600_000


class Told:
    """What the equipment said of itself, so that its inventory, which stands in every header, is entered when it
    changes. It is lost with the process: then each is told once again."""

    def __init__(self, *, model: Model) -> None:
        self._model = model
        self._inventory: dict[str, str] = {}

    def entry(self, facts: Extracted, seen: Sequence[bytes] = ()) -> Entry:
        """What is news of these facts."""
        live: list[Item] = [*_columns(self._of(facts, Lane.LIVE)), *facts.faults]
        bulk: list[Item] = _columns(self._of(facts, Lane.BULK))
        if not facts.inventory.items() <= self._inventory.items():
            bulk.append(Inventory(at=facts.at, fields=facts.inventory))
        return Entry(live=live, bulk=bulk, seen=seen)

    def remember(self, facts: Extracted) -> None:
        """These facts are entered."""
        self._inventory |= facts.inventory

    def _of(self, facts: Extracted, lane: Lane) -> list[Reading]:
        return [reading for reading in facts.readings if lane_of(self._model, reading.metric) is lane]


class Messages:
    """Enters the messages of one device, whatever connection they came by."""

    def __init__(self, *, model: Model, sink: Sink) -> None:
        self._sink = sink
        self._told = Told(model=model)
        self._lock = asyncio.Lock()

    async def put(self, facts: Extracted, message: Message, *, received: int) -> None:
        """Returns when they are on the disk. Raises ``OutboxError``. Counts what was refused, of a repeat not again."""
        async with self._lock:
            seen = mark(message, facts, received=received, key=self._sink.key)
            entry = self._told.entry(facts, (seen,))
            new = True
            if entry.live or entry.bulk:
                new = await self._sink.aput(entry)
            self._told.remember(facts)
        if new:
            for reason in facts.refused.elements():
                self._sink.refused(NAME, reason)


def mark(message: Message, facts: Extracted, *, received: int, key: bytes) -> bytes:
    """Recognises the same message when it is sent again; 16 bytes that say nothing without the key.

    Where its records tell their times, the header doesn't count: some analyzers write a new time, or a new number, into
    it whenever they send. Others write no time at all, and the same bytes an hour later may well be news: then the hour
    of receipt (``received``: ms since 1970 UTC) belongs to what is compared.
    """
    digest = hashlib.blake2b(b"\r".join(message[1:] if facts.dated else message), key=key, digest_size=16)
    if not facts.dated and not facts.timed:
        digest.update(b"\r%d" % (received // _HOUR_MS))
    return digest.digest()


def _columns(readings: Sequence[Reading]) -> list[Item]:
    return [_item(readings[at : at + _MAX_ROWS]) for at in range(0, len(readings), _MAX_ROWS)]


def _item(rows: Sequence[Reading]) -> Readings:
    at = rows[0].at
    return Readings(
        at=at,
        metric=[row.metric for row in rows],
        value=[row.value for row in rows],
        dt=[row.at - at for row in rows] if any(row.at != at for row in rows) else None,
        unit=[row.unit for row in rows],
        quality=[row.quality for row in rows] if any(row.quality for row in rows) else None,
    )
