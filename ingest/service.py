"""One ingest process: claims partitions, connects their sessions, runs both lanes' writers (delivery 8, 9, 15)."""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from ingest import stats
from ingest.clocks import DAY_MS
from ingest.directory import Tail, changed
from ingest.fit import Fit
from ingest.memory import SQL
from ingest.message import Message
from ingest.metrics import MetricIds
from ingest.mqtt import Endpoint, Session
from ingest.ports import Allowed, Engine, Opened, S, Stage
from ingest.slices import Pace
from ingest.transact import Ownership
from ingest.turns import take_turns
from ingest.writer import LaneWriter
from store.errors import first_line
from store.pool import Pool
from wire.ids import PARTITIONS, buckets_of
from wire.topics import Channel, Lane, probe, up_filter

_log: Final = structlog.get_logger("ingest")

LEASE_S: Final = 6.0
RENEW_S: Final = 1.5
PROBE_S: Final = 1.0
LOOK_S: Final = 0.5
"""Between two looks at what operators changed."""
PROBE_LEAP_MS: Final = 5_000
"""The most a partition's clock advances from one probe to the next, whatever became of those between."""
REACH_DAYS: Final = 90
"""How old a reading may be, unless the settings keep them shorter or longer (``store.retention``)."""
_BEAT_S: Final = 0.25
_DIGESTS_S: Final = 600.0
RECEIVE_MAX: Final = 1_000
"""Unacknowledged messages of one session; the embedded broker's own limit lies above it."""
WRITERS: Final = 2
"""Of each lane, with every other partition and transactions of their own: while the database is busy with a batch of
one, the other computes."""
TICKS: Final = 500
"""Devices of one partition judged for time alone after one probe."""


