"""The agent's process: opens every device, runs them side by side, and serves metrics and health."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

from agent import system
from agent.backoff import backoff
from agent.clock import Now
from agent.config.shapes import Config, Device
from agent.device import DeviceAgent
from agent.errors import AgentError, ConfigError, NoRoom, described
from agent.health import serve
from agent.outbox.storage import Storage
from agent.uplink.box import box_of
from agent.uplink.endpoint import proxy
from agent.uplink.enrol import Identity, Unreachable, enrol, stored
from catalog.errors import CatalogError
from catalog.load import load
from catalog.model import Catalog


class Machine(Struct, frozen=True, kw_only=True):
    """What a test replaces: the clocks, this boot's name, the outbox's connection."""

    now: Callable[[], Now] = system.now
    name: Callable[[], str | None] = system.machine
    storage: type[Storage] = Storage


class App:
    """Opening it raises ``AgentError`` in one line where the configuration can't work on this machine."""

    def __init__(self, *, config: Config, machine: Machine | None = None) -> None:
        self._config = config
        self._machine = machine or Machine()
        self._log = structlog.get_logger(part="agent")
        self._catalog = known(config)
        self._folder = Path(config.agent.state)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise AgentError(f"{self._folder}: can't be made: {error.strerror}; choose another [agent] state") from None
        _listenable(config)
        self._box = box_of(self._folder)
        self.devices: dict[str, DeviceAgent] = {}
        """By name, those that are enrolled and open."""
        try:
            for device in config.devices:
                with contextlib.suppress(Unreachable, NoRoom):  # tried again, with a line in the log, by `run`
                    self._open(device)
        except AgentError:
            self.close()
            raise

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._config.agent.health is not None:
                    tasks.create_task(serve(self._config.agent.health, self.devices), name="health")
                for device in self._config.devices:
                    tasks.create_task(self._keep(device), name=device.name)
        except* AgentError as ended:
            raise AgentError(str(ended.exceptions[0])) from None
        finally:
            self.close()

    def close(self) -> None:
        """Commit what waits and give every outbox free."""
        for agent in self.devices.values():
            agent.close()

    async def _keep(self, device: Device) -> None:
        """Run one device; whatever it dies of, the others go on."""
        failures = 0
        told = ""
        while True:
            again = False
            try:
                agent = self.devices.get(device.name)
                if agent is None:
                    agent = await asyncio.to_thread(self._open, device)
                await agent.run()
                what = "it ended by itself"
            except NoRoom as error:
                what = str(error)
                told, again = what, told == what  # it may last for days
            except AgentError as error:
                what = str(error)
            except Exception as error:  # noqa: BLE001  # logged; its text could quote the equipment
                what = described(error)
            if not again:
                self._log.error("device failed, it is started again", name=device.name, error=what)
            gone = self.devices.pop(device.name, None)
            if gone is not None:
                await asyncio.to_thread(gone.close)
            await asyncio.sleep(max(backoff(failures, random.random()), 1.0))  # noqa: S311  # spreads, hides nothing
            failures += 1

    def _open(self, device: Device) -> DeviceAgent:
        agent = DeviceAgent(
            device=device,
            identity=self._identity(device),
            box=self._box,
            agent=self._config.agent,
            server=self._config.server,
            catalog=self._catalog,
            now=self._machine.now,
            machine=self._machine.name(),
            storage=self._machine.storage,
        )
        self.devices[device.name] = agent
        return agent

    def _identity(self, device: Device) -> Identity:
        server = self._config.server
        if device.id is not None and server.mqtt is not None:
            return Identity(device=device.id, mqtt=server.mqtt)
        kept = stored(self._folder, device.name)
        if kept is not None:
            # What the configuration says stands above what the server said when the device was enrolled.
            return kept if server.mqtt is None else Identity(device=kept.device, mqtt=server.mqtt)
        if server.api is None or device.code is None:
            raise AgentError(f"device {device.name}: is not enrolled; add [server] api, and the device's code")
        try:
            through = proxy(server)
        except (OSError, ValueError) as error:
            raise AgentError(f"[server] proxy_password_file: can't be read ({error}); correct it") from None
        return enrol(self._folder, device.name, api=server.api, code=device.code, proxy=through)


def known(config: Config) -> Catalog:
    """The catalog, once it knows every model, runbook and log pattern that the configuration names."""
    try:
        catalog = load(None if config.agent.catalog is None else Path(config.agent.catalog))
    except CatalogError as error:
        raise AgentError(f"the catalog can't be used: {error}") from None
    for index, device in enumerate(config.devices):
        _check(device, ("device", index), catalog)
    return catalog


def _check(device: Device, place: tuple[str | int, ...], catalog: Catalog) -> None:
    model = catalog.models.get(device.model)
    if model is None or model.kind == "base":
        models = ", ".join(sorted(key for key, found in catalog.models.items() if found.kind != "base"))
        raise ConfigError(f"{device.model} isn't known; choose of {models}", place=(*place, "model"))
    for runbook in device.policy.runbooks if device.policy else ():
        if runbook not in model.runbooks:
            books = ", ".join(model.runbooks)
            raise ConfigError(f"{runbook} isn't known; choose of {books}", place=(*place, "policy", "runbooks"))
    patterns = [pattern.id for pattern in model.log_patterns]
    for number, log in enumerate(device.log):
        for pattern in log.patterns:
            if pattern not in patterns:
                what = f"{pattern} isn't known; choose of {', '.join(patterns) or 'none'}"
                raise ConfigError(what, place=(*place, "log", number, "patterns"))


def _listenable(config: Config) -> None:
    """A port in use is said at once, before anything runs."""
    addresses: list[tuple[tuple[str | int, ...], str | None]] = [(("agent", "health"), config.agent.health)]
    addresses += [
        (("device", index, "dicom", "listen"), device.dicom.listen)
        for index, device in enumerate(config.devices)
        if device.dicom is not None
    ]
    addresses += [
        (("device", index, "astm", "listen"), device.astm.listen)
        for index, device in enumerate(config.devices)
        if device.astm is not None
    ]
    addresses += [
        (("device", index, "hl7", "listen"), device.hl7.listen)
        for index, device in enumerate(config.devices)
        if device.hl7 is not None
    ]
    for place, address in addresses:
        if address is None:
            continue
        try:
            _bind(address)
        except OSError as error:
            what = error.strerror or type(error).__name__
            raise ConfigError(
                f"can't listen on {address}: {what}; stop what uses it or choose another", place=place
            ) from None


def _bind(address: str) -> None:
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, target = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # As asyncio's servers do: on Windows reusing would steal the port of another, elsewhere it only forgives the past.
    option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, option, 1)
        probe.bind(target)
