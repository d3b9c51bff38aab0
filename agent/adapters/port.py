"""The interface between the adapters, which read equipment, and the outbox.

An adapter turns what the equipment says into items of the wire, after the privacy filter, and puts them into its
``Sink``. Once ``put`` has returned they are on the disk, and only then may the equipment be acknowledged (delivery 1).
When it raised ``OutboxError``, they are not, and it must not be.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from catalog.model import Model
from wire.items import Item
from wire.topics import Lane


class Entry(Struct, frozen=True, kw_only=True):
    """What is committed at once, wholly or not at all.

    ``live`` and ``bulk``: the items of each lane, in order. ``seen``: 16 to 32 bytes for each source object that was
    read (such as a SOP instance), made with the sink's ``key`` so that they say nothing to anybody else. An entry
    whose ``seen`` are all known already is a repeat: its items are not entered again. ``positions``: how far a source
    was read, by a name of the adapter's choice; they are kept also for a repeat, and an entry may hold nothing else.
    """

    live: Sequence[Item] = ()
    bulk: Sequence[Item] = ()
    seen: Sequence[bytes] = ()
    positions: Mapping[str, bytes] = {}


class Sink(Protocol):
    """Where an adapter puts what it read. Every method may be called from any thread."""

    @property
    def key(self) -> bytes:
        """32 secret bytes of this device, for keyed hashes (``hashlib.blake2b(..., key=sink.key)``)."""
        ...

    def put(self, entry: Entry) -> bool:
        """Commit an entry, blocking until it is on the disk: never call it on the event loop.

        False: a repeat, nothing new was entered (acknowledge it all the same). Raises ``OutboxError``: not kept.
        """
        ...

    async def aput(self, entry: Entry) -> bool:
        """``put`` for a coroutine."""
        ...

    def position(self, name: str) -> bytes | None:
        """The position last committed under this name; None: never."""
        ...

    def refused(self, source: str, reason: str, *, form: str = "") -> None:
        """Count an input, or a part of one, that was refused: ``source``: the adapter's name, ``reason``: a stable word
        such as ``oversize``. Neither may quote the input. ``form``: what it looked like (``agent.adapters.form``)."""
        ...

    def untold(self, source: str, reason: str) -> None:
        """Count an input that was answered well and told nothing, under a stable word such as ``other-storage``."""
        ...


class Adapter(Protocol):
    """One source of one device. Constructed with keywords ``config`` (its section), ``model`` and ``sink``."""

    @property
    def name(self) -> str:
        """A short word for logs and counters, such as ``dicom``."""
        ...

    async def run(self) -> None:
        """Read until cancelled. What it raises is logged and counted, and it is started again with back-off; the
        other adapters go on."""
        ...


def lane_of(model: Model, metric: str) -> Lane:
    """The lane of a metric: as its signal says, bulk for what the catalog doesn't know."""
    signal = model.signals.get(metric)
    return Lane.BULK if signal is None else signal.lane
