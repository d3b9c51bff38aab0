"""One connection of one device, from its birth to its end (docs/rooms.md, "A session of an agent")."""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from agent.clock import Clock, Now
from agent.errors import AgentError, DamagedReport, OutboxError
from agent.outbox.marks import Action, Asked
from agent.outbox.outbox import Outbox
from agent.outbox.states import Held
from agent.uplink.link import FAILURE, OVERHEAD, PACKET_TOO_LARGE, PAYLOAD_INVALID, Link, LinkError, Message
from agent.uplink.window import Window
from catalog.own_words import DAMAGED, REFUSED
from wire.codec import JSON, decode_ack, decode_command, encode_report
from wire.commands import Ack, Command
from wire.errors import WireError
from wire.ids import BoxId, DeviceId
from wire.items import Birth
from wire.limits import MAX_BODY
from wire.report import HELLO, Numbers, Report
from wire.topics import Down, Lane, down, down_filter, up

AGENT: Final = "steth-agent/0.1.0"
BIRTH_MAX_S: Final = 60.0
STUCK: Final = 4
"""Resends in a row after which the agent asks by a new birth where the server stands."""
BULK_AT_ONCE: Final = 8
"""Bulk reports between two looks at the live lane."""
SMALLEST: Final = 256
"""Bytes of a body below which splitting is given up."""
_STAMPS: Final = 512


class Renewed(AgentError):
    """A new epoch began: the connection must be made anew, for its will names the old one."""


class Counters(Struct, kw_only=True):
    """What happened on the way up since the agent started."""

    connections: int = 0
    sent: int = 0
    acknowledgements: int = 0
    ignored: int = 0
    """Messages from above that were not understood, or meant nothing."""
    refused: int = 0
    """Publishes that the broker answered with an error."""
    resends: int = 0
    epochs: int = 0


class Identity(Struct, frozen=True, kw_only=True):
    """Who reports: the device, its catalog model, the seconds between heartbeats, and the box, where it has a name."""

    device: DeviceId
    model: str
    interval_s: float
    box: BoxId | None = None


