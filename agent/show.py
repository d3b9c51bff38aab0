"""What a configuration would read and send: the hospital's first look into the glass box."""

from collections.abc import Iterator

from agent.app import known
from agent.config import Config, Device, Server
from agent.privacy import INVENTORY, REAGENT_INVENTORY, REAGENT_STATES, STATES
from catalog.model import Catalog, Model
from wire.ids import DeviceId
from wire.topics import Lane, down_filter, up, will


def show(config: Config) -> str:
    """The text. Raises ``AgentError`` where the configuration names what the catalog doesn't know."""
    catalog = known(config)
    lines: list[str] = []
    for device in config.devices:
        lines += [*_device(device, config, catalog), ""]
    return "\n".join(lines)


def _device(device: Device, config: Config, catalog: Catalog) -> Iterator[str]:
    model = catalog.models[device.model]
    yield f"device {device.name}: {model.name.en} / {model.name.zh} ({device.model})"
    yield from _where(device, config.server)
    yield f"  kept until acknowledged: {config.agent.state}"
    yield "  reads"
    for line in _sources(device):
        yield f"    {line}"
    yield "  sends readings (metric, unit, lane, every, source)"
    for name, signal in sorted(model.signals.items()):
        cadence = signal.cadence if isinstance(signal.cadence, str) else f"{signal.cadence:g} s"
        yield f"    {name}  {signal.unit or '1'}  {signal.lane.value}  {cadence}  {signal.source}"
    yield "  sends fault codes (code, severity, what it says), lane live"
    for code, fault in sorted(model.faults.items()):
        yield f"    {code}  {fault.severity}  {fault.name.en} / {fault.name.zh}"
    yield "  sends states, lane live"
    for name, values in sorted(STATES.items()):
        yield f"    {name}: {', '.join(sorted(values))}"
    for key in sorted(set(model.reagents.values())):
        for name, values in sorted(REAGENT_STATES.items()):
            yield f"    reagent.{key}.{name}: {', '.join(sorted(values))}"
    yield "  sends inventory, lane bulk"
    for name in sorted(INVENTORY):
        yield f"    {name}"
    for key in sorted(set(model.reagents.values())):
        yield f"    {', '.join(f'reagent.{key}.{what}' for what in sorted(REAGENT_INVENTORY))}"
    yield f"  sends of itself: births, heartbeats every {config.agent.heartbeat_s:g} s, replies, clock steps, losses"
    yield "  nothing else leaves: pixels, names, identifiers, dates of birth and lines of logs are never kept"
    yield from _policy(device, model, catalog)


def _where(device: Device, server: Server) -> Iterator[str]:
    if server.proxy is not None:
        who = "" if server.proxy_username is None else f" as {server.proxy_username}"
        yield f"  goes out through the HTTP proxy {server.proxy}{who}{_readable(server)}"
    if device.id is None:
        yield f"  to {server.mqtt or 'the broker that the server names'}, once enrolled at {server.api}"
        return
    own = DeviceId(device.id)
    yield f"  to {server.mqtt}: {up(own, Lane.LIVE)}, {up(own, Lane.BULK)}, {will(own)}"
    yield f"  hears {down_filter(own)}"


def _readable(server: Server) -> str:
    if server.mqtt is None or server.mqtt.startswith(("mqtts:", "wss:")):
        return ", which sees the broker's address and no more"
    return ", which can read all of it: write mqtts:// or wss://"


def _sources(device: Device) -> Iterator[str]:
    if device.host is not None:
        disks = ", ".join(device.host.disks) or "the system's disk"
        yield f"this machine every {device.host.every_s:g} s: CPU, memory, temperature, clock, {disks}"
    if device.dicom is not None:
        calling = ", ".join(device.dicom.calling) or "anybody"
        yield f"DICOM storage on {device.dicom.listen} as {device.dicom.ae_title} from {calling}: of images the header,"
        yield "  of dose reports the numbers, of procedure steps status and exposures"
    if device.folder is not None:
        every = f"{device.folder.every_s:g} s"
        yield f"DICOM files in {device.folder.path} every {every}: of images the header, of dose reports the numbers"
    if device.astm is not None:
        astm = device.astm
        where = f"on {astm.listen}" if astm.listen else f"from {astm.connect or astm.serial}"
        yield f"ASTM {where}: codes, signals and controls; patients' results are acknowledged and dropped unread"
    if device.hl7 is not None:
        where = f"from {device.hl7.connect}" if device.hl7.connect else f"on {device.hl7.listen}"
        yield f"HL7 {where}: ESU, EAN, INU and controls; patients' results are acknowledged and dropped unread"
    for log in device.log:
        yield f"log {log.path} by {', '.join(log.patterns) or 'all patterns of the model'}: codes and numbers only"
    if device == Device(name=device.name, model=device.model, id=device.id, code=device.code):
        yield "nothing: no source is configured"


def _policy(device: Device, model: Model, catalog: Catalog) -> Iterator[str]:
    if device.policy is None:
        yield "  runs no diagnostics by itself: there is no standing policy"
        return
    yield f"  runs without asking until {device.policy.valid_until}, as signed by {device.policy.signed_by}:"
    for key in device.policy.runbooks:
        book = catalog.runbooks.get(key)
        if book is not None and key in model.runbooks:
            steps = ", ".join(step.kind for step in book.steps)
            yield f"    {key}: {book.name.en} / {book.name.zh} ({steps})"
    for name, peer in sorted(device.echo.items()):
        yield f"    may ask the DICOM peer {name}: {peer.ae_title} at {peer.host}:{peer.port}"
