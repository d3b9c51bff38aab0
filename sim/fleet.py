"""A fleet of N devices at wire level, for load: they speak the contract over a few MQTT connections.

`open`: publishes at a given rate without waiting for acknowledgements; numbers are contiguous per device and lane.
`closed`: each device is an honest agent: birth first, a window, acknowledgements, sending again.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from catalog.model import Model
from sim.bodies import Template, birth_body, fault_body, reading_templates
from sim.link import Endpoint, Link, Message, Refused
from sim.load import FaultSent, FaultState, FleetFault, Load, Outcome, moments
from sim.voice import ClosedLane, Heard, OpenLane
from wire.codec import decode_ack
from wire.errors import WireError
from wire.ids import DeviceId, mint_epoch
from wire.report import HELLO, Numbers
from wire.topics import Down, Lane, down, up

_BURST: Final = 256
"""Messages published before PUBACKs are looked at."""
_TICK_S: Final = 0.002
_PASSED_OVER: Final = 1000
"""Devices without room that are looked at in one go."""
_WAKE_S: Final = 0.25
"""How often it is looked for devices that made no progress."""
_BIRTH_PATIENCE_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
_HEARTBEAT_S: Final = 86_400.0
"""What a birth promises: the generator sends no heartbeats, and isn't to be called silent for it."""


class _Device(Struct, kw_only=True, eq=False):
    id: DeviceId
    link: Link
    topics: dict[Lane, str]
    lanes: dict[Lane, OpenLane]
    closed: dict[Lane, ClosedLane]
    birth_due: float = 0.0
    births: int = 0


