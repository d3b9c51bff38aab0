"""A small server side of docs/rooms.md for one device: answers births, keeps marks, acknowledges, asks to go back."""

import asyncio
import contextlib
import socket
from typing import Any, NamedTuple, Self

import aiomqtt
from msgspec.structs import replace

from agent import system
from wire.codec import JSON, decode_report, decode_will, digest, encode
from wire.commands import Ack, Command, Will
from wire.ids import DeviceId, bucket
from wire.items import Birth, Item
from wire.report import HELLO, Numbers, parse_numbers
from wire.topics import Down, Lane, down


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it until it is over: asyncio.wait_for of Python 3.11, in aiomqtt, may swallow one cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)


class Mark(NamedTuple):
    epoch: str
    seq: int
    digest: str


class Stored(NamedTuple):
    numbers: Numbers
    items: list[Item]


NO_MARK = Mark("", 0, "")


class Server:
    """Survives the broker's death: connects again until closed."""

    def __init__(self, *, port: int, device: DeviceId, skew_ms: int = 0) -> None:
        self._port = port
        self._device = device
        self._skew_ms = skew_ms
        self._task: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._obeyed: dict[Lane, Mark] = {}
        self.marks = dict.fromkeys(Lane, NO_MARK)
        self.retired: set[str] = set()
        self.births: list[tuple[Numbers, Birth]] = []
        self.wills: list[Will] = []
        self.stored: dict[Lane, list[Stored]] = {Lane.LIVE: [], Lane.BULK: []}
        self.gaps: list[tuple[Lane, int, int]] = []
        self.backs: list[tuple[Lane, int]] = []
        self.duplicates = 0
        self.stale = 0
        self.arrived: list[tuple[Lane, int]] = []
        self.answers_births = True
        self.deaf: set[Lane] = set()
        """Lanes whose reports are lost on the way, as with a broker that forgot them."""
        self.mute: set[Lane] = set()
        """Lanes that are stored and not acknowledged."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        await self.until(lambda: self._client is not None, "the server's connection")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        await ended(self._task)

    def items(self, lane: Lane) -> list[Item]:
        """Everything stored of a lane, in order."""
        return [item for stored in self.stored[lane] for item in stored.items]

    async def until(self, ready: Any, what: str, seconds: float = 30.0) -> None:
        """Poll with a deadline."""
        async with asyncio.timeout(seconds) as limit:
            while not ready():
                assert limit.when() is not None, what
                if self._task is not None and self._task.done():
                    self._task.result()
                await asyncio.sleep(0.005)

    async def send(self, command: Command) -> None:
        await self.publish(down(self._device, Down.COMMAND), encode(command))

    async def publish(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        assert self._client is not None
        await self._client.publish(topic, body, qos=1, retain=retain)

    async def acknowledge(self, lane: Lane, *, hello: bool = False, back: int | None = None, **changes: Any) -> None:
        mark = self.marks[lane]
        known = Ack(lane=lane, epoch=mark.epoch, seq=mark.seq, digest=mark.digest, now=self._now())
        ack = replace(known, hello=hello, back=back)
        await self.publish(down(self._device, Down.ACK), encode(replace(ack, **changes)))

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    "127.0.0.1",
                    self._port,
                    protocol=aiomqtt.ProtocolVersion.V5,
                    clean_start=True,
                    timeout=1,
                    socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
                ) as client:
                    await client.subscribe(f"steth/1/{bucket(self._device)}/{self._device}/+", qos=1)
                    self._client = client
                    async for message in client.messages:
                        await self._take(message)
            self._client = None
            await asyncio.sleep(0.05)

    async def _take(self, message: aiomqtt.Message) -> None:
        channel = str(message.topic).rpartition("/")[2]
        body = bytes(message.payload)
        if channel == "will":
            self.wills.append(decode_will(body))
            return
        numbers = parse_numbers(message.properties.UserProperty)  # type: ignore[union-attr]  # MQTT 5 always has them
        assert numbers is not None
        report = decode_report(body, JSON)
        lane = Lane(channel)
        if numbers.seq == HELLO:
            birth = report.items[0]
            assert isinstance(birth, Birth)
            self.births.append((numbers, birth))
            if self.answers_births:
                for each in Lane:
                    await self.acknowledge(each, hello=True, echo=numbers.sent_ms)
            return
        self.arrived.append((lane, numbers.seq))
        if lane not in self.deaf:
            await self._numbered(lane, numbers, Stored(numbers, report.items), digest(body).hex())

    async def _numbered(self, lane: Lane, numbers: Numbers, report: Stored, digest_: str) -> None:
        mark = self.marks[lane]
        back = None
        if numbers.epoch in self.retired:
            self.stale += 1
            return
        if numbers.epoch != mark.epoch:
            if mark.epoch:
                self.retired.add(mark.epoch)
            mark = Mark(numbers.epoch, 0, "")
        if numbers.floor > mark.seq + 1:
            self.gaps.append((lane, mark.seq + 1, numbers.floor - 1))
            mark = Mark(mark.epoch, numbers.floor - 1, "")
        if numbers.seq <= mark.seq:
            self.duplicates += 1
        elif numbers.seq == mark.seq + 1:
            self.stored[lane].append(report)
            mark = Mark(mark.epoch, numbers.seq, digest_)
        elif self._obeyed.get(lane) != mark:
            self._obeyed[lane] = mark
            back = mark.seq + 1
            self.backs.append((lane, back))
        self.marks[lane] = mark
        if lane not in self.mute:
            await self.acknowledge(lane, back=back, echo=numbers.sent_ms)

    def _now(self) -> int:
        return system.now().wall + self._skew_ms