class Session:
    """Runs on one event loop. ``wake`` is set whenever there may be something to send."""

    def __init__(
        self,
        *,
        identity: Identity,
        outbox: Outbox,
        clock: Clock,
        now: Callable[[], Now],
        counters: Counters,
        command: Callable[[Command], None],
        wake: asyncio.Event,
    ) -> None:
        self._identity = identity
        self._outbox = outbox
        self._clock = clock
        self._now = now
        self._counters = counters
        self._command = command
        self._wake = wake
        self._log = structlog.get_logger(part="session").bind(device=identity.device)
        self._epoch = outbox.state.epoch
        self._windows = {Lane.LIVE: Window(), Lane.BULK: Window()}
        self._opened = asyncio.Event()
        self._stuck = asyncio.Event()
        self._asked = Asked.BIRTH
        self._flight: dict[int, tuple[Lane, int, int]] = {}
        self._refusals: deque[tuple[Lane, int, int, int]] = deque()
        self._stamps: OrderedDict[int, int] = OrderedDict()
        self._limit: int | None = None
        self.answered = False
        """Whether the birth was ever answered for both lanes."""
        self.largest = 0
        """The largest body that the broker hasn't answered yet."""

    @property
    def ready(self) -> bool:
        """Whether the birth was answered for both lanes."""
        return self._opened.is_set()

    @property
    def idle(self) -> bool:
        """Whether everything of the live lane was sent."""
        return self.ready and self._windows[Lane.LIVE].next > self._outbox.state.live.highest

    def announce(self, link: Link) -> None:
        """Send another birth; what is under way goes on."""
        if self.ready:
            self._birth(link)

    def on_puback(self, mid: int, code: int) -> None:
        """The broker's answer to a publish; an error is no delivery (delivery 12)."""
        sent = self._flight.pop(mid, None)
        if code >= FAILURE:
            self._counters.refused += 1
            if sent is not None:
                self._refusals.append((*sent, code))
        self._wake.set()

    async def run(self, link: Link, *, limit: int | None) -> None:
        """Until the connection ends (``LinkError``) or a new epoch begins (``Renewed``).

        ``limit``: bytes of a body that the broker takes, as learned by experience; None: not yet.
        """
        named = None if link.packet_limit is None else link.packet_limit - OVERHEAD
        self._limit = min((size for size in (named, limit) if size is not None), default=None)
        if self._limit is not None and self._limit < SMALLEST:
            raise LinkError(f"the broker takes packets of {link.packet_limit} bytes at most, too few for a report")
        await self._outbox.bound_reports(self._limit or MAX_BODY)
        await link.subscribe(down_filter(self._identity.device))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receive(link), name="receive")
                tasks.create_task(self._greet(link), name="greet")
                tasks.create_task(self._send(link), name="send")
        except* AgentError as ended:
            raise _worst(ended) from None

    # -- down ----------------------------------------------------------------------------------------------------------

    async def _receive(self, link: Link) -> None:
        device = self._identity.device
        async for message in link.messages():
            try:
                if message.topic == down(device, Down.ACK) and not message.retained:
                    await self._acknowledged(decode_ack(message.body))
                elif message.topic == down(device, Down.COMMAND) and not message.retained:
                    self._command(decode_command(message.body))
                else:
                    self._ignored(message, "not for this agent")
            except WireError as error:
                self._ignored(message, str(error))
        raise LinkError("the connection ended")

    def _ignored(self, message: Message, reason: str) -> None:
        self._counters.ignored += 1
        self._log.warning("message ignored", topic=message.topic, size=len(message.body), reason=reason)

    async def _acknowledged(self, ack: Ack) -> None:
        now = self._now()
        self._counters.acknowledgements += 1
        if ack.echo is not None and ack.echo in self._stamps:
            self._clock.answered(
                sent=ack.echo, server=ack.now, held=ack.held_ms, segment=self._stamps[ack.echo], now=now
            )
        window = self._windows[ack.lane]
        handshake = not window.is_open
        if handshake and not ack.hello:
            self._counters.ignored += 1
            return
        try:
            decision = await self._outbox.acknowledge(
                ack, self._asked if handshake else Asked.NOTHING, self._clock.peek(now).at
            )
        except OutboxError as error:
            self._log.error(
                "acknowledgement not kept", epoch=self._epoch, lane=ack.lane.value, seq=ack.seq, error=str(error)
            )
            return
        if decision.action is Action.IGNORE:
            self._counters.ignored += 1
            return
        if decision.action is Action.NEW_EPOCH:
            self._counters.epochs += 1
            self._log.warning(
                "new epoch", lane=ack.lane.value, reason=decision.reason.value, mark=ack.seq, theirs=ack.epoch,
                ours=self._epoch, now=self._outbox.state.epoch,
            )  # fmt: skip
            raise Renewed(decision.reason.value)
        lane = self._outbox.state.lane(ack.lane)
        seconds = now.elapsed / 1000
        if handshake:
            window.open(lane.lowest, now=seconds)
            if all(other.is_open for other in self._windows.values()):
                self.answered = True
                self._opened.set()
        elif decision.action is Action.DELETE:
            window.acked(decision.upto, now=seconds)
        if decision.back is not None and window.back(decision.back, mark=ack.seq, lowest=lane.lowest, now=seconds):
            self._log.info("going back", epoch=self._epoch, lane=ack.lane.value, seq=decision.back)
        self._wake.set()

    # -- birth ---------------------------------------------------------------------------------------------------------

    async def _greet(self, link: Link) -> None:
        while True:
            self._opened.clear()
            for window in self._windows.values():
                window.close()
            pause = 1.0
            while not self.ready:
                self._birth(link)
                try:
                    async with asyncio.timeout(pause * random.uniform(0.75, 1.25)):  # noqa: S311  # hides nothing
                        await self._opened.wait()
                except TimeoutError:
                    self._log.info("birth not answered", after_s=round(pause, 1))
                    pause = min(pause * 2, BIRTH_MAX_S)
            self._log.info("session open", epoch=self._epoch, boot=self._outbox.state.boot)
            self._stuck.clear()
            await self._stuck.wait()
            self._asked = Asked.BIRTH_STUCK

    def _birth(self, link: Link) -> None:
        now, state = self._clock.peek(self._now()), self._outbox.state
        who = self._identity
        birth = Birth(at=now.at, boot=state.boot, agent=AGENT, model=who.model, interval_s=who.interval_s, box=who.box)
        body = encode_report(Report(at=now.at, items=[birth], segment=now.segment))
        numbers = Numbers(
            epoch=self._epoch,
            seq=HELLO,
            floor=state.live.lowest,
            head=state.live.highest,
            offset_ms=self._clock.correction(now.segment),
            sent_ms=self._stamp(),
        )
        link.publish(up(self._identity.device, Lane.LIVE), body, user=numbers.properties(), content_type=JSON)

    def _stamp(self) -> int:
        moment = self._clock.peek(self._now())
        self._stamps[moment.at] = moment.segment
        while len(self._stamps) > _STAMPS:
            self._stamps.popitem(last=False)
        return moment.at

    # -- up ------------------------------------------------------------------------------------------------------------

    async def _send(self, link: Link) -> None:
        while True:
            self._wake.clear()
            await self._settle_refusals()
            self._expire()
            # Live first, and again after each few of bulk: live never waits behind bulk (delivery 8). A backlog of live
            # has the connection to itself as long as it gets on.
            while await self._send_some(link, Lane.LIVE) or await self._send_some(link, Lane.BULK):
                pass
            await self._sleep()

    async def _send_some(self, link: Link, lane: Lane) -> bool:
        """Send what the window allows, of bulk a few; False if nothing was sent."""
        window = self._windows[lane]
        if lane is Lane.BULK and self._seconds() < self._live_until():
            return False
        want = window.want(highest=self._outbox.state.lane(lane).highest, now=self._seconds(), credit=link.credit)
        if want is None:
            return False
        try:
            held = await self._outbox.fetch(
                lane,
                seq=want.seq,
                reports=want.reports if lane is Lane.LIVE else min(want.reports, BULK_AT_ONCE),
                size=want.size,
                alone=want.alone,
            )
        except DamagedReport as damage:
            self._log.error(
                "report damaged on the disk, a note takes its place", epoch=self._epoch, lane=lane.value, seq=damage.seq
            )
            await self._outbox.skip(lane, damage.seq, reason=DAMAGED)
            return True
        state = self._outbox.state
        if not held or state.epoch != self._epoch or window.next != want.seq:
            return False  # nothing, or an acknowledgement came in between and set the wake
        if held[0].seq != want.seq and (window.in_flight or held[0].seq != state.lane(lane).lowest):
            return False  # behind a hole of dropped reports: only when all before it is acknowledged the floor tells
        for report in held:
            if self._limit is not None and len(report.body) > self._limit:
                await self._split(lane, report.seq, self._limit)
                return True
            self._publish(link, lane, report)
        return True

    def _publish(self, link: Link, lane: Lane, report: Held) -> None:
        state = self._outbox.state.lane(lane)
        numbers = Numbers(
            epoch=self._epoch,
            seq=report.seq,
            floor=min(state.lowest, report.seq),
            head=state.highest,
            again=report.again,
            offset_ms=self._clock.correction(report.segment),
            sent_ms=self._stamp(),
        )
        size = len(report.body)
        mid = link.publish(up(self._identity.device, lane), report.body, user=numbers.properties(), content_type=JSON)
        self._flight[mid] = (lane, report.seq, size)
        self.largest = max((bytes_ for _, _, bytes_ in self._flight.values()), default=0)
        self._windows[lane].sent(report.seq, size, now=self._seconds())
        self._counters.sent += 1

    async def _settle_refusals(self) -> None:
        while self._refusals:
            lane, seq, size, code = self._refusals.popleft()
            self._log.warning(
                "report refused by the broker", epoch=self._epoch, lane=lane.value, seq=seq, size=size, code=code
            )
            if code == PAYLOAD_INVALID or (code == PACKET_TOO_LARGE and size <= SMALLEST):
                await self._outbox.skip(lane, seq, reason=REFUSED)
                self._renumbered(lane)
            elif code == PACKET_TOO_LARGE:
                self._limit = min(self._limit or size, size // 2)
                await self._outbox.bound_reports(self._limit)
                await self._split(lane, seq, self._limit)
            else:
                lowest = self._outbox.state.lane(lane).lowest
                self._windows[lane].refused(lowest=lowest, now=self._seconds(), jitter=random.random())  # noqa: S311  # as above

    async def _split(self, lane: Lane, seq: int, bound: int) -> None:
        self._log.info("report split", epoch=self._epoch, lane=lane.value, seq=seq, bound=bound)
        await self._outbox.split(lane, seq, bound=bound)
        self._renumbered(lane)

    def _renumbered(self, lane: Lane) -> None:
        """What was under way has another number or body now: forget what the broker will say of it."""
        self._flight = {mid: sent for mid, sent in self._flight.items() if sent[0] is not lane}
        self._refusals = deque(refusal for refusal in self._refusals if refusal[0] is not lane)
        self._windows[lane].restart(self._outbox.state.lane(lane).lowest, now=self._seconds())

    def _expire(self) -> None:
        for lane, window in self._windows.items():
            lowest = self._outbox.state.lane(lane).lowest
            if window.expire(lowest=lowest, now=self._seconds(), jitter=random.random()):  # noqa: S311  # as above
                self._counters.resends += 1
                self._log.info("sending again", epoch=self._epoch, lane=lane.value, seq=lowest, times=window.resends)
                if window.resends % STUCK == 0:
                    self._stuck.set()

    async def _sleep(self) -> None:
        dues = [due for window in self._windows.values() if (due := window.due()) is not None]
        if self._live_until() > self._seconds():
            dues.append(self._live_until())
        if not dues:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(max(min(dues) - self._seconds(), 0.05)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _live_until(self) -> float:
        return self._windows[Lane.LIVE].busy_until(highest=self._outbox.state.live.highest)

    def _seconds(self) -> float:
        return self._now().elapsed / 1000


def _worst(ended: BaseExceptionGroup[AgentError]) -> AgentError:
    """Of what ended the tasks together the one that says most: a new epoch is more than a lost connection."""
    errors = [error for error in ended.exceptions if isinstance(error, AgentError)]
    return next((error for error in errors if isinstance(error, Renewed)), errors[0])