def ease_collector() -> None:
    """For the process that runs ingest and nothing else: look for cycles seldom.

    A batch makes some fifty thousand objects that live until its commit and hold no cycles. With Python's own
    thresholds the collector went through them and the memory of all devices again and again: half of the whole time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def steady_ms() -> int:
    """A clock that nobody sets: milliseconds of it are only good for differences within this process."""
    return time.monotonic_ns() // 1_000_000


class Ingest(Generic[S]):
    """``run`` until cancelled; ``stop`` first for a clean end.

    ``name`` is unique among the processes (host and pid); ``wall_ms`` is the server's clock. Readings older than
    ``reach_days`` are set aside. ``allowed``: what may be kept.
    """

    def __init__(
        self,
        *,
        name: str,
        pool: Pool,
        endpoint: Callable[[], Endpoint],
        engine: Engine[S],
        opened: Opened,
        stages: Sequence[Stage],
        wall_ms: Callable[[], int],
        allowed: Allowed,
        reach_days: int = REACH_DAYS,
        writer: type[LaneWriter[S]] = LaneWriter,
    ) -> None:
        self._name = name
        self._pool = pool
        self._endpoint = endpoint
        self._wall_ms = wall_ms
        self._ids = MetricIds()
        fit = Fit(allowed=allowed, ids=self._ids)
        pace = Pace()
        self.owned: dict[int, Ownership] = {}
        self._sessions: dict[Lane, dict[int, Session]] = {lane: {} for lane in Lane}
        self._running: dict[Session, asyncio.Task[None]] = {}
        self._probed: dict[int, tuple[int, int]] = {}
        self._stopping = asyncio.Event()
        self._doubt = asyncio.Event()
        """The leases have to be looked at now."""
        self._spare = False
        self._lost: set[int] = set()
        self._tail = Tail()
        self.writers: dict[tuple[Lane, int], LaneWriter[S]] = {
            (lane, share): writer(
                lane=lane,
                pool=pool,
                engine=engine,
                opened=opened,
                stages=stages,
                ids=self._ids,
                fit=fit,
                owned=self.owned,
                ways=self._sessions[lane],
                on_lost=self._on_lost,
                on_probe=self._on_probe,
                on_handed=self._on_handed,
                wall_ms=wall_ms,
                steady_ms=steady_ms,
                reach_ms=reach_days * DAY_MS,
                pace=pace,
            )
            for lane in Lane
            for share in range(WRITERS)
        }

    def _writer(self, partition: int, lane: Lane) -> LaneWriter[S]:
        return self.writers[lane, partition % WRITERS]

    @property
    def ready(self) -> bool:
        """It owns partitions and all of their sessions are connected."""
        return bool(self.owned) and all(session.connected for session in self._running)

    def stop(self) -> None:
        """Finish what is in hand, write every state, give the partitions back."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until ``stop``."""
        await self._until_database()
        async with asyncio.TaskGroup() as group:
            writers = [
                group.create_task(writer.run(), name=f"ingest-{lane.value}-{share}")
                for (lane, share), writer in self.writers.items()
            ]
            beats = [
                group.create_task(work)
                for work in (
                    # That a lease isn't renewed is no matter: the fence, not the lease, keeps two owners apart.
                    take_turns("leases", self._renew, every_s=RENEW_S, sooner=self._doubt),
                    take_turns("probes", self._probe, every_s=PROBE_S),
                    take_turns("beat", self._beat, every_s=_BEAT_S),
                    take_turns("digests", self._forget_digests, every_s=_DIGESTS_S),
                    take_turns("directory", self._look, every_s=LOOK_S),
                )
            ]
            await self._stopping.wait()
            for task in beats:
                task.cancel()
            for writer in self.writers.values():
                await writer.stop()
            await asyncio.wait(writers)
            for lane, sessions in self._sessions.items():
                for partition in list(sessions):
                    await self._disconnect(partition, lane)
            await self._give_back()

    async def _until_database(self) -> None:
        while True:
            try:
                async with self._pool.connection() as connection:
                    await self._ids.load(connection)
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("database_unreachable", error=first_line(error))
                await asyncio.sleep(1)
            else:
                return

    # partitions -------------------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        """Keep the leases, claim what is free, leave to others their share."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["here"], {"name": self._name})
            rows = await connection.execute(
                SQL["renew"],
                {
                    "owner": self._name,
                    "ttl": LEASE_S,
                    "ids": list(self.owned),
                    "clocks": [o.clock_ms for o in self.owned.values()],
                },
            )
            kept = {row[0] async for row in rows}
            row = await (await connection.execute(SQL["others"], {"ttl": LEASE_S})).fetchone()
        alive = max(1, row[0] if row else 1)
        stats.LOST.inc(len(set(self.owned) - kept))
        gone = (set(self.owned) - kept) | self._lost
        self._lost = set()
        if gone:
            await self._drop(gone)
        share = -(-PARTITIONS // alive)
        if len(self.owned) > share:
            for partition in sorted(self.owned)[share:]:
                await self._release(partition)
        elif len(self.owned) < share:
            await self._claim(share - len(self.owned))
        await self._say_spare()
        stats.OWNED.set(len(self.owned))
        for lane in Lane:
            devices = sum(len(writer.memory) for (of, _), writer in self.writers.items() if of is lane)
            stats.DEVICES.labels(lane.value).set(devices)
            waiting = sum(writer.waiting for (of, _), writer in self.writers.items() if of is lane)
            stats.WAITING.labels(lane.value).set(waiting)
        stats.CONNECTED.set(sum(session.connected for session in self._running))

    async def _claim(self, most: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            rows = await connection.execute(SQL["claim_leases"], {"owner": self._name, "ttl": LEASE_S, "most": most})
            clocks: dict[int, int] = {id_: clock async for id_, clock in rows}
            if not clocks:
                return
            # Waits for the transactions of the owner before, if it still has one open.
            raised = await connection.execute(SQL["raise_generation"], {"ids": list(clocks)})
            generations: dict[int, int] = {id_: generation async for id_, generation in raised}
        await self._drop(set(generations))  # of one lost a moment ago there may be sessions left
        for partition, generation in sorted(generations.items()):
            self._lost.add(partition)  # until all of it is there: what breaks off here is begun anew
            self.owned[partition] = Ownership(partition=partition, generation=generation, clock_ms=clocks[partition])
            self._probed.pop(partition, None)
            for lane in Lane:
                self._connect(partition, lane)
                self._writer(partition, lane).join(partition)
            self._lost.discard(partition)
        stats.TAKEN.inc(len(generations))
        _log.info("partitions_claimed", partitions=sorted(generations), owned=len(self.owned))

    async def _say_spare(self) -> None:
        """A process that works for nobody must not look like one that works: it says so once, and isn't ready."""
        if self.owned or self._spare:
            self._spare = not self.owned
            return
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(SQL["holders"])).fetchall()
        holders = {str(owner): f"{count} for {left}" for owner, count, left in rows if owner is not None}
        _log.warning("no_partition_to_claim", held_by=holders)
        self._spare = True

    async def _release(self, partition: int) -> None:
        """Hand over without a takeover: what is unacknowledged goes to the next owner."""
        held = self.owned.get(partition)
        if held is None:  # lost while another was handed over
            return
        await self._drop({partition})
        async with self._pool.connection() as connection:
            await connection.execute(SQL["release"], {"id": partition, "owner": self._name, "clock": held.clock_ms})
        _log.info("partition_released", partition=partition)

    async def _give_back(self) -> None:
        async with self._pool.connection() as connection:
            for partition, held in self.owned.items():
                await connection.execute(SQL["release"], {"id": partition, "owner": self._name, "clock": held.clock_ms})
            await connection.execute(SQL["gone"], {"name": self._name})

    async def _drop(self, partitions: set[int]) -> None:
        for partition in partitions:
            self.owned.pop(partition, None)
            for lane in Lane:
                await self._disconnect(partition, lane)
        for writer in self.writers.values():
            writer.leave(partitions)

    def _on_lost(self, partitions: set[int]) -> None:
        """The fence says that another process has them: stop at once, tidy up with the next renewal."""
        partitions = partitions & self.owned.keys()  # what was given up in the middle of a batch is tidied up already
        for partition in partitions:
            del self.owned[partition]
        self._lost |= partitions
        stats.LOST.inc(len(partitions))
        _log.warning("partitions_lost", partitions=sorted(partitions))

    def _on_handed(self, devices: dict[str, int]) -> None:
        """Of these devices, in these partitions, bulk put something into the live lane."""
        for uid, partition in devices.items():
            self._writer(partition, Lane.LIVE).take_up(uid)

    def _on_taken_over(self) -> None:
        """Another client uses a session of ours. Whether it is the partition's new owner, the database knows: if it is
        not, the session connects again, and the partition isn't left for whoever knows its client id."""
        stats.TAKEN_OVER.inc()
        self._doubt.set()

    async def _look(self) -> None:
        """Has an operator changed a device? The batches read what, each for itself; this wakes them."""
        first = self._tail.since is None
        async with self._pool.connection() as connection:
            found = await changed(connection, self._tail)
        self._tail.settle()
        if found or first:
            for writer in self.writers.values():
                writer.look()

    # sessions ---------------------------------------------------------------------------------------------------------

    def _connect(self, partition: int, lane: Lane) -> None:
        filters = [up_filter(bucket, Channel(lane.value)) for bucket in buckets_of(partition)]
        if lane is Lane.LIVE:
            filters += [up_filter(bucket, Channel.WILL) for bucket in buckets_of(partition)]
            filters.append(probe(partition, lane))
        session = Session(
            endpoint=self._endpoint,
            client_id=f"steth-ingest-{partition:02d}-{lane.value}",
            partition=partition,
            filters=filters,
            receive_max=RECEIVE_MAX,
            on_message=self._writer(partition, lane).take,
            on_taken_over=self._on_taken_over,
            wall_ms=self._wall_ms,
        )
        self._sessions[lane][partition] = session
        self._running[session] = asyncio.create_task(session.run(), name=f"session-{partition:02d}-{lane.value}")

    async def _disconnect(self, partition: int, lane: Lane) -> None:
        session = self._sessions[lane].pop(partition, None)
        if session is not None:
            task = self._running.pop(session)
            await session.close()
            task.cancel()
            await asyncio.wait([task])

    # time -------------------------------------------------------------------------------------------------------------

    async def _probe(self) -> None:
        """Send a probe through the broker for each partition."""
        for partition in self.owned:
            if (session := self._sessions[Lane.LIVE].get(partition)) is not None:
                session.publish([(probe(partition, Lane.LIVE), f"{self._name} {self._wall_ms()}".encode())])

    def _on_probe(self, message: Message) -> None:
        """A probe came back, behind everything that was sent before it: the way works, and time passed on it."""
        held = self.owned.get(message.partition)
        sender, _, sent = message.body.decode(errors="replace").rpartition(" ")
        if held is None or sender != self._name or not sent.isdigit():
            return
        before = self._probed.get(message.partition)
        sent_ms = int(sent)
        self._probed[message.partition] = (message.link, sent_ms)
        if before is not None and before[0] == message.link:
            held.clock_ms += min(max(0, sent_ms - before[1]), PROBE_LEAP_MS)
        live = self._writer(message.partition, Lane.LIVE)
        live.tick(live.judge.due(message.partition, held.clock_ms, TICKS))

    async def _beat(self) -> None:
        """What happens now and then: owed acknowledgements, what waits to be judged."""
        for writer in self.writers.values():
            writer.beat()

    async def _forget_digests(self) -> None:
        """Digests of yesterday."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["forget_digests"])
