"""The statements of a batch's transaction, from the fence to the marks (delivery 10). Nothing is remembered here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from ingest.admitted import Admitted
from ingest.arrays import NEVER, bigints, booleans, byteas, doubles, integers, texts, times
from ingest.directory import Tail
from ingest.letters import write_letters
from ingest.memory import LANES, SQL, Memory, StateRow
from ingest.message import Message
from ingest.ports import Batch, S
from ingest.record import EventRow, box, inventories, moment
from ingest.refusals import write_refusals
from ingest.touched import Touched
from people.devices import note_boxes, note_inventory
from wire.topics import Lane

Connection = AsyncConnection[Any]
AsideRow = tuple[int, int, int, float, int, datetime]
"""device id, metric id, time (ms), value, quality, when it came."""


class Ownership(Struct, kw_only=True):
    """What this process holds of a partition. ``clock_ms`` is the probed clock (delivery 15)."""

    partition: int
    generation: int
    clock_ms: int


class PartitionsLostError(Exception):
    """The fence found another owner (delivery 9)."""

    def __init__(self, partitions: set[int]) -> None:
        super().__init__(f"partitions {sorted(partitions)} have another owner")
        self.partitions = partitions


async def fence(connection: Connection, held: Iterable[Ownership], tail: Tail) -> tuple[set[int], list[int]]:
    """Lock what of these partitions is still ours against a takeover; returns which are (delivery 9), and the ids of
    devices that an operator changed since the last batch."""
    mine = list(held)
    of = {
        "ids": [o.partition for o in mine],
        "generations": [o.generation for o in mine],
        "since": tail.since,
    }
    row = await (await connection.execute(SQL["fence"], of)).fetchone()
    assert row is not None  # noqa: S101 - no FROM
    return set(row[0]), tail.look(row[1], row[2])


async def taken_lately(
    connection: Connection, messages: Sequence[Message], memory: Memory[S]
) -> list[tuple[int, bytes]]:
    """Of the reports without numbers, which were taken in the last 24 h: (device id, digest) (delivery 7)."""
    devices, digests = [], []
    for message in messages:
        content = message.content
        if content is not None and content.numbers is None and content.digest:
            found = memory.get(content.uid)
            if found is not None:
                devices.append(found.device.id)
                digests.append(content.digest)
    if not devices:
        return []
    rows = await connection.execute(SQL["recent_digests"], {"devices": integers(devices), "digests": byteas(digests)})
    return [(device, bytes(digest)) async for device, digest in rows]


async def copy_readings(connection: Connection, body: bytes, touched: Touched) -> None:
    """Readings, by binary COPY, and which times they touch: their roll-ups are made from that."""
    if body:
        async with connection.cursor() as cursor, cursor.copy(SQL["copy_readings"]) as copy:
            await copy.write(body)
        columns = {"devices": touched.devices, "lo": bigints(touched.lo), "hi": bigints(touched.hi)}
        await connection.execute(SQL["write_touched"], columns)


async def write_events(connection: Connection, events: Sequence[EventRow]) -> None:
    """Everything that is no reading. INSERT: row-level security excludes COPY, and events belong to a tenant."""
    if events:
        device, org, at, learned, kind, body = zip(*events, strict=True)
        columns = {
            "devices": integers(device),
            "orgs": integers(org),
            "at": times(at),
            "learned": times(learned),
            "kinds": texts(kind),
            "bodies": texts(body),
        }
        await connection.execute(SQL["write_events"], columns)


async def write_rest(
    connection: Connection, lane: Lane, admitted: Admitted[S], asides: Sequence[AsideRow], now: datetime
) -> None:
    """Gaps, dead letters, readings set aside, digests of a maker's reports, refusals: seldom any of it."""
    number = LANES[lane]
    await write_refusals(connection, admitted.refused)
    async with connection.cursor() as cursor:
        if admitted.gaps:
            rows = [(g.device_id, number, g.epoch, g.first, g.last, now) for g in admitted.gaps]
            await cursor.executemany(SQL["write_gaps"], rows)
        if admitted.letters:
            admitted.begun = await write_letters(connection, admitted.letters, at=now)
        if asides:
            await cursor.executemany(SQL["write_asides"], asides)
        if admitted.unnumbered:
            devices, digests = zip(*admitted.unnumbered, strict=True)
            columns = {"devices": integers(devices), "digests": byteas(digests), "at": now}
            await cursor.execute(SQL["remember_digests"], columns)


class Inventories:
    """Updates a device's row by the inventory that the equipment reports. A stage, since that row is an operator's
    too: while somebody holds it, only this device waits, in ``to_judge``."""

    name = "ingest.inventory"

    async def run(self, connection: Connection, batch: Batch) -> None:
        """See ``ingest.ports.Stage``."""
        for work in batch.works:
            fields = inventories(work)
            if fields is not None:
                await note_inventory(connection, work.device.id, fields)


class Boxes:
    """Which box a device reports from, as its birth says. The id is the box's own word: it counts within the device's
    site, and a box that no device names any more is forgotten, so that a site has no more of them than devices. A stage
    for the same reason as ``Inventories``."""

    name = "ingest.box"

    async def run(self, connection: Connection, batch: Batch) -> None:
        """See ``ingest.ports.Stage``."""
        told = {work.device.id: named for work in batch.works if (named := box(work)) is not None}
        if told:
            await note_boxes(connection, told, at=moment(batch.now.wall_ms))


async def write_states(connection: Connection, lane: Lane, rows: Sequence[StateRow], now: datetime) -> None:
    """Checkpoints of devices, one packed row each (delivery 14)."""
    if not rows:
        return
    (
        device,
        org,
        engine,
        latest,
        epoch,
        boot,
        connected,
        interval_s,
        agent,
        seen_ms,
        heartbeat,
        equipment,
        offset_ms,
    ) = zip(*rows, strict=True)
    columns = {
        "lane": LANES[lane],
        "now": now,
        "devices": integers(device),
        "orgs": integers(org),
        "engines": byteas(engine),
        "latest": byteas(latest),
        "epochs": texts(epoch),
        "boots": bigints(boot),
        "connected": booleans(connected),
        "intervals": doubles(interval_s),
        "agents": texts(agent),
        "seen": times(seen_ms),
        "heartbeats": texts(heartbeat),
        # An array of ours holds no nulls.
        "equipment": integers([-1 if reached is None else int(reached) for reached in equipment]),
        "offsets": bigints([NEVER if ms is None else ms for ms in offset_ms]),
        "never": NEVER,
    }
    await connection.execute(SQL["write_states"], columns)


async def write_marks(connection: Connection, lane: Lane, admitted: Admitted[S], now: datetime) -> None:
    """How far each device has come."""
    moved = [(uid, m, m.mark) for uid, m in admitted.moved.items() if m.mark is not None]
    if not moved:
        return
    reached = admitted.reached
    columns = {
        "lane": LANES[lane],
        "at": now,
        "devices": integers([m.device.id for _, m, _ in moved]),
        "epochs": texts([k.epoch for _, _, k in moved]),
        "seqs": bigints([k.seq for _, _, k in moved]),
        "digests": byteas([k.digest for _, _, k in moved]),
        "previous": texts([k.previous_epoch for _, _, k in moved]),
        "reached": times([reached.get(uid) for uid, _, _ in moved]),
        "clocks": bigints([m.presence.seen_clock_ms for _, m, _ in moved]),
    }
    await connection.execute(SQL["write_marks"], columns)