class Fleet:
    """`devices` share `connections` connections evenly, `window` messages in flight on each at most.

    `seed`: chooses values and the order of devices. `faults`: planned ones; others by `raise_fault` while it runs.
    `clock`, `wall_ns`: monotonic seconds and the wall's clock.
    """

    def __init__(
        self,
        *,
        devices: Sequence[DeviceId],
        endpoint: Endpoint,
        model: Model,
        load: Load,
        seed: int = 0,
        connections: int = 4,
        window: int = 1000,
        faults: Iterable[FleetFault] = (),
        client_prefix: str = "steth-fleet",
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if not devices:
            raise ValueError("a fleet needs devices")
        self._model = model
        self._load = load
        self._clock = clock
        self._wall_ns = wall_ns
        dice = random.Random(f"{seed}/fleet")
        count = min(connections, len(devices))
        closed = load.mode == "closed"
        self._links = [
            Link(
                endpoint=endpoint,
                client_id=f"{client_prefix}-{dice.getrandbits(32):08x}-{number}",
                window=window,
                filters=[down(device, Down.ACK) for device in devices[number::count]] if closed else (),
                on_message=self._hear if closed else None,
            )
            for number in range(count)
        ]
        self._devices: dict[DeviceId, _Device] = {}
        self._by_ack: dict[str, _Device] = {}
        for number, device in enumerate(devices):
            epoch = mint_epoch()
            made = _Device(
                id=device,
                link=self._links[number % count],
                topics={lane: up(device, lane) for lane in Lane},
                lanes={lane: OpenLane(epoch=epoch) for lane in Lane},
                closed={lane: ClosedLane(epoch=epoch) for lane in Lane},
            )
            self._devices[device] = made
            self._by_ack[down(device, Down.ACK)] = made
        self._order = list(self._devices.values())
        dice.shuffle(self._order)
        self._turn = 0
        self._templates: list[Template] = reading_templates(
            model, lane=load.lane, readings=load.readings, content_type=load.content_type, seed=seed
        )
        self._made = 0
        self._planned = deque(sorted(moments(faults), key=lambda moment: moment[0]))
        self._asked: deque[tuple[DeviceId, str, FaultState]] = deque()
        self._waiting: dict[tuple[_Device, Lane], None] = {}
        self._wake_at = 0.0
        self._births = 0
        self.faults: list[FaultSent] = []
        """Grows while it runs."""

    def raise_fault(self, device: DeviceId, code: str, state: FaultState = "active") -> None:
        """Have `device` report a fault as soon as its connection has room. Raises KeyError for a device of no fleet."""
        self._asked.append((self._devices[device].id, code, state))

    async def run(self) -> Outcome:
        """Connect, be born, send the load, wait until it is acknowledged, leave.

        Raises `sim.link.Refused`, in an exception group, when the broker doesn't take a connection or isn't reached in
        `settle_s`.
        """
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(link.run(), name=f"fleet-link-{number}") for number, link in enumerate(self._links)
            ]
            try:
                async with asyncio.timeout(self._load.settle_s):
                    for link in self._links:
                        await link.ready()
            except TimeoutError:
                raise Refused("the broker could not be reached") from None
            await self._be_born()
            seconds = await self._send_load()
            await self._settle()
            outcome = self._outcome(seconds)
            for link in self._links:
                link.close()
            await asyncio.gather(*running)
        return outcome

    # Births -------------------------------------------------------------------------------------------------------

    async def _be_born(self) -> None:
        """Publish each birth; when closed, wait for the answers. All of it for as long as settling may take."""
        deadline = self._clock() + self._load.settle_s
        for device in self._order:
            while device.link.room <= 0 and self._clock() < deadline:
                await device.link.moved(_TICK_S * 5)
            if device.link.room > 0:
                self._publish_birth(device)
        if self._load.mode == "open":
            return
        while (unborn := self._unborn()) and self._clock() < deadline:
            now = self._clock()
            for device in unborn:
                if now >= device.birth_due and device.link.room > 0:
                    self._publish_birth(device)
            await self._links[0].moved(0.05)

    def _unborn(self) -> list[_Device]:
        return [device for device in self._order if not all(lane.open for lane in device.closed.values())]

    def _publish_birth(self, device: _Device) -> None:
        now_ms = self._now_ms()
        numbers = Numbers(epoch=device.closed[Lane.LIVE].epoch, seq=HELLO, floor=1, head=0, sent_ms=now_ms)
        body = birth_body(model=self._model, at=now_ms, content_type=self._load.content_type, interval_s=_HEARTBEAT_S)
        device.link.publish([(device.topics[Lane.LIVE], body, self._load.content_type, numbers.properties())])
        patience = _BIRTH_PATIENCE_S[min(device.births, len(_BIRTH_PATIENCE_S) - 1)]
        device.birth_due = self._clock() + patience
        device.births += 1
        self._births += 1

    # The load -----------------------------------------------------------------------------------------------------

    async def _send_load(self) -> float:
        began = self._clock()
        ended = began
        load = self._load
        while True:
            now = self._clock()
            passed = now - began
            self._due_faults(passed)
            allowed = load.messages if load.rate is None else min(load.messages, int(passed * load.rate) + 1)
            wanted = min(_BURST, allowed - self._made) if passed < load.seconds else 0
            made = self._produce(wanted, now) if wanted > 0 else 0
            if made:
                ended = self._clock()
            self._flush(now)
            done = self._made >= load.messages and not self._planned and not self._asked
            if done or passed >= load.seconds:
                return ended - began
            if made == wanted and allowed > self._made:
                await asyncio.sleep(0)
            elif made < wanted:
                await self._next_room()
            else:
                await asyncio.sleep(_TICK_S)

    async def _next_room(self) -> None:
        full = next((link for link in self._links if link.room <= 0), self._links[0])
        await full.moved(_TICK_S * 5)

    def _produce(self, wanted: int, now: float) -> int:
        """Let the next devices in turn make `wanted` reports, as far as there is room; returns how many."""
        now_ms = self._now_ms()
        open_ = self._load.mode == "open"
        batches: dict[Link, list[Message]] = {}
        rooms = {link: link.room for link in self._links}
        made = 0
        passed_over = 0
        while made < wanted and passed_over < min(len(self._order), _PASSED_OVER):
            device = self._order[self._turn % len(self._order)]
            lane = self._load.lane
            if not (rooms[device.link] > 0 if open_ else device.closed[lane].room):
                if open_:
                    break  # the order of devices is kept: each has its share
                self._turn += 1
                passed_over += 1
                continue
            body = self._templates[self._made % len(self._templates)].body(now_ms)
            if open_:
                rooms[device.link] -= 1
                numbers = device.lanes[lane].number(now_ms=now_ms)
                message = (device.topics[lane], body, self._load.content_type, numbers.properties())
                batches.setdefault(device.link, []).append(message)
            else:
                device.closed[lane].add(body)
                self._flush_lane(device, lane, now)
            self._turn += 1
            self._made += 1
            made += 1
        for link, messages in batches.items():
            link.publish(messages)
        return made

    def _due_faults(self, passed: float) -> None:
        while self._planned and self._planned[0][0] <= passed:
            _, planned, code, state = self._planned.popleft()
            self.raise_fault(planned, code, state)
        for _ in range(len(self._asked)):
            device_id, code, state = self._asked.popleft()
            device = self._devices[device_id]
            if not self._report_fault(device, code, state):
                self._asked.append((device_id, code, state))

    def _report_fault(self, device: _Device, code: str, state: FaultState) -> bool:
        closed = device.closed[Lane.LIVE]
        if device.link.room <= 0 or (self._load.mode == "closed" and not closed.room):
            return False
        now_ns = self._wall_ns()
        now_ms = now_ns // 1_000_000
        body = fault_body(code=code, state=state, at=now_ms, content_type=self._load.content_type)
        if self._load.mode == "closed":
            closed.add(body)
            self._flush_lane(device, Lane.LIVE, self._clock())
        else:
            numbers = device.lanes[Lane.LIVE].number(now_ms=now_ms)
            device.link.publish([(device.topics[Lane.LIVE], body, self._load.content_type, numbers.properties())])
        self.faults.append(FaultSent(device=device.id, code=code, state=state, published_ns=now_ns))
        return True

    # Closed ---------------------------------------------------------------------------------------------------------

    def _flush(self, now: float) -> None:
        """Publish what found no room, and now and then what made no progress."""
        if self._load.mode == "open":
            return
        if now >= self._wake_at:
            self._wake_at = now + _WAKE_S
            for device in self._order:
                for lane, closed in device.closed.items():
                    if closed.wake(now=now):
                        self._waiting[device, lane] = None
        for device, lane in list(self._waiting):
            del self._waiting[device, lane]
            self._flush_lane(device, lane, now)

    def _flush_lane(self, device: _Device, lane: Lane, now: float) -> None:
        closed = device.closed[lane]
        now_ms = self._now_ms()
        room = device.link.room
        messages: list[Message] = []
        while closed.to_send and len(messages) < room:
            numbers, body = closed.next(now=now, now_ms=now_ms)
            messages.append((device.topics[lane], body, self._load.content_type, numbers.properties()))
        if messages:
            device.link.publish(messages)
        if closed.to_send:
            self._waiting[device, lane] = None

    def _hear(self, topic: str, body: bytes) -> None:
        device = self._by_ack.get(topic)
        if device is None:
            return
        try:
            ack = decode_ack(body)
        except WireError:
            return
        if device.closed[ack.lane].hear(ack, now=self._clock()) is Heard.BACK:
            self._flush_lane(device, ack.lane, self._clock())

    # The end ------------------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        deadline = self._clock() + self._load.settle_s
        while self._clock() < deadline:
            self._flush(self._clock())
            open_lanes = sum(lane.unconfirmed for lane in self._closed_lanes() if not lane.broken)
            if not any(link.in_flight for link in self._links) and not open_lanes:
                return
            await self._links[0].moved(0.01)

    def _closed_lanes(self) -> list[ClosedLane]:
        return [lane for device in self._order for lane in device.closed.values()]

    def _now_ms(self) -> int:
        return self._wall_ns() // 1_000_000

    def _outcome(self, seconds: float) -> Outcome:
        closed = self._closed_lanes() if self._load.mode == "closed" else []
        links = self._links
        return Outcome(
            births=self._births,
            reports=self._made,
            readings=self._made * self._load.readings,
            published=sum(link.published for link in links),
            acknowledged=sum(link.acknowledged for link in links),
            refused=sum(link.refused for link in links),
            unacknowledged=sum(link.in_flight for link in links),
            seconds=round(seconds, 3),
            rate=round(self._made / seconds, 1) if seconds > 0 else 0.0,
            connections=sum(link.connections for link in links),
            faults=list(self.faults),
            confirmed=sum(lane.confirmed for lane in closed),
            unconfirmed=sum(lane.unconfirmed for lane in closed),
            sent_again=sum(lane.sent_again for lane in closed),
            strangers=sum(lane.broken for lane in closed),
            unborn=len(self._unborn()) if closed else 0,
        )
