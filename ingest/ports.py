"""What ingest asks of the rooms below it: an engine that judges, and stages that act inside the batch's transaction.

Ingest owns these protocols; ``alerts``, ``desk`` and ``remote`` implement them; ``steth`` wires them together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection

from wire.ids import DeviceId
from wire.items import Item
from wire.report import Numbers, Report
from wire.topics import Lane


class Now(Struct, frozen=True, kw_only=True, gc=False):
    """``wall_ms``: the server's clock (ms since 1970 UTC). ``clock_ms``: the partition's probed clock, which
    advances only while the way from the broker to here works (delivery 15); only differences of it mean something."""

    wall_ms: int
    clock_ms: int


class Device(Struct, frozen=True, kw_only=True):
    """What ingest knows of a device. ``id`` is the database's, ``uid`` the minted one."""

    id: int
    uid: DeviceId
    org_id: int
    site_id: int
    partition: int
    model: str
    name: str
    retired: bool = False
    """It is watched no longer: one more step in each lane, without reports, ends its open episodes as retired; then it
    is forgotten, and nothing of it is judged."""


class Expected(Struct, frozen=True, kw_only=True):
    """What a reading may be. ``low``..``high``: what is possible; beyond it is kept as bad, which nobody judges.
    ``least``..``most``: what is kept at all. ``unit``: how its unit is spelled; None: as it was told."""

    low: float
    high: float
    least: float
    most: float
    unit: str | None = None


class Allowed(Protocol):
    """What may be kept of what a device of a model reports; the same model, the same answers. Pure.

    Ingest stores no text and no number of a report that this didn't let pass, and counts what it didn't by reason.
    """

    def reading(self, model: str, metric: str, unit: str) -> Expected | str:
        """What a reading of this name and unit ('' = as the catalog says) may be; or the reason why there is none."""

    def admit(self, model: str, item: Item, refused: Counter[str]) -> Item | None:
        """What may be kept of an item that holds no readings: the very same object where that is all of it; None:
        nothing. What may not be is counted in ``refused``, by reason."""


class Applied(Struct, frozen=True, kw_only=True, gc=False):
    """A report whose number is next, on its way to the stages.

    ``offset_ms`` has to be added to every time of it (delivery 16). ``caught_up`` is False while the agent has more
    waiting: late facts of it are judged only when it is True (delivery 17). ``numbers`` is None for a client without.
    """

    report: Report
    numbers: Numbers | None
    received_ms: int
    offset_ms: int
    caught_up: bool
    gap: int = 0
    """Numbers of its lane just before it that can never come any more (delivery 4)."""
    restarted_ms: int = 0
    """Handed over from the bulk lane: when its numbers were found to have begun again (``Presence.restarted_ms``)."""


class Effect(Struct, frozen=True, kw_only=True):
    """Base of what a judgement leads to. Later stages read the effects of earlier ones."""


class HandOver(Effect, frozen=True, kw_only=True):
    """From the engine of the bulk lane: facts whose state belongs to the device, not to a lane. Ingest puts them into
    ``to_judge`` of the live lane in the same transaction, whose owner judges them in order."""

    applied: Applied


class Presence(Struct, kw_only=True):
    """The session of a device as ingest sees it (delivery 18). ``seen_clock_ms`` is on the partition's clock;
    0 with ``seen_ms`` 0: never heard."""

    epoch: str = ""
    boot: int = 0
    connected: bool = False
    interval_s: float = 0.0
    agent: str = ""
    box: str | None = None
    """What it runs on, as its newest birth says; None: that named none."""
    seen_ms: int = 0
    seen_clock_ms: int = 0
    conflict_ms: int = 0
    """Server's clock when a birth of an epoch came that had been left already: two lives alternate (delivery 6)."""
    restarted_ms: int = 0
    """Server's clock when numbers were found to have begun again under the same epoch."""
    unjudged_ms: int = 0
    """Server's clock when a report of it, of whatever lane, was given up, since it can't be judged (delivery 13). Set
    in the live lane, and a step follows."""
    equipment_connected: bool | None = None
    """Whether the agent reaches the equipment itself, as its newest heartbeat says; None: it can't tell."""
    clock_offset_ms: int | None = None
    """What has to be added to the times of a client without numbers, or with numbers that don't ask for the time; None:
    not known, or it measures its own (delivery 16)."""


