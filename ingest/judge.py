"""Judging inside the batch's transaction: the engine, then the stages. What fails is set aside (delivery 13)."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection

from ingest import stats
from ingest.admitted import Admitted
from ingest.later import GIVEN_UP, ROWS, Later, Waiting, unpack
from ingest.logs import where
from ingest.memory import SQL, DeviceMemory, Memory
from ingest.ports import Batch, Engine, HandOver, Now, S, Stage, Work
from ingest.record import moment
from ingest.slices import Pace
from ingest.transact import Boxes, Inventories
from wire.ids import DeviceId, partition_of
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.judge")
TICK_FIRST_MS: Final = 1_000
TICK_MOST_MS: Final = 60_000
_EVERYBODYS: Final = ("08", "53", "58")
"""Classes of SQLSTATE: no connection, no resources (a full disk), the system's errors."""

Works = list[tuple[DeviceMemory[S], Work]]


def everybodys(connection: AsyncConnection[Any], error: Exception) -> bool:
    """Whether an error within a savepoint is the database's: it went away, or is full. Any other, a lock that isn't
    got in time too, belongs to the device that was being judged."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return connection.closed or connection.broken or (state or "").startswith(_EVERYBODYS)


class Judge(Generic[S]):
    """Steps the engine for the devices of a batch and runs the stages on what follows."""

    def __init__(
        self,
        *,
        lane: Lane,
        engine: Engine[S],
        stages: Sequence[Stage],
        memory: Memory[S],
        later: Later,
        clock_ms: Callable[[int], int],
        pace: Pace,
    ) -> None:
        self._lane = lane
        self._pace = pace
        self._engine = engine
        self._stages: list[Stage] = [Inventories(), Boxes(), *stages]
        self._memory = memory
        self._clock_ms = clock_ms
        self.later = later
        self._put_off: dict[str, int] = {}
        """Devices whose tick failed, and how often."""
        self._due: dict[int, list[tuple[int, str]]] = {}
        self._queued: dict[str, int] = {}
        self._stepped: list[str] = []
        self.changed: dict[str, DeviceMemory[S]] = {}
        """Devices whose state changed in the present transaction."""
        self.used: set[str] = set()
        """Devices whose memory may have been changed besides."""

    def begin(self) -> None:
        """A transaction begins."""
        self.changed = {}
        self.used = set()
        self.later.handed = {}

    async def run(
        self, connection: AsyncConnection[Any], admitted: Admitted[S], *, ticks: Iterable[str], now: Now, eventful: bool
    ) -> None:
        """Judge what was admitted, and the devices whose time has come.

        Their memory is taken up once: a partition may be left meanwhile, and what this transaction writes of its
        devices must be whole nevertheless.
        """
        works: Works[S] = []
        for uid, work in admitted.works.items():
            memory = admitted.touched[uid]
            if memory.backlog and work.applied:
                await self.later.set_aside(connection, memory, work.applied, "waits behind an earlier failure")
            else:
                works.append((memory, work))
        for uid in ticks:
            found = self._memory.get(uid)
            if found is not None and uid not in admitted.works:
                works.append((found, Work(device=found.device, lane=self._lane, applied=[], effects=[])))
        self._stepped = [work.device.uid for _, work in works]
        if not works:
            return
        try:
            await self._together(connection, works, now, eventful=eventful)
        except Exception as error:
            if everybodys(connection, error):
                raise
            # Whatever a stage or the engine stumbled over belongs to one device; the others must not wait for it.
            for memory, work in works:
                await self._alone(connection, memory, work, now)

    async def _together(self, connection: AsyncConnection[Any], works: Works[S], now: Now, *, eventful: bool) -> None:
        states: list[tuple[DeviceMemory[S], S]] = []
        effects = False
        step, lane = self._engine.step, self._lane
        times: dict[int, Now] = {}
        async for some in self._pace.slices(lane, works):
            for memory, work in some:
                partition = work.device.partition
                at = times.get(partition)
                if at is None:
                    at = times[partition] = Now(wall_ms=now.wall_ms, clock_ms=self._clock_ms(partition))
                state, work.effects = step(work.device, lane, memory.state, memory.presence, work.applied, at)
                effects = effects or bool(work.effects)
                if state is not memory.state:
                    states.append((memory, state))
        if effects or eventful:
            # Statements whose answers aren't waited for go out together.
            async with connection.transaction(), connection.pipeline():
                batch = Batch(lane=lane, now=now, works=[work for _, work in works])
                for stage in self._stages:
                    await stage.run(connection, batch)
                handed = [(w.device, e.applied) for _, w in works for e in w.effects if type(e) is HandOver]
                await self.later.hand_over(connection, handed)
        for memory, state in states:
            if self._engine.urgent(memory.state, state):
                self.changed[memory.device.uid] = memory
            memory.state = state
        if self._put_off:
            for memory, _ in works:
                if self._put_off.pop(memory.device.uid, None) is not None:
                    self._queued.pop(memory.device.uid, None)
                    _log.info("tick_works_again", lane=lane.value, device=memory.device.uid)

    async def _alone(self, connection: AsyncConnection[Any], memory: DeviceMemory[S], work: Work, now: Now) -> None:
        try:
            async with connection.transaction():
                await connection.execute(SQL["wait_less"])
                await self._together(connection, [(memory, work)], now, eventful=True)
        except Exception as error:
            if everybodys(connection, error):
                raise
            if not work.applied:
                self.put_off([work.device.uid])
                return
            of = work.applied[0].numbers
            numbers = {} if of is None else {"epoch": of.epoch, "seq": of.seq, "reports": len(work.applied)}
            _log.error("device_not_judged", lane=self._lane.value, device=work.device.uid, **numbers, **where())
            await self.later.set_aside(connection, memory, work.applied, type(error).__name__)

    # what was set aside -----------------------------------------------------------------------------------------------

    async def take_up(self, connection: AsyncConnection[Any], uids: Sequence[str], now: Now) -> None:
        """Judge again what was set aside of these devices, each in order. Not in a batch with new reports: what fails
        here must not keep them."""
        memories = {memory.device.id: memory for uid in uids if (memory := self._memory.get(uid)) is not None}
        if len(memories) < len(uids):
            await self.later.drop(connection, [uid for uid in uids if self._memory.get(uid) is None])
        found = await self.later.first(connection, list(memories))
        for device_id, memory in memories.items():
            self.used.add(memory.device.uid)
            rows = found.get(device_id, [])
            for row in rows:
                if not await self._again(connection, memory, row, now):
                    break
            else:
                if len(rows) == ROWS:
                    self.later.add(memory.device.uid)
                elif memory.backlog:
                    self.later.none_left(memory)
        self._stepped = [memory.device.uid for memory in memories.values()]

    async def _again(self, connection: AsyncConnection[Any], memory: DeviceMemory[S], row: Waiting, now: Now) -> bool:
        """Whether it is off: judged, or given up."""
        work = Work(device=memory.device, lane=self._lane, applied=[], effects=[])
        if row.facts == GIVEN_UP:
            memory.presence.unjudged_ms = now.wall_ms
        else:
            try:
                work.applied.append(unpack(row.facts))
            except msgspec.MsgspecError as error:
                return await self._give_up(connection, memory, row, error, now)
        try:
            async with connection.transaction():
                await connection.execute(SQL["wait_less"])
                await self._together(connection, [(memory, work)], now, eventful=True)
                await self.later.done(connection, row)
        except Exception as error:
            if everybodys(connection, error):
                raise
            if await self.later.failed(connection, memory.device.uid, row, type(error).__name__):
                memory.backlog = True
                return False
            return await self._give_up(connection, memory, row, error, now)
        return True

    async def _give_up(
        self, connection: AsyncConnection[Any], memory: DeviceMemory[S], row: Waiting, error: Exception, now: Now
    ) -> bool:
        await self.later.give_up(connection, memory.device, row, type(error).__name__, moment(now.wall_ms))
        if self._lane is Lane.LIVE and row.facts != GIVEN_UP:
            memory.presence.unjudged_ms = now.wall_ms
            note = Work(device=memory.device, lane=self._lane, applied=[], effects=[])
            await self._alone(connection, memory, note, now)
        return True

    # time -------------------------------------------------------------------------------------------------------------

    def after(self) -> None:
        """The transaction is committed: note when the judged devices must be looked at again. Only live has ticks."""
        for uid in self._stepped if self._lane is Lane.LIVE else ():
            if uid in self.changed or uid not in self._queued:
                memory = self._memory.get(uid)
                if memory is not None:
                    self.watch(memory)
        self._stepped = []

    def watch(self, memory: DeviceMemory[S]) -> None:
        """Look at this device again when its time comes."""
        uid = memory.device.uid
        due = None if uid in self._put_off else self._engine.due(memory.state, memory.presence)
        if due is not None and due < self._queued.get(uid, due + 1):
            self._queued[uid] = due
            heapq.heappush(self._due.setdefault(memory.device.partition, []), (due, uid))

    def due(self, partition: int, clock_ms: int, most: int) -> list[str]:
        """Devices of a partition whose time has come. Those that were heard meanwhile are put off."""
        heap = self._due.get(partition, [])
        out: list[str] = []
        while heap and heap[0][0] <= clock_ms and len(out) < most:
            at, uid = heapq.heappop(heap)
            if self._queued.get(uid) != at:
                continue  # an earlier time was queued after this one
            del self._queued[uid]
            memory = self._memory.get(uid)
            if memory is None or uid in self._put_off:
                out.append(uid)  # forgotten with a transaction that failed: loaded again
                continue
            due = self._engine.due(memory.state, memory.presence)
            if due is not None and due <= clock_ms:
                out.append(uid)
            elif due is not None:
                self.watch(memory)
        return out

    def failing(self, uid: str) -> bool:
        """Whether the last step of this device that nothing but time asked for failed."""
        return uid in self._put_off

    def put_off(self, uids: Iterable[str]) -> None:
        """Ticks that failed. Nothing is lost, since time doesn't stop: each comes again, ever more seldom."""
        for uid in uids:
            of = partition_of(DeviceId(uid))
            failures = self._put_off.get(uid, 0) + 1
            if failures == 1:
                _log.error("tick_failed", lane=self._lane.value, device=uid, **where())
            stats.RETRIES.labels(self._lane.value, "tick").inc()
            self._put_off[uid] = failures
            at = self._clock_ms(of) + min(TICK_FIRST_MS << min(failures, 10), TICK_MOST_MS)
            self._queued[uid] = at
            heapq.heappush(self._due.setdefault(of, []), (at, uid))

    def forget_partitions(self, partitions: set[int]) -> None:
        """Another process watches them now."""
        for partition in partitions:
            for _, uid in self._due.pop(partition, []):
                self._queued.pop(uid, None)
                self._put_off.pop(uid, None)
