"""From a message to what is entered into the outbox: each fact in its lane, and only what is news.

A message ends in an entry, or is a repeat, or is counted: what was refused of it, or else that it told nothing.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import tzinfo
from struct import Struct as Layout
from typing import Final, NamedTuple

from msgspec.structs import replace

from agent.adapters.astm.reading import NAME, Extracted, read
from agent.adapters.astm.records import Message
from agent.adapters.astm.values import HOUR_MS
from agent.adapters.columns import Reading, columns
from agent.adapters.equipment_clock import ClockWatch
from agent.adapters.port import Entry, Sink, lane_of
from catalog.model import Model
from wire.items import Inventory, Item
from wire.topics import Lane

_MAX_ROWS: Final = 500
"""Readings of one item: a report of these is about 20 kB."""
_INLINE: Final = 16_384
"""Bytes of a message that is read on the event loop, in some milliseconds; a longer one is read in a thread."""
_POSITION: Final = "astm.unfinished"
_UNFINISHED: Final = Layout(">I??16s")


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


class Unfinished(NamedTuple):
    """The message entered last without its end, which its sender may send again from the beginning, with more behind:
    of how many records it was, and what recognises them. It is kept with the entry, so that it outlives the process."""

    records: int
    timed: bool
    dated: bool
    mark: bytes

    @classmethod
    def read(cls, data: bytes | None) -> "Unfinished | None":
        """As ``written``."""
        return None if data is None else cls(*_UNFINISHED.unpack(data))

    def written(self) -> bytes:
        """As a position of the sink."""
        return _UNFINISHED.pack(*self)


class Messages:
    """Reads and enters the messages of one device, whatever connection they came by. ``live``: they have just been
    sent, so that they judge the equipment's clock, and large ones are read in a thread. ``read``: how many were."""

    def __init__(self, *, model: Model, sink: Sink, zone: tzinfo | None, encoding: str, live: bool = True) -> None:
        self._live = live
        self._clock = ClockWatch(model=model, sink=sink, source=NAME, name="astm.clock")
        self.read = 0
        self._model = model
        self._sink = sink
        self._zone = zone
        self._encoding = encoding
        self._told = Told(model=model)
        self._lock = asyncio.Lock()
        self._unfinished = Unfinished.read(sink.position(_POSITION))

    async def enter(self, message: Message, *, received: int) -> bool:
        """Returns when its facts are on the disk: whether it asks for orders. ``received``: ms since 1970 UTC.

        Raises ``OutboxError``: nothing is kept. Counts what was refused, or that nothing was told, of a repeat not
        again.
        """
        async with self._lock:
            told = self._told_of(message, received)
            repeated = told > message.told
            facts = await self._read(message.records, told, received)
            times = {"timed": facts.timed, "dated": facts.dated}
            seen = mark(message.records, received=received, key=self._sink.key, **times)
            entry = self._told.entry(facts, (seen,))
            tells = bool(entry.live or entry.bulk)
            unfinished = None
            if tells and not message.whole and not message.told:
                unfinished = Unfinished(len(message.records), mark=seen, **times)
                entry = replace(entry, positions={_POSITION: unfinished.written()})
            await self._clock.heard(facts.right, received=received)
            new = await self._sink.aput(entry) if tells or repeated else True
            self._unfinished = unfinished or self._unfinished
            if new:  # of a repeat that comes late something else was said since
                self._told.remember(facts)
            self.read += 1
        if new:
            for reason in facts.refused.elements():
                self._sink.refused(NAME, reason, form=facts.forms.get(reason, ""))
            if facts.about and not (tells or repeated or facts.refused):
                self._sink.untold(NAME, facts.about)
        return facts.query

    def _told_of(self, message: Message, received: int) -> int:
        """How many of its records are told already, as the message says or because they came before, without an end."""
        known = self._unfinished
        if known is None or message.told or len(message.records) < known.records:
            return message.told
        begun = message.records[: known.records]
        seen = mark(begun, timed=known.timed, dated=known.dated, received=received, key=self._sink.key)
        return known.records if seen == known.mark else 0

    async def _read(self, found: Sequence[bytes], told: int, received: int) -> Extracted:
        def facts() -> Extracted:
            return read(
                found,
                model=self._model,
                received=received,
                zone=self._zone,
                encoding=self._encoding,
                told=told,
                live=self._live,
            )

        large = self._live and sum(map(len, found)) > _INLINE
        return await asyncio.to_thread(facts) if large else facts()


def mark(found: Sequence[bytes], *, timed: bool, dated: bool, received: int, key: bytes) -> bytes:
    """Recognises the same records when they are sent again; 16 bytes that say nothing without the key.

    Where the records tell their times (``dated``), the header doesn't count: some analyzers write a new time, or a new
    number, into it whenever they send. Others write no time at all, not even there (``timed``), and the same bytes an
    hour later may well be news: then the hour of receipt (``received``: ms since 1970 UTC) belongs to what is compared.
    """
    digest = hashlib.blake2b(b"\r".join(found[1:] if dated else found), key=key, digest_size=16)
    if not dated and not timed:
        digest.update(b"\r%d" % (received // HOUR_MS))
    return digest.digest()


def _columns(readings: Sequence[Reading]) -> list[Item]:
    return [columns(readings[at : at + _MAX_ROWS]) for at in range(0, len(readings), _MAX_ROWS)]
