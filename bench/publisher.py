"""Fills the broker: the fleet's bodies and numbering, as fast as the broker takes them, in as many turns as asked.

`sim.fleet` is one run from birth to end; here the same devices go on with the same numbers after a pause.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from catalog.model import Model
from sim.bodies import birth_body, reading_templates
from sim.link import Endpoint, Link, Message
from sim.voice import OpenLane
from wire.codec import JSON
from wire.ids import DeviceId, mint_epoch
from wire.report import HELLO, Numbers
from wire.topics import Lane, up

_BURST: Final = 250
_LINKS: Final = 4
"""_BURST * _LINKS divides the number of devices and what is published in one turn."""
_MINUTE_MS: Final = 60_000


class Publisher:
    """Devices in turn, one report each, over four connections; blocking. `readings`: of a report; `lane`: theirs.

    Times of reports run on from the start of a minute, so that no run crosses a minute by chance: the engine notes
    once a minute how far a metric was judged, which is a row of state for each device.
    """

    def __init__(self, *, port: int, devices: Sequence[DeviceId], model: Model, lane: Lane, readings: int) -> None:
        self._endpoint = Endpoint(host="127.0.0.1", port=port)
        self._model = model
        self._devices = list(devices)
        self._topics = [up(device, lane) for device in devices]
        self._births = [up(device, Lane.LIVE) for device in devices]
        self._lanes = [OpenLane(epoch=mint_epoch()) for _ in devices]
        self._templates = reading_templates(model, lane=lane, readings=readings, content_type=JSON, seed=1)
        self._sent = 0
        now = time.time_ns() // 1_000_000
        self._behind = now % _MINUTE_MS

    def be_born(self) -> int:
        """A birth of each device; returns how many."""
        now = self._now_ms()
        body = birth_body(model=self._model, at=now, content_type=JSON, interval_s=86_400.0)
        messages: list[Message] = [
            (topic, body, JSON, Numbers(epoch=lane.epoch, seq=HELLO, floor=1, head=0, sent_ms=now).properties())
            for topic, lane in zip(self._births, self._lanes, strict=True)
        ]
        asyncio.run(self._publish(iter(messages), len(messages)))
        return len(messages)

    def publish(self, messages: int) -> float:
        """`messages` reports; returns the seconds it took until the broker had acknowledged them all."""
        began = time.monotonic()
        asyncio.run(self._publish(map(self._next, range(messages)), messages))
        return time.monotonic() - began

    def _next(self, _: int) -> Message:
        turn = self._sent % len(self._devices)
        body = self._templates[self._sent % len(self._templates)].body(self._now_ms())
        self._sent += 1
        numbers = self._lanes[turn].number(now_ms=self._now_ms())
        return (self._topics[turn], body, JSON, numbers.properties())

    async def _publish(self, messages: Iterator[Message], count: int) -> None:
        links = [Link(endpoint=self._endpoint, client_id=f"steth-bench-{n}", window=1000) for n in range(_LINKS)]
        running = [asyncio.create_task(link.run()) for link in links]
        for link in links:
            await link.ready()
        done = 0
        while done < count:
            # Always the same link for a device, or its reports could overtake one another.
            link = links[done // _BURST % _LINKS]
            burst = min(_BURST - done % _BURST, count - done, link.room)
            if burst <= 0:
                await link.moved(0.01)
                continue
            link.publish(islice(messages, burst))
            done += burst
            await asyncio.sleep(0)
        while any(link.in_flight for link in links):
            await links[0].moved(0.01)
        if any(link.refused for link in links):
            raise RuntimeError("the broker refused messages")
        for link in links:
            link.close()
        await asyncio.gather(*running)

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - self._behind
