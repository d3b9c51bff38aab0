"""A session over a link that the test holds the other end of, and a clock that it moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from msgspec import Struct

from agent.adapters.port import Entry
from agent.clock import Clock, Moment, Now
from agent.outbox.outbox import Outbox
from agent.uplink.link import Link, Message
from agent.uplink.session import Counters, Identity, Session
from tests.fixtures.hand import turns, until
from wire.codec import decode_report, digest, encode
from wire.commands import Ack, Command
from wire.ids import DeviceId
from wire.items import Fault, Item, Readings
from wire.report import Numbers, parse_numbers
from wire.topics import Down, Lane, down, up

DEVICE = DeviceId("d0000000001")
WALL = 1_795_000_000_000
"""Of the device, when the loop's clock is 0. The server is five seconds ahead."""
AHEAD = 5_000


class Sent(Struct, frozen=True):
    """A publish."""

    mid: int
    lane: Lane
    numbers: Numbers
    body: bytes

    @property
    def items(self) -> list[Item]:
        return decode_report(self.body).items

    @property
    def rows(self) -> int:
        """Readings in it."""
        return sum(len(item.metric) for item in self.items if isinstance(item, Readings))


class Wire:
    """The broker's and the server's side."""

    def __init__(self, *, packet_limit: int | None = None, takes: int = 1_000) -> None:
        """``takes``: publishes that wait for an answer at most."""
        self.packet_limit = packet_limit
        self.credit = takes
        self.sent: list[Sent] = []
        self.filters: list[str] = []
        self._down: asyncio.Queue[Message | None] = asyncio.Queue()

    async def subscribe(self, topic_filter: str) -> None:
        self.filters.append(topic_filter)

    def publish(self, topic: str, body: bytes, *, user: list[tuple[str, str]], content_type: str) -> int:
        (lane,) = [lane for lane in Lane if up(DEVICE, lane) == topic]
        numbers = parse_numbers(user)
        assert numbers is not None
        self.sent.append(Sent(len(self.sent) + 1, lane, numbers, body))
        self.credit -= 1
        return len(self.sent)

    async def messages(self) -> AsyncIterator[Message]:
        while (message := await self._down.get()) is not None:
            yield message

    def say(self, message: Message | None) -> None:
        """Send something down; None: the connection ends."""
        self._down.put_nowait(message)

    @property
    def births(self) -> list[Sent]:
        return [sent for sent in self.sent if sent.numbers.seq == 0]

    def numbers(self, lane: Lane = Lane.LIVE) -> list[int]:
        """Of the reports of a lane, in the order in which they were sent."""
        return [sent.numbers.seq for sent in self.sent if sent.lane is lane and sent.numbers.seq]


class Talk:
    """A session that runs."""

    def __init__(self, outbox: Outbox, wire: Wire) -> None:
        self.outbox = outbox
        self.wire = wire
        self.commands: list[Command] = []
        self.counters = Counters()
        self.clock = Clock(segments=[], now=self.now(), machine="m")
        self.wake = asyncio.Event()
        self.session = Session(
            identity=Identity(device=DEVICE, model="dr", interval_s=20.0),
            outbox=outbox,
            clock=self.clock,
            now=self.now,
            counters=self.counters,
            command=self.commands.append,
            wake=self.wake,
        )
        self.task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def over(
        cls, outbox: Outbox, *, limit: int | None = None, packet_limit: int | None = None, takes: int = 1_000
    ) -> AsyncIterator[Self]:
        """Begun, and ended with the test."""
        talk = cls(outbox, Wire(packet_limit=packet_limit, takes=takes))
        link: Link = talk.wire  # type: ignore[assignment]
        talk.task = asyncio.create_task(talk.session.run(link, limit=limit))
        try:
            await until(lambda: bool(talk.wire.births) or talk.ended)
            yield talk
        finally:
            talk.task.cancel()
            await asyncio.wait([talk.task])

    @property
    def ended(self) -> bool:
        return self.task is not None and self.task.done()

    def now(self) -> Now:
        elapsed = round(asyncio.get_running_loop().time() * 1000)
        return Now(wall=WALL + elapsed, elapsed=elapsed)

    def put(self, *items: Item, lane: Lane = Lane.LIVE) -> None:
        """Enter items, each a report of its own."""
        for item in items:
            entry = Entry(live=[item]) if lane is Lane.LIVE else Entry(bulk=[item])
            self.outbox.put(entry, Moment(at=WALL, segment=0))
        self.wake.set()

    def ack(
        self,
        lane: Lane,
        seq: int = 0,
        *,
        epoch: str | None = None,
        digest: str = "",
        hello: bool = False,
        back: int | None = None,
        echo: int | None = None,
    ) -> None:
        """Send an acknowledgement. ``epoch`` None: the outbox's own; "": the server knows no mark."""
        own = self.outbox.state.epoch if epoch is None else epoch
        now = self.now().wall + AHEAD
        message = Ack(lane=lane, epoch=own, seq=seq, digest=digest, now=now, hello=hello, back=back, echo=echo)
        self.wire.say(Message(down(DEVICE, Down.ACK), encode(message), False))

    def answer(self, sent: Sent, code: int = 0) -> None:
        """The broker's PUBACK."""
        self.wire.credit += 1
        self.session.on_puback(sent.mid, code)

    async def greet(self) -> None:
        """Answer the birth for both lanes: the server knows no mark."""
        for lane in Lane:
            self.ack(lane, epoch="", hello=True)
        await until(lambda: self.session.ready or self.ended)

    async def settled(self) -> None:
        """Everybody did what there was to do: the outbox's thread twice, for what follows of the first."""
        for _ in range(4):
            await turns()
            await self.outbox.interrupted()
        await turns()

    def digest_of(self, seq: int, lane: Lane = Lane.LIVE) -> str:
        """Of a report that was sent."""
        return next(digest(sent.body).hex() for sent in self.wire.sent if (sent.lane, sent.numbers.seq) == (lane, seq))

    async def error(self) -> BaseException:
        """What ended it."""
        await until(lambda: self.ended)
        assert self.task is not None
        error = self.task.exception()
        assert error is not None
        return error


def fault(code: str) -> Fault:
    """One to be told at once."""
    return Fault(at=WALL, code=code, state="event")


def reading(value: float, rows: int = 1) -> Readings:
    """One for bulk."""
    return Readings(at=WALL, metric=["m"] * rows, value=[value] * rows)
