"""What a lane's writer remembers of its devices between batches. The database has the truth; this is its copy.

After a failed or uncertain commit it is dropped and loaded again (delivery 13): nothing here may outlive a rollback.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic

import msgspec
import structlog
from psycopg import AsyncConnection

from ingest.arrays import texts
from ingest.clocks import Clock
from ingest.latest import LATEST_AHEAD_MS, Latest
from ingest.numbers import Mark
from ingest.ports import Device, Engine, Opened, Presence, S
from store.sql import queries_beside
from wire.ids import DeviceId
from wire.times import ms_of, time_of
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.memory")
SQL: Final = queries_beside(__file__)
LANES: Final = {Lane.LIVE: 0, Lane.BULK: 1}
"""How a lane is stored."""

StateRow = tuple[int, int, bytes, bytes, str, int, bool, float, str, int | None, str, bool | None, int | None]
"""device id, org id, engine's state, latest values, epoch, boot, connected, heartbeat interval (s), agent, last heard
(ms), heartbeat (JSON), whether the agent reaches the equipment, offset of the clock (ms)."""


class DeviceMemory(Generic[S]):
    """One device in one lane."""

    __slots__ = (
        "acked_ms",
        "adopted",
        "backlog",
        "clock",
        "device",
        "echo_ms",
        "echoed_at_ms",
        "gap",
        "heartbeat",
        "last",
        "latest",
        "made",
        "mark",
        "must_write",
        "presence",
        "reached_ms",
        "refused_back",
        "state",
        "unacked",
    )

    def __init__(
        self,
        *,
        device: Device,
        mark: Mark | None,
        reached_ms: int | None,
        state: S,
        presence: Presence,
        latest: Latest,
        backlog: bool,
    ) -> None:
        self.device = device
        self.mark = mark
        self.state = state
        self.presence = presence
        self.latest = latest
        self.clock = Clock(offset_ms=presence.clock_offset_ms)
        self.last: tuple[bytes, int] | None = None
        """Digest and receipt (ms) of the newest report without numbers whose times tell nothing."""
        self.made: tuple[int, int] | None = None
        """When the mark's report was made: segment, ms by the device's clock; None: not since it was loaded."""
        self.reached_ms = reached_ms
        """The same of what was loaded, corrected; None: unknown."""
        self.heartbeat: dict[str, Any] = {}
        self.backlog = backlog
        """Something of it waits in to_judge: what comes now must wait behind it."""
        self.adopted = False
        """Its own state was lost: it goes on with what the database has open of it."""
        self.must_write = False
        self.acked_ms = 0
        self.unacked = 0
        self.echo_ms: int | None = None
        self.echoed_at_ms = 0
        self.refused_back = False
        self.gap = 0
        """Numbers that can never come any more, of which no report told its judges yet."""


class Memory(Generic[S]):
    """The devices of one lane, loaded when first needed."""

    def __init__(
        self,
        *,
        lane: Lane,
        engine: Engine[S],
        opened: Opened,
        clock_ms: Callable[[int], int],
        had: Callable[[int, Iterable[int]], None],
    ) -> None:
        """``had``: is told the tenant and the metrics of each device that is loaded."""
        self._lane = lane
        self._had = had
        self._clock_ms = clock_ms
        self._engine = engine
        self.opened = opened
        self._devices: dict[str, DeviceMemory[S]] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def get(self, uid: str) -> DeviceMemory[S] | None:
        """A device that is loaded."""
        return self._devices.get(uid)

    def all(self) -> Iterable[DeviceMemory[S]]:
        """Every device that is loaded."""
        return self._devices.values()

    def forget(self, uids: Iterable[str]) -> None:
        """Drop what may differ from the database."""
        for uid in uids:
            self._devices.pop(uid, None)

    def forget_partitions(self, partitions: Iterable[int]) -> None:
        """Drop the devices of partitions that have another owner now."""
        gone = set(partitions)
        self.forget([uid for uid, memory in self._devices.items() if memory.device.partition in gone])

    async def load(
        self, connection: AsyncConnection[Any], uids: Sequence[str], *, now_ms: int, retired: bool = False
    ) -> list[DeviceMemory[S]]:
        """Load the devices among ``uids`` that are not here yet; those the database doesn't know stay absent, and
        those that are retired unless they are wanted too."""
        missing = [uid for uid in uids if uid not in self._devices]
        if not missing:
            return []
        parameters = {"lane": LANES[self._lane], "uids": texts(missing), "retired": retired}
        rows = await (await connection.execute(SQL["load_devices"], parameters)).fetchall()
        loaded = [self._build(row) for row in rows]
        behind = [m for m, row in zip(loaded, rows, strict=True) if _committed_after_checkpoint(row)]
        if behind:
            await self._replay_latest(connection, behind, now_ms)
        if loaded:
            await self._adopt(connection, loaded, {row[0] for row in rows if row[14] is not None})
        for memory in loaded:
            self._devices[memory.device.uid] = memory
        return loaded

    def _build(self, row: tuple[Any, ...]) -> DeviceMemory[S]:
        device = device_of(row[:8])
        (mark_epoch, seq, digest, previous, seen_clock, marked_at) = row[8:14]
        (engine, latest, epoch, boot, connected, interval_s, agent, equipment, offset_ms) = row[14:23]
        (_as_of, backlog, reached, box) = row[23:]
        mark = None
        if mark_epoch is not None:
            mark = Mark(epoch=mark_epoch, seq=seq, digest=digest, previous_epoch=previous)
        presence = Presence(
            epoch=epoch or "",
            boot=boot or 0,
            connected=bool(connected),
            interval_s=interval_s or 0.0,
            agent=agent or "",
            box=box,
            seen_ms=ms_of(marked_at) if marked_at else 0,
            # A device never heard is judged from the moment we know of it.
            seen_clock_ms=seen_clock if seen_clock is not None else self._clock_ms(device.partition),
            equipment_connected=equipment,
            clock_offset_ms=offset_ms,
        )
        memory = DeviceMemory(
            device=device,
            mark=mark,
            reached_ms=ms_of(reached) if reached else None,
            state=self._engine.fresh(device, self._lane),
            presence=presence,
            latest=Latest(),
            backlog=backlog,
        )
        # One unreadable row must not stall a partition.
        try:
            memory.latest = Latest(latest)
        except msgspec.MsgspecError:
            _log.error("latest_unreadable", device=device.uid, lane=self._lane.value)
        self._had(device.org_id, memory.latest.values())
        if engine is not None:
            try:
                memory.state = self._engine.unpack(device, self._lane, engine)
            except ValueError as error:
                memory.adopted = True
                _log.error("state_unreadable", device=device.uid, lane=self._lane.value, error=str(error))
        return memory

    async def _adopt(
        self, connection: AsyncConnection[Any], loaded: Sequence[DeviceMemory[S]], stored: set[int]
    ) -> None:
        """What the database has open is what people see: each episode of it must be in a state, or it never ends."""
        opened = await self.opened.of(connection, [memory.device.id for memory in loaded])
        for memory in loaded:
            found = opened.get(memory.device.id, ())
            lost = memory.adopted or (bool(found) and memory.device.id not in stored)
            state = self._engine.adopt(memory.device, self._lane, None if lost else memory.state, found)
            memory.adopted = state is not memory.state
            memory.state = state
            if memory.adopted:
                _log.warning("state_adopted", device=memory.device.uid, lane=self._lane.value, open_alerts=len(found))

    async def _replay_latest(
        self, connection: AsyncConnection[Any], memories: list[DeviceMemory[S]], now_ms: int
    ) -> None:
        """Bring the latest values up from the stored readings: the checkpoint may be older than the mark."""
        by_id = {m.device.id: m for m in memories}
        since = [time_of(m.latest.newest_ms or now_ms - 3_600_000) for m in memories]
        rows = await connection.execute(
            SQL["latest_since"],
            {"devices": list(by_id), "since": since, "until": time_of(now_ms + LATEST_AHEAD_MS)},
        )
        async for device_id, metric_id, ts, value, quality in rows:
            limit_ms = now_ms + LATEST_AHEAD_MS
            by_id[device_id].latest.note([metric_id], ms_of(ts), None, [value], [quality], limit_ms=limit_ms)

    def packed(self, memory: DeviceMemory[S]) -> StateRow:
        """What is stored of a device's state."""
        presence = memory.presence
        return (
            memory.device.id,
            memory.device.org_id,
            self._engine.pack(memory.state),
            memory.latest.packed(),
            presence.epoch,
            presence.boot,
            presence.connected,
            presence.interval_s,
            presence.agent,
            presence.seen_ms or None,
            msgspec.json.encode(memory.heartbeat).decode(),
            presence.equipment_connected,
            presence.clock_offset_ms,
        )


def device_of(row: Sequence[Any]) -> Device:
    """From the first columns of ``load_devices``."""
    (id_, uid, org, site, partition, model, name, retired) = row
    return Device(
        id=id_,
        uid=DeviceId(uid),
        org_id=org,
        site_id=site,
        partition=partition,
        model=model,
        name=name,
        retired=retired,
    )


def _committed_after_checkpoint(row: tuple[Any, ...]) -> bool:
    marked_at, as_of = row[13], row[23]
    return as_of is not None and marked_at is not None and marked_at > as_of