class OpenAlert(Struct, frozen=True, kw_only=True):
    """An episode of a device that the database has open: its row of ``alert``. Times in ms since 1970 UTC. ``value``:
    of the reading that began it (``params.value``), else 0."""

    id: UUID
    lane: Lane
    rule: str
    condition: str
    occurred_ms: int
    count: int
    value: float = 0.0


class Opened(Protocol):
    """What the database has open: the rows are those of the room that judges."""

    async def of(self, connection: AsyncConnection[Any], devices: Sequence[int]) -> Mapping[int, Sequence[OpenAlert]]:
        """By device id its open alerts, of both lanes, the oldest first; devices without any are missing."""

    async def of_retired(self, connection: AsyncConnection[Any], partition: int) -> list[str]:
        """The devices (uid) of a partition that are retired, and of which something is open nevertheless."""


class Work(Struct, kw_only=True, gc=False):
    """One device's part of a batch: what is new of it, and what earlier stages made of it. A tick has no reports."""

    device: Device
    lane: Lane
    applied: list[Applied]
    effects: list[Effect] = []


class Batch(Struct, kw_only=True):
    """What one transaction applies: one lane, one work a device. ``now.clock_ms`` is 0: stages don't measure silence.

    Stages run only for batches in which something happened beyond readings and heartbeats."""

    lane: Lane
    now: Now
    works: list[Work]


S = TypeVar("S")


class Engine(Protocol[S]):
    """Judges. Pure: no clock, no asyncio, no SQL.

    A state is never changed in place: ``step`` returns the very same object when nothing changed, which is how ingest
    knows that there is nothing to checkpoint. Every state change is checkpointed in the batch's transaction, so an
    engine needs no replay; what may change with every reading does not belong into its state.
    """

    def fresh(self, device: Device, lane: Lane) -> S:
        """The state of a device never seen."""

    def unpack(self, device: Device, lane: Lane, packed: bytes) -> S:
        """A state from its packed form; of an older format too. Raises ``ValueError`` if it is none."""

    def adopt(self, device: Device, lane: Lane, state: S | None, opened: Sequence[OpenAlert]) -> S:
        """The state with exactly the episodes that are open in the database, so that each of them ends, and none is
        open twice; the very same object if it has them already.

        Asked whenever a state was loaded. ``state`` None: it is lost, since it can't be unpacked, or is missing though
        the database has episodes open. ``opened``: all open alerts of the device, of both lanes, as a fault is the
        device's, whatever lane brought it. What such a state opens from now on has other ids than anything before; its
        next step, which is due at once, ends what no rule knows any more.
        """

    def pack(self, state: S) -> bytes:
        """The packed form, with the version of its format inside."""

    def step(
        self, device: Device, lane: Lane, state: S, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[S, list[Effect]]:
        """The next state and what follows from it, from new reports in order, or from time alone (``applied`` empty).

        ``presence`` already includes the reports of ``applied``.
        """

    def urgent(self, before: S, after: S) -> bool:
        """Whether a changed state must be written in the transaction of its step. Else it goes with the next
        checkpoint, and whoever takes over from a process that ended at once may find it some seconds old."""

    def due(self, state: S, presence: Presence) -> int | None:
        """The partition's clock (``clock_ms``) at which ``step`` must be called though nothing arrived; None: never.

        Ingest asks after every step of the live lane.
        """


class Stage(Protocol):
    """One behaviour of the pipeline, inside the batch's transaction. It reads the works and their effects, writes
    rows, may append effects for later stages, and commits nothing. A failure is tried again device by device, so it
    must not keep anything of a batch in memory (delivery 13)."""

    name: str

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        """Act on one batch."""
