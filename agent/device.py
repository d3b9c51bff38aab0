"""One device: its outbox, its uplink, its commands, its adapters, and its heartbeat."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from agent.adapters.port import Adapter
from agent.backoff import backoff
from agent.clock import Clock, Now
from agent.commands.commands import Allowance, Commands
from agent.commands.probes import Probes
from agent.config.certificate import files
from agent.config.file import until_ms
from agent.config.shapes import Agent, Device, Host, Server
from agent.errors import AgentError, OutboxError, described
from agent.outbox.outbox import Outbox
from agent.outbox.repeats import related, spans
from agent.outbox.states import Limits
from agent.outbox.storage import Storage
from agent.sink import DeviceSink
from agent.uplink.endpoint import endpoint, own
from agent.uplink.enrol import Identity
from agent.uplink.session import Identity as Reporter
from agent.uplink.uplink import Uplink
from catalog.model import Catalog
from wire.ids import BoxId, DeviceId

HEALTHY_MS: Final = 60_000
"""An adapter that ran so long before it failed starts again at once."""
_MB: Final = 1024 * 1024


class DeviceAgent:
    """Everything of one device. Opening raises ``AgentError`` where the outbox can't be used."""

    def __init__(
        self,
        *,
        device: Device,
        identity: Identity,
        box: BoxId | None,
        agent: Agent,
        server: Server,
        catalog: Catalog,
        now: Callable[[], Now],
        machine: str | None,
        storage: type[Storage],
    ) -> None:
        self.name = device.name
        self.id = DeviceId(identity.device)
        self.certificates = files(own(server, device))
        self.restarts: Counter[str] = Counter()
        """How often each adapter failed."""
        self._log = structlog.get_logger(part="device").bind(device=self.id, name=device.name)
        self._device = device
        self._model = catalog.models[device.model]
        self._now = now
        self._began = now().elapsed
        self._heartbeat_s = agent.heartbeat_s
        self.outbox = Outbox(
            path=Path(agent.state, f"{identity.device}.outbox"),
            limits=Limits(
                live_items=agent.live_items, bulk_bytes=agent.bulk_mb * _MB, report_bytes=agent.report_kb * 1024
            ),
            related=related(self._model),
            spans=spans(self._model),
            storage=storage,
        )
        self._clock = Clock(segments=self.outbox.segments, now=now(), machine=machine)
        self.sink = DeviceSink(device=self.id, model=self._model, outbox=self.outbox, clock=self._clock, now=now)
        host = device.host or Host()
        self._commands = Commands(
            device=self.id,
            outbox=self.outbox,
            sink=self.sink,
            clock=self._clock,
            now=now,
            known={key: catalog.runbooks[key] for key in self._model.runbooks if key in catalog.runbooks},
            allowance=allowance(device),
            measure=Probes(outbox=self.outbox, clock=self._clock, now=now, disks=host.disks, peers=device.echo).measure,
        )
        self.uplink = Uplink(
            identity=Reporter(device=self.id, model=device.model, interval_s=agent.heartbeat_s, box=box),
            endpoint=partial(endpoint, own(server, device), identity.mqtt, self.id),
            outbox=self.outbox,
            clock=self._clock,
            now=now,
            command=self._commands.submit,
        )
        self._commands.announce = self.uplink.announce

    async def run(self) -> None:
        """Until cancelled, or ``AgentError`` when the outbox must be opened anew."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.uplink.run(), name=f"{self.name}-uplink")
                tasks.create_task(self._commands.run(), name=f"{self.name}-commands")
                tasks.create_task(self._heartbeats(), name=f"{self.name}-heartbeats")
                for name, make in self._adapters():
                    tasks.create_task(self._supervise(name, make), name=f"{self.name}-{name}")
        except* AgentError as ended:
            raise AgentError(str(ended.exceptions[0])) from None

    def close(self) -> None:
        """Commit what waits and give the outbox free."""
        self.sink.keep()
        self.outbox.close()

    async def _heartbeats(self) -> None:
        session = 0
        while True:
            await asyncio.sleep(self._heartbeat_s)
            if self.outbox.damaged:
                raise AgentError("the outbox is damaged; opening it anew")
            await asyncio.to_thread(self.sink.keep)
            # None while others wait: it would tell of the past, and a long outage must not fill the live lane with it.
            if not self.uplink.idle:
                continue
            if session != self.uplink.counters.connections:
                session = self.uplink.counters.connections
                self.sink.tell_again()
            try:
                await self.sink.heartbeat(uptime_s=(self._now().elapsed - self._began) / 1000, connected=None)
            except OutboxError as error:
                self._log.error("heartbeat not kept", error=str(error))

    def _adapters(self) -> list[tuple[str, Callable[[], Adapter]]]:
        """What is configured, imported only then: the libraries of what isn't would double the agent's memory."""
        device, model, sink = self._device, self._model, self.sink
        found: list[tuple[str, Callable[[], Adapter]]] = []
        if (host := device.host) is not None:
            from agent.adapters.host import HostAdapter  # noqa: PLC0415  # as said above

            found.append(
                (
                    "host",
                    lambda: HostAdapter(
                        config=host,
                        certificates=tuple(self.certificates.values()),
                        model=model,
                        sink=sink,
                        clock=self._clock,
                        now=self._now,
                    ),
                )
            )
        if (dicom := device.dicom) is not None:
            from agent.adapters.dicom.scp import DicomScp  # noqa: PLC0415  # as said above

            found.append(("dicom", lambda: DicomScp(config=dicom, model=model, sink=sink)))
        if (folder := device.folder) is not None:
            from agent.adapters.dicom.folder import FolderWatch  # noqa: PLC0415  # as said above

            found.append(("folder", lambda: FolderWatch(config=folder, model=model, sink=sink)))
        if (astm := device.astm) is not None:
            from agent.adapters.astm.adapter import AstmAdapter  # noqa: PLC0415  # as said above

            found.append(("astm", lambda: AstmAdapter(config=astm, model=model, sink=sink)))
        if (hl7 := device.hl7) is not None:
            from agent.adapters.hl7.adapter import Hl7Adapter  # noqa: PLC0415  # as said above

            found.append(("hl7", lambda: Hl7Adapter(config=hl7, model=model, sink=sink)))
        if device.log:
            from agent.adapters.logs.tail import LogTail  # noqa: PLC0415  # as said above

            for number, log in enumerate(device.log, 1):
                found.append((f"log-{number}", partial(LogTail, config=log, model=model, sink=sink)))
        return found

    async def _supervise(self, name: str, make: Callable[[], Adapter]) -> None:
        """Keep an adapter running; whatever it dies of, the others go on."""
        failures = 0
        while True:
            began = self._now().elapsed
            try:
                await make().run()
                what = "it ended by itself"
            except AgentError as error:
                what = str(error)
            except Exception as error:  # noqa: BLE001  # logged and counted; its text could quote the equipment
                what = described(error)
            if self._now().elapsed - began >= HEALTHY_MS:
                failures = 0
            self.restarts[name] += 1
            self._log.error("adapter failed, it is started again", adapter=name, error=what, times=self.restarts[name])
            await asyncio.sleep(max(backoff(failures, random.random()), 0.1))  # noqa: S311  # spreads, hides nothing
            failures += 1


def allowance(device: Device) -> Allowance | None:
    """The standing policy of a device's configuration."""
    if device.policy is None:
        return None
    return Allowance(runbooks=frozenset(device.policy.runbooks), until=until_ms(device.policy.valid_until))
