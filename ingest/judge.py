"""Judging inside the batch's transaction: the engine, then the stages; what fails is set aside, never lost (13)."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection

from ingest import stats
from ingest.admit import Admitted
from ingest.logs import where
from ingest.memory import LANES, SQL, DeviceMemory, Memory
from ingest.ports import Applied, Batch, Engine, Now, S, Stage, Work
from ingest.record import moment
from ingest.slices import slices
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.judge")
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Applied).decode
RETRIED: Final = 50
"""Reports taken up again in one transaction."""

Works = list[tuple[DeviceMemory[S], Work]]


class Judge(Generic[S]):
    """Steps the engine for the devices of a batch and runs the stages on what follows."""

    def __init__(
        self,
        *,
        lane: Lane,
        engine: Engine[S],
        stages: Sequence[Stage],
        memory: Memory[S],
        clock_ms: Callable[[int], int],
    ) -> None:
        self._lane = lane
        self._engine = engine
        self._stages = list(stages)
        self._memory = memory
        self._clock_ms = clock_ms
        self._due: dict[int, list[tuple[int, str]]] = {}
        self._queued: dict[str, int] = {}
        self._stepped: list[str] = []
        self.changed: dict[str, DeviceMemory[S]] = {}
        """Devices whose state changed in the present transaction."""

    async def run(
        self, connection: AsyncConnection[Any], admitted: Admitted[S], *, ticks: Iterable[str], now: Now, eventful: bool
    ) -> None:
        """Judge what was admitted, and the devices whose time has come.

        Their memory is taken up once: a partition may be left meanwhile, and what this transaction writes of its
        devices must be whole nevertheless.
        """
        self.changed = {}
        works: Works[S] = []
        for uid, work in admitted.works.items():
            memory = admitted.touched[uid]
            if memory.backlog:
                await self._set_aside(connection, memory, work, "waits behind an earlier failure")
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
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # the database is not there: nothing is wrong with the batch
        except Exception:  # noqa: BLE001
            # Whatever a stage or the engine stumbled over belongs to one device; the others must not wait for it.
            _log.exception("judgement_failed", lane=self._lane.value, devices=len(works))
            for memory, work in works:
                await self._alone(connection, memory, work, now)

    async def _together(self, connection: AsyncConnection[Any], works: Works[S], now: Now, *, eventful: bool) -> None:
        states: list[tuple[DeviceMemory[S], S]] = []
        effects = False
        step, lane = self._engine.step, self._lane
        times: dict[int, Now] = {}
        async for some in slices(works):
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
            async with connection.transaction():
                batch = Batch(lane=lane, now=now, works=[work for _, work in works])
                for stage in self._stages:
                    await stage.run(connection, batch)
        for memory, state in states:
            memory.state = state
            self.changed[memory.device.uid] = memory

    async def _alone(self, connection: AsyncConnection[Any], memory: DeviceMemory[S], work: Work, now: Now) -> None:
        try:
            async with connection.transaction():
                await self._together(connection, [(memory, work)], now, eventful=True)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - set aside, said and counted; never lost
            of = work.applied[0].numbers if work.applied else None
            numbers = {} if of is None else {"epoch": of.epoch, "seq": of.seq, "reports": len(work.applied)}
            _log.error("device_not_judged", lane=self._lane.value, device=work.device.uid, **numbers, **where())
            await self._set_aside(connection, memory, work, type(error).__name__)

    async def _set_aside(self, connection: AsyncConnection[Any], memory: DeviceMemory[S], work: Work, why: str) -> None:
        """Stored, but not judged: taken up again later, in order."""
        if not work.applied:
            return
        memory.backlog = True
        rows = [(work.device.id, LANES[self._lane], moment(a.received_ms), why, _pack(a)) for a in work.applied]
        async with connection.cursor() as cursor:
            await cursor.executemany(SQL["write_to_judge"], rows)
        stats.TO_JUDGE.labels(self._lane.value).inc(len(rows))

    @property
    def waiting(self) -> bool:
        """Whether something of a device in memory was set aside."""
        return any(memory.backlog for memory in self._memory.all())

    async def retry(self, connection: AsyncConnection[Any], now: Now) -> bool:
        """Judge again what was set aside, device by device in order. True if something is left that may go now."""
        by_id = {m.device.id: m for m in self._memory.all() if m.backlog}
        if not by_id:
            return False
        rows = await (
            await connection.execute(
                SQL["next_to_judge"], {"devices": list(by_id), "lane": LANES[self._lane], "most": RETRIED}
            )
        ).fetchall()
        stuck: set[int] = set()
        for id_, device_id, facts in rows:
            if device_id in stuck:
                continue
            memory = by_id[device_id]
            work = Work(device=memory.device, lane=self._lane, applied=[_unpack(facts)], effects=[])
            try:
                async with connection.transaction():
                    await self._together(connection, [(memory, work)], now, eventful=True)
                    await connection.execute(SQL["judged"], {"id": id_})
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - it stays in to_judge with its error
                stuck.add(device_id)
                await connection.execute(SQL["judge_failed"], {"id": id_, "error": type(error).__name__})
        if len(rows) < RETRIED:
            for device_id, memory in by_id.items():
                if device_id not in stuck:
                    memory.backlog = False
        return len(rows) == RETRIED and len(stuck) < len({row[1] for row in rows})

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
        due = self._engine.due(memory.state, memory.presence)
        uid = memory.device.uid
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
            if memory is None:
                continue
            due = self._engine.due(memory.state, memory.presence)
            if due is not None and due <= clock_ms:
                out.append(uid)
            elif due is not None:
                self.watch(memory)
        return out

    def forget_partitions(self, partitions: set[int]) -> None:
        """Another process watches them now."""
        for partition in partitions:
            for _, uid in self._due.pop(partition, []):
                self._queued.pop(uid, None)
