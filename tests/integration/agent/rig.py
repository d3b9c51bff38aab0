"""One device's outbox and uplink beside a scripted server, on one event loop."""

import asyncio
from pathlib import Path
from typing import Self

from agent import system
from agent.adapters.port import Entry
from agent.clock import Clock, Now
from agent.outbox.outbox import Outbox
from agent.outbox.states import Limits
from agent.uplink.link import Endpoint
from agent.uplink.session import Identity
from agent.uplink.uplink import Uplink
from tests.integration.agent.server import Server, ended
from wire.commands import Command
from wire.ids import DeviceId, mint_device_id
from wire.items import Fault, Item, Readings
from wire.topics import Lane


class Rig:
    """``endpoint``: where the device connects, if not to ``port``, where the server always is."""

    def __init__(
        self,
        *,
        folder: Path,
        port: int,
        endpoint: Endpoint | None = None,
        limits: Limits | None = None,
        skew_ms: int = 0,
    ) -> None:
        self.device: DeviceId = mint_device_id()
        self.path = folder / f"{self.device}.outbox"
        self.limits = limits or Limits()
        self.endpoint = endpoint or Endpoint(host="127.0.0.1", port=port, client_id=self.device)
        self.server = Server(port=port, device=self.device, skew_ms=skew_ms)
        self.commands: list[Command] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        self.open()
        self.go_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.server.__aexit__()

    def open(self) -> None:
        """Open the outbox; nothing connects yet."""
        self.outbox = Outbox(path=self.path, limits=self.limits)
        self.clock = Clock(segments=self.outbox.segments, now=system.now(), machine=system.machine())
        self.uplink = Uplink(
            identity=Identity(device=self.device, model="generic-dr", interval_s=15.0),
            endpoint=lambda: self.endpoint,
            outbox=self.outbox,
            clock=self.clock,
            now=system.now,
            command=self.commands.append,
        )

    def go_up(self) -> None:
        """Connect, and stay so."""
        self._task = asyncio.create_task(self.uplink.run())

    async def go_down(self) -> None:
        """End the connection cleanly."""
        if self._task is not None:
            await ended(self._task)

    async def stop(self) -> None:
        """End the connection and close the outbox."""
        await self.go_down()
        self.outbox.close()

    async def put(self, *, live: list[Item] | None = None, bulk: list[Item] | None = None) -> None:
        """As an adapter does."""
        await self.outbox.aput(Entry(live=live or [], bulk=bulk or []), self.clock.moment(system.now()))

    def clock_now(self) -> Now:
        """The machine's clocks."""
        return system.now()

    async def emptied(self, seconds: float = 30.0) -> None:
        """Wait till everything was acknowledged."""
        await self.server.until(self._is_empty, "an empty outbox", seconds)

    def _is_empty(self) -> bool:
        return self.outbox.state.live.reports + self.outbox.state.bulk.reports == 0

    def codes(self) -> list[str]:
        """The fault codes that the server stored, in order."""
        return [item.code for item in self.server.items(Lane.LIVE) if isinstance(item, Fault)]

    def values(self) -> list[float]:
        """The bulk readings that the server stored, in order."""
        return [value for item in self.server.items(Lane.BULK) if isinstance(item, Readings) for value in item.value]


def fault(code: str) -> Fault:
    """A fault of now."""
    return Fault(at=system.now().wall, code=code, state="active")


def reading(value: float) -> Readings:
    """A reading of now."""
    return Readings(at=system.now().wall, metric=["exposure.mas"], value=[float(value)])


def bulky(value: float, rows: int) -> Readings:
    """Readings of about 18 bytes a row."""
    return Readings(at=system.now().wall, metric=["exposure.mas"] * rows, value=[float(value)] * rows)
