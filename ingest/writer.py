"""The writer of one lane: batches of messages become transactions, and only then acknowledgements (delivery 10)."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from time import perf_counter
from typing import Any, Final, Generic

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from ingest import stats
from ingest.acks import Acks
from ingest.admit import Gate
from ingest.admitted import Admitted
from ingest.again import drop_known
from ingest.directory import Tail
from ingest.fit import Fit
from ingest.judge import Judge
from ingest.later import Later
from ingest.logs import count, numbers_of, say
from ingest.memory import Memory
from ingest.message import Message, Ways
from ingest.metrics import MetricIds
from ingest.owed import Owed
from ingest.ports import Engine, Now, Opened, S, Stage
from ingest.read import read
from ingest.record import add_readings, event_rows
from ingest.room import Room, no_partition
from ingest.roster import ChangedMeanwhileError, Roster, Turn, devices_of
from ingest.rows import ReadingRows
from ingest.slices import Pace
from ingest.transact import (
    AsideRow,
    Ownership,
    PartitionsLostError,
    copy_readings,
    fence,
    taken_lately,
    write_events,
    write_marks,
    write_rest,
    write_states,
)
from store.errors import first_line
from store.pool import Pool
from wire.ids import PARTITIONS, DeviceId, partition_of
from wire.times import time_of
from wire.topics import Lane, probe

_log: Final = structlog.get_logger("ingest.writer")

BATCH_MESSAGES: Final = 2_000
BATCH_BYTES: Final = 4 * 1024 * 1024
LINGER_S: Final = 0.01
"""How long a quiet lane waits for company; under load the previous commit is the wait."""
_POISON: Final = (psycopg.DataError, psycopg.IntegrityError, ArithmeticError, LookupError, TypeError, ValueError)
_PROBES: Final = frozenset(probe(partition, Lane.LIVE) for partition in range(PARTITIONS))


class LaneWriter(Generic[S]):
    """Owns the memory of a lane's devices in this process. One transaction at a time."""

    def __init__(
        self,
        *,
        lane: Lane,
        pool: Pool,
        engine: Engine[S],
        opened: Opened,
        stages: Sequence[Stage],
        ids: MetricIds,
        fit: Fit,
        owned: dict[int, Ownership],
        ways: Ways,
        on_lost: Callable[[set[int]], None],
        on_probe: Callable[[Message], None],
        on_handed: Callable[[dict[str, int]], None],
        wall_ms: Callable[[], int],
        steady_ms: Callable[[], int],
        reach_ms: int,
        pace: Pace,
    ) -> None:
        self._lane = lane
        self._pace = pace
        self._room = Room(pool=pool, reach_ms=reach_ms)
        self._pool = pool
        self._ids = ids
        self._owned = owned
        self._ways = ways
        self._on_lost = on_lost
        self._on_probe = on_probe
        self._on_handed = on_handed
        self._wall_ms = wall_ms
        self.memory: Memory[S] = Memory(lane=lane, engine=engine, opened=opened, clock_ms=self._clock_ms, had=ids.had)
        self.gate = Gate(lane=lane, memory=self.memory, clock_ms=self._clock_ms, fit=fit)
        self.later = Later(lane=lane, steady_ms=steady_ms)
        self.judge = Judge(
            lane=lane,
            engine=engine,
            stages=stages,
            memory=self.memory,
            later=self.later,
            clock_ms=self._clock_ms,
            pace=pace,
        )
        self.acks = Acks(lane=lane, ways=ways, wall_ms=wall_ms, steady_ms=steady_ms)
        self._pending: deque[Message] = deque()
        self._ticks: set[str] = set()
        self._look = False
        self._tail = Tail()
        self._changed: list[int] = []
        self._owed = Owed(steady_ms=steady_ms)
        self._roster = Roster(lane=lane, memory=self.memory, judge=self.judge, later=self.later, owed=self._owed)
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def waiting(self) -> int:
        """Messages that came and are in no transaction yet."""
        return len(self._pending)

    # what others put in ---------------------------------------------------------------------------------------------

    def take(self, message: Message) -> None:
        """A message of one of the lane's sessions. Read at once, while the database is busy with those before it."""
        if message.topic not in _PROBES:
            message.content = read(message.topic, message.body, message.content_type, message.properties)
        self._pending.append(message)
        self._wake.set()

    def join(self, partition: int) -> None:
        """Look after the devices of a partition just claimed."""
        self._roster.join(partition)
        self._wake.set()

    def look(self) -> None:
        """An operator changed a device: see in the next transaction, at once, what became of it."""
        self._look = True
        self._wake.set()

    def tick(self, uids: list[str]) -> None:
        """Judge these devices though nothing of them arrived."""
        self._ticks.update(uids)
        if uids:
            self._wake.set()

    def take_up(self, uid: str) -> None:
        """The other lane put something of this device into to_judge for this one."""
        self.later.add(uid)
        self._wake.set()

    def leave(self, partitions: set[int]) -> None:
        """Forget partitions: their messages come again to their new owner."""
        self._roster.leave(partitions)
        self._pending = deque(m for m in self._pending if m.partition not in partitions)

    def beat(self) -> None:
        """Owed acknowledgements, states that are due, judgements to be tried again."""
        self.acks.flush()
        if self.later.due or self._owed.due(all_of_them=self._stopping):
            self._wake.set()

    async def stop(self) -> None:
        """Finish what is here, write every state, then return from ``run``."""
        self._stopping = True
        self._wake.set()

    # the loop -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write batches until stopped. A broken database is waited for; nothing is acknowledged meanwhile."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._stopping and len(self._pending) < BATCH_MESSAGES:
                await asyncio.sleep(LINGER_S)
            while self._has_work():
                # What waits goes first, and in a transaction without new reports.
                await self._write([] if self.later.due and not self._stopping else self._next(), {})
                # A loop that never waits would starve the sessions; a commit usually did.
                await asyncio.sleep(0)
            if self._stopping:
                return

    def _has_work(self) -> bool:
        owed = self._owed.due(all_of_them=self._stopping)
        return bool(self._pending or self._ticks or self._roster.waiting or self._look or self.later.due or owed)

    def _next(self) -> list[Message]:
        batch: list[Message] = []
        size = 0
        while self._pending and len(batch) < BATCH_MESSAGES and size < BATCH_BYTES:
            message = self._pending.popleft()
            batch.append(message)
            size += len(message.body)
        return batch

    async def _write(self, messages: list[Message], poison: dict[int, str]) -> None:
        """Write a batch, whatever it takes: fence, bisect what the database refuses, wait for the database."""
        delay = 0.1
        while True:
            ticks, self._ticks = self._ticks, set()
            try:
                admitted = await self._transact(messages, ticks, poison)
            except PartitionsLostError as lost:
                self._forget(messages, ticks)
                self._on_lost(lost.partitions)
                self._ticks |= {uid for uid in ticks if partition_of(DeviceId(uid)) not in lost.partitions}
                messages = [m for m in messages if m.partition not in lost.partitions]
                if not messages:
                    return
            except _POISON as error:
                self._forget(messages, ticks)
                self._ticks |= ticks
                if no_partition(error):
                    stats.RETRIES.labels(self._lane.value, "no-partition").inc()
                    await self._room.wait()
                    continue
                reason = getattr(error, "sqlstate", None) or type(error).__name__
                stats.RETRIES.labels(self._lane.value, "refused").inc()
                if not messages:
                    self._ticks -= ticks
                    self.judge.put_off(ticks)
                    _log.error("nothing_but_time_was_refused", lane=self._lane.value, reason=reason)
                    await asyncio.sleep(delay)
                    return
                if len(messages) == 1:
                    if id(messages[0]) in poison:
                        # Not even its dead letter can be written. Its number stays unreached: the agent keeps it.
                        _log.error("message_left", lane=self._lane.value, reason=reason, **numbers_of(messages[0]))
                        self._acknowledge(messages, Admitted())
                        return
                    poison[id(messages[0])] = f"refused it: {reason}"
                else:
                    middle = len(messages) // 2
                    await self._write(messages[:middle], poison)
                    messages = messages[middle:]
            except (psycopg.Error, OSError, TimeoutError, PoolTimeout) as error:
                # Rolled back, or who knows: what was in memory may not be so in the database.
                self._forget(messages, ticks)
                self._ticks |= ticks
                stats.RETRIES.labels(self._lane.value, "database").inc()
                _log.warning("transaction_failed", lane=self._lane.value, error=first_line(error), again_in_s=delay)
                if self._stopping:
                    return  # unacknowledged: it comes again to the next owner
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            else:
                self._acknowledge(messages, admitted)
                return

    async def _transact(self, messages: list[Message], ticks: set[str], poison: dict[int, str]) -> Admitted[S]:
        began = perf_counter()
        now = Now(wall_ms=self._wall_ms(), clock_ms=0)
        turn = Turn(messages=messages, ticks=ticks, joined=self._roster.take_joined(), poison=poison, now=now)
        self._look = False
        self.judge.begin()
        if not messages:
            turn.later = self.later.take()
        try:
            # Somebody waits for a fault's ticket; nobody for what a probe or the time alone brings about.
            urgent = self._lane is Lane.LIVE and any(m.content is not None for m in messages)
            with self._pace.ahead() if urgent else nullcontext():
                return await self._transaction(turn, began)
        except BaseException as error:
            for uid in turn.later:
                self.later.add(uid)
            self._roster.give_back(turn.joined)
            self._look = True
            if isinstance(error, ChangedMeanwhileError):
                self._forget(messages, ticks)
                return await self._transact(messages, ticks, poison)
            raise

    async def _transaction(self, turn: Turn, began: float) -> Admitted[S]:
        async with self._pool.connection() as connection:
            async with connection.transaction():
                admitted = await self._admit(connection, turn)
                if not (named := self._ids.unsaved):
                    await self._apply(connection, turn, admitted)
            if named:
                # Names commit before the batch that uses them, or two batches would wait for each other's; and on this
                # very connection: one that waits for a second while it holds a first may wait for itself.
                await self._ids.ensure(connection)
                async with connection.transaction():
                    changed = self._changed
                    await self._fence(connection, turn.messages)
                    if set(self._changed) - set(changed):
                        raise ChangedMeanwhileError
                    await self._apply(connection, turn, admitted)
        ended = perf_counter()
        stats.COMMIT_S.labels(self._lane.value).observe(ended - turn.written_s)
        stats.BATCH_S.labels(self._lane.value).observe(ended - began)
        if self.later.handed:
            self._on_handed(self.later.handed)
        self._tail.settle()
        self._roster.committed(turn)
        return admitted

    async def _admit(self, connection: AsyncConnection[Any], turn: Turn) -> Admitted[S]:
        """Decide what becomes of each message. Reads only."""
        reports = [m for m in turn.messages if m.content is not None]
        await self._fence(connection, turn.messages)
        await self._roster.bring(connection, turn, self._changed, devices_of(reports))
        admitted: Admitted[S] = Admitted(known=await taken_lately(connection, reports, self.memory))
        async for some in self._pace.slices(self._lane, reports):
            if left := {m.partition for m in some} - self._owned.keys():  # meanwhile, and its devices are forgotten
                raise PartitionsLostError(left)
            self.gate.admit(some, admitted, poison=turn.poison)
        return admitted

    async def _apply(self, connection: AsyncConnection[Any], turn: Turn, admitted: Admitted[S]) -> None:
        """Everything that a batch writes."""
        now = time_of(turn.now.wall_ms)
        await drop_known(connection, admitted, self._ids)
        eventful, asides = await self._store(connection, admitted, now, turn.now.wall_ms)
        await self.judge.run(connection, admitted, ticks=turn.ticks, now=turn.now, eventful=eventful)
        if turn.later:
            await self.judge.take_up(connection, turn.later, turn.now)
        async with connection.pipeline():
            await write_rest(connection, self._lane, admitted, asides, now)
            turn.written = await self._checkpoint(connection, admitted, now)
            await write_marks(connection, self._lane, admitted, now)
            if admitted.hello:
                await self.acks.read_hello(connection, admitted.hello.values())
        turn.written_s = perf_counter()

    # the parts of a transaction that know more than their rows ------------------------------------------------------

    async def _fence(self, connection: AsyncConnection[Any], messages: list[Message]) -> None:
        """Only the owner of a partition may write what came through it."""
        wanted = {m.partition for m in messages} | set(self._owned)
        held = [self._owned[p] for p in wanted if p in self._owned]
        mine, self._changed = await fence(connection, held, self._tail)
        if lost := wanted - mine:
            raise PartitionsLostError(lost)

    async def _store(
        self, connection: AsyncConnection[Any], admitted: Admitted[S], now: datetime, now_ms: int
    ) -> tuple[bool, list[AsideRow]]:
        """Readings and events; whether there were events, and the readings to be set aside."""
        rows = ReadingRows()
        async for some in self._pace.slices(self._lane, list(admitted.works.items())):
            for uid, work in some:
                memory = admitted.touched[uid]
                for applied in work.applied:
                    if add_readings(memory, applied, self._ids, rows, now_ms=now_ms):
                        self._owed.add(uid)
        body, touched, asides = rows.split(now_ms=now_ms, oldest_ms=self._room.oldest_ms(now_ms))
        await copy_readings(connection, body, touched)
        events = [row for work in admitted.noted.values() for row in event_rows(work, learned_ms=now_ms)]
        await write_events(connection, events)
        stats.READINGS.labels(self._lane.value).inc(len(rows) - len(asides))
        stats.ASIDE.labels(self._lane.value).inc(len(asides))
        return bool(events), [(*aside, now) for aside in asides]

    async def _checkpoint(self, connection: AsyncConnection[Any], admitted: Admitted[S], now: datetime) -> list[str]:
        """States that must be written with this batch, and some whose turn it is."""
        due = {uid: memory for uid, memory in admitted.touched.items() if memory.must_write} | self.judge.changed
        waited = self._owed.due(all_of_them=self._stopping)
        due.update({uid: memory for uid in waited if (memory := self.memory.get(uid)) is not None})
        rows = []
        async for some in self._pace.slices(self._lane, list(due.values())):
            rows += [self.memory.packed(memory) for memory in some]
        await write_states(connection, self._lane, rows, now)
        return [*due, *waited]

    # after the commit ------------------------------------------------------------------------------------------------

    def _acknowledge(self, messages: list[Message], admitted: Admitted[S]) -> None:
        """PUBACK in order of arrival, then the application's acknowledgements."""
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(message.partition, []).append(message)
        for partition, of_partition in by_partition.items():
            if (way := self._ways.get(partition)) is not None:
                way.acknowledge(of_partition)
        self.acks.after(admitted, messages)
        self.judge.after()
        for message in messages:
            if message.content is None:
                self._on_probe(message)
        waited_ms = max(0, self._wall_ms() - messages[0].received_ms) if messages else None
        count(self._lane, admitted, len(messages), waited_ms)
        say(self._lane, admitted)

    def _forget(self, messages: list[Message], ticks: set[str]) -> None:
        """After a failed or uncertain commit (delivery 13)."""
        self.memory.forget([*devices_of(messages), *ticks, *self.judge.changed, *self.judge.used])

    # small things ----------------------------------------------------------------------------------------------------

    def _clock_ms(self, partition: int) -> int:
        held = self._owned.get(partition)
        return 0 if held is None else held.clock_ms
