"""Feeds the broker: reports of all devices in turn, numbered as agents number them, as fast as the broker takes them.

Bodies and numbering are the fleet's (`sim.bodies`, `sim.voice`). `sim.fleet` itself is one run from birth to end and
encodes as it sends; here packets are encoded before, so that sending costs the machine next to nothing while a subject
is measured, and the same devices go on with the same numbers after a pause.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import mqtt5

from bench.ground import MODEL
from sim.bodies import birth_body, reading_templates
from sim.voice import OpenLane
from wire.codec import JSON
from wire.ids import DeviceId, mint_epoch
from wire.report import HELLO, Numbers
from wire.topics import Lane, up

_LINKS: Final = 4
_BURST: Final = 50
"""Messages of one link before the next has its turn; always the same link for a device, as _BURST * _LINKS divides the
number of devices: its reports never overtake one another."""
_WINDOW: Final = 1000
"""In flight on a link at most."""
_IDS: Final = 60_000
_MINUTE_MS: Final = 60_000
_PUBACK_BYTES: Final = 4


class Publisher:
    """Blocking. `readings`: of a report; `lane`: theirs.

    Times of reports run on from the start of a minute, so that no run crosses a minute by chance: the engine notes
    once a minute how far a metric was judged, which is a row of state for each device.
    """

    def __init__(self, *, port: int, devices: Sequence[DeviceId], lane: Lane, readings: int) -> None:
        self._port = port
        self._devices = list(devices)
        self._topics = [up(device, lane) for device in devices]
        self._births = [up(device, Lane.LIVE) for device in devices]
        self._lanes = [OpenLane(epoch=mint_epoch()) for _ in devices]
        self._templates = reading_templates(MODEL, lane=lane, readings=readings, content_type=JSON, seed=1)
        self._made = 0
        self._behind_ms = time.time_ns() // 1_000_000 % _MINUTE_MS

    def births(self) -> list[bytes]:
        """A birth of each device, as packets."""
        now = self._now_ms()
        body = birth_body(model=MODEL, at=now, content_type=JSON, interval_s=86_400.0)
        return [
            _packet(number, topic, body, Numbers(epoch=lane.epoch, seq=HELLO, floor=1, head=0, sent_ms=now))
            for number, (topic, lane) in enumerate(zip(self._births, self._lanes, strict=True))
        ]

    def reports(self, count: int) -> list[bytes]:
        """The next reports, as packets, the devices in turn."""
        now = self._now_ms()
        made = []
        for number in range(count):
            turn = self._made % len(self._devices)
            body = self._templates[self._made % len(self._templates)].body(now + number // 100)
            made.append(_packet(number, self._topics[turn], body, self._lanes[turn].number(now_ms=now)))
            self._made += 1
        return made

    def publish(self, packets: Sequence[bytes], *, may: Callable[[], int | None] | None = None) -> None:
        """Publish all of them and wait until the broker has acknowledged them.

        `may`: how many may have been published by now, and None to stop at once; without it: all.
        """
        asyncio.run(_publish(self._port, packets, may or (lambda: len(packets))))

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self._behind_ms


def _link_of(number: int) -> int:
    return number // _BURST % _LINKS


def _packet(number: int, topic: str, body: bytes, numbers: Numbers) -> bytes:
    """The whole packet, with the id that it will have: ids go round on each link, far more of them than its window."""
    of_link = number // (_BURST * _LINKS) * _BURST + number % _BURST
    return mqtt5.PublishPacket(
        topic,
        body,
        qos=mqtt5.QoS.AT_LEAST_ONCE,
        packet_id=1 + of_link % _IDS,
        content_type=JSON,
        user_properties=numbers.properties(),
    ).write()


class _Wire(asyncio.Protocol):
    """One connection that only counts: what it wrote, and the PUBACKs that came (MQTT 5, 3.4: four bytes each)."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.connected = False
        self.lost = False
        self.sent = 0
        self.acknowledged = 0
        self._rest = b""
        self.moved = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost = True

    def data_received(self, data: bytes) -> None:
        if not self.connected:
            packet, size = mqtt5.read(memoryview(data))
            if type(packet) is not mqtt5.ConnAckPacket or packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
                raise RuntimeError("the broker refused the generator")
            self.connected = True
            data = data[size:]
        data = self._rest + data
        whole = len(data) // _PUBACK_BYTES
        if whole and (set(data[: whole * 4 : 4]) != {0x40} or set(data[1 : whole * 4 : 4]) != {2}):
            raise RuntimeError("the broker answered the generator with something else than success")
        self._rest = data[whole * 4 :]
        self.acknowledged += whole
        self.moved.set()

    @property
    def in_flight(self) -> int:
        return self.sent - self.acknowledged


async def _publish(port: int, packets: Sequence[bytes], may: Callable[[], int | None]) -> None:
    loop = asyncio.get_running_loop()
    wires: list[_Wire] = []
    for number in range(_LINKS):
        _, wire = await loop.create_connection(_Wire, "127.0.0.1", port)
        assert wire.transport is not None
        wire.transport.write(mqtt5.ConnectPacket(f"steth-bench-{number}", clean_start=True, keep_alive=0).write())
        wires.append(wire)
    done = 0
    while done < len(packets) or any(wire.in_flight for wire in wires):
        allowed = may()
        if allowed is None:
            break
        if any(wire.lost for wire in wires):
            raise RuntimeError("the broker left the generator")
        wire = wires[_link_of(done)]
        burst = min(_BURST - done % _BURST, len(packets) - done, allowed - done)
        if burst > 0 and wire.connected and wire.in_flight + burst <= _WINDOW:
            assert wire.transport is not None
            wire.transport.write(b"".join(packets[done : done + burst]))
            wire.sent += burst
            done += burst
            if _link_of(done) == 0:
                await asyncio.sleep(0)
        else:
            wire.moved.clear()
            try:
                async with asyncio.timeout(0.002):
                    await wire.moved.wait()
            except TimeoutError:
                continue
    for wire in wires:
        assert wire.transport is not None
        wire.transport.close()
