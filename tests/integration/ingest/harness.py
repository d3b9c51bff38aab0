"""An ingest process's insides against a real broker and a real database, and a device that speaks the wire."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import aiomqtt
import psycopg
from msgspec import Struct
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from psycopg import AsyncConnection

from alerts.opened import OpenedAlerts
from ingest.mqtt import Endpoint
from ingest.ports import Allowed, Applied, Batch, Device, Effect, Now, OpenAlert, Presence, Stage
from ingest.service import Ingest
from ingest.writer import LaneWriter
from store.pool import open_pool
from tests.fixtures.allowed import Anything
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import Database
from wire.codec import JSON, decode_ack, encode_report
from wire.commands import Ack
from wire.ids import DeviceId, Epoch, bucket, mint_device_id, mint_epoch, partition
from wire.items import Birth, Fault, Item
from wire.report import Numbers, Report
from wire.topics import Down, Lane, down, up


def wall_ms() -> int:
    """The server's clock, as the processes use it."""
    return time.time_ns() // 1_000_000


def now() -> datetime:
    """The same clock as a moment."""
    return datetime.now(UTC)


async def until(look: Callable[[], Any], *, seconds: float = 15.0) -> Any:
    """Poll until ``look`` answers something true, and return it."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = look()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("what was waited for did not come")
        await asyncio.sleep(0.02)


class Counted(Struct, frozen=True):
    """A state that counts faults; the smallest engine that can be wrong."""

    faults: int = 0
    silent: bool = False


class FaultSeen(Effect, frozen=True, kw_only=True):
    """A fault was judged."""

    code: str
    number: int


class SilenceBegan(Effect, frozen=True, kw_only=True):
    """Nothing was heard of a device for two seconds of its partition's clock."""


class CountingEngine:
    """Judges each fault once, and a silence of two seconds."""

    SILENCE_MS = 2_000

    def fresh(self, device: Device, lane: Lane) -> Counted:
        """Nothing seen."""
        return Counted()

    def unpack(self, device: Device, lane: Lane, packed: bytes) -> Counted:
        """From "n s"."""
        faults, silent = packed.split()
        return Counted(int(faults), silent == b"1")

    def adopt(self, device: Device, lane: Lane, state: Counted | None, opened: Sequence[OpenAlert]) -> Counted:
        """As many faults as there are open alerts."""
        return Counted(len(opened)) if state is None else state

    def pack(self, state: Counted) -> bytes:
        """As "n s"."""
        return b"%d %d" % (state.faults, state.silent)

    def step(
        self, device: Device, lane: Lane, state: Counted, presence: Presence, applied: Sequence[Applied], now: Now
    ) -> tuple[Counted, list[Effect]]:
        """Count."""
        effects: list[Effect] = []
        if not applied and not state.silent and now.clock_ms >= presence.seen_clock_ms + self.SILENCE_MS:
            return Counted(state.faults, silent=True), [SilenceBegan()]
        if applied and state.silent:
            state = Counted(state.faults)
        for one in applied:
            for item in one.report.items:
                if isinstance(item, Fault):
                    state = Counted(state.faults + 1)
                    effects.append(FaultSeen(code=item.code, number=state.faults))
        return state, effects

    def urgent(self, before: Counted, after: Counted) -> bool:
        """Always."""
        return True

    def due(self, state: Counted, presence: Presence) -> int | None:
        """When the silence would begin."""
        return None if state.silent else presence.seen_clock_ms + self.SILENCE_MS


class Recorder:
    """A stage that writes each effect into the dead-letter-free corner of a test: the table gap is not touched."""

    name = "test.recorder"

    def __init__(self) -> None:
        self.fail: Callable[[Batch], Exception | None] = lambda batch: None
        self.last: Callable[[Batch], str] = lambda batch: ""
        """A statement after all others of a batch, whose answer isn't waited for."""

    async def run(self, connection: AsyncConnection[Any], batch: Batch) -> None:
        """One row of alert_event for each effect."""
        error = self.fail(batch)
        if error is not None:
            raise error
        for work in batch.works:
            for effect in work.effects:
                kind = type(effect).__name__
                detail = f"{effect.code} {effect.number}" if isinstance(effect, FaultSeen) else ""
                await connection.execute(
                    "INSERT INTO alert_event (dealer_id, device_id, org_id, at, learned_at, event,"
                    " from_state, to_state, message)"
                    " VALUES (1, %s, %s, now(), now(), %s, '', '', %s)",
                    (work.device.id, work.device.org_id, kind, detail),
                )
        if statement := self.last(batch):
            await connection.execute(statement.encode())


class Bench:
    """A database with one hospital, a broker, and ingest processes on them."""

    def __init__(self, *, database: Database, broker: Mosquitto) -> None:
        self.database = database
        self.broker = broker
        self.recorder = Recorder()

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement, run as the superuser."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def device(self, *, enrolled: bool = True) -> DeviceId:
        """A minted device."""
        uid = mint_device_id()
        self.sql("INSERT INTO org (name) VALUES ('h') ON CONFLICT DO NOTHING")
        self.sql(
            "INSERT INTO site (org_id, name) SELECT id, 's' FROM org WHERE kind = 'hospital' ON CONFLICT DO NOTHING"
        )
        self.sql(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name, enrolled_at)"
            " SELECT %s, org_id, id, %s, 'generic-dr', 'DR', CASE WHEN %s THEN now() END FROM site",
            uid,
            partition(bucket(uid)),
            enrolled,
        )
        return uid

    @contextlib.asynccontextmanager
    async def ingest(
        self,
        *,
        name: str = "one",
        stages: Sequence[Stage] | None = None,
        writer: type[LaneWriter[Counted]] = LaneWriter,
        engine: CountingEngine | None = None,
        allowed: Allowed | None = None,
        wait: bool = True,
        connections: int = 6,
    ) -> AsyncIterator[Ingest[Counted]]:
        """A running ingest, behind a gate that lets anything pass if none is given; stopped cleanly in the end."""
        async with open_pool(self.database.ingest, role="ingest", min_size=1, max_size=connections) as pool:
            made = Ingest(
                name=name,
                pool=pool,
                endpoint=lambda: Endpoint(host="127.0.0.1", port=self.broker.port),
                engine=engine or CountingEngine(),
                opened=OpenedAlerts(),
                stages=[self.recorder] if stages is None else stages,
                wall_ms=wall_ms,
                allowed=allowed or Anything(),
                writer=writer,
            )
            task = asyncio.create_task(made.run())
            if wait:
                await until(lambda: made.ready)
            try:
                yield made
            finally:
                made.stop()
                await asyncio.wait_for(task, 20)


class Client:
    """A device on the wire, without any cleverness: it sends what the test says."""

    def __init__(self, *, bench: Bench, uid: DeviceId) -> None:
        self.uid = uid
        self.epoch: Epoch = mint_epoch()
        self.acks: list[Ack] = []
        self._mqtt = aiomqtt.Client("127.0.0.1", bench.broker.port, protocol=aiomqtt.ProtocolVersion.V5)
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._mqtt.__aenter__()
        await self._mqtt.subscribe(down(self.uid, Down.ACK), qos=1)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        with contextlib.suppress(aiomqtt.MqttError):
            await self._mqtt.__aexit__(None, None, None)

    async def _read(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the test stopped its broker
            async for message in self._mqtt.messages:
                if isinstance(message.payload, bytes):
                    self.acks.append(decode_ack(message.payload))

    async def send(
        self,
        seq: int,
        *items: Item,
        lane: Lane = Lane.LIVE,
        floor: int = 1,
        head: int | None = None,
        epoch: Epoch | None = None,
        again: bool = False,
        offset_ms: int | None = None,
        at: int | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """Publish one numbered report; returns its body."""
        numbers = Numbers(
            epoch=epoch or self.epoch,
            seq=seq,
            floor=floor,
            head=seq if head is None else head,
            again=again,
            offset_ms=offset_ms,
            sent_ms=wall_ms(),
        )
        if body is None:
            body = encode_report(Report(at=at or wall_ms(), items=list(items)))
        await self.raw(up(self.uid, lane), body, numbers.properties())
        return body

    async def birth(
        self, *, boot: int = 1, epoch: Epoch | None = None, interval_s: float = 15.0, box: str | None = None
    ) -> None:
        """Publish a birth."""
        item = Birth(at=wall_ms(), boot=boot, agent="test", model="generic-dr", interval_s=interval_s, box=box)
        await self.send(0, item, epoch=epoch, head=0)

    async def raw(
        self, topic: str, body: bytes, properties: list[tuple[str, str]] | None = None, content_type: str = JSON
    ) -> None:
        """Publish anything at QoS 1."""
        mqtt = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        mqtt.ContentType = content_type
        if properties:
            mqtt.UserProperty = properties
        await self._mqtt.publish(topic, body, qos=1, properties=mqtt)

    async def acked(self, seq: int, *, lane: Lane = Lane.LIVE, seconds: float = 15.0) -> Ack:
        """The first acknowledgement that reaches a number."""
        found: Ack = await until(
            lambda: next((a for a in self.acks if a.lane is lane and a.seq >= seq and not a.hello), None),
            seconds=seconds,
        )
        return found
