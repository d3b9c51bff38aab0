"""Prints what a configuration would read and send, for the hospital to check before anything runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from agent.adapters.sends import Sends, sends
from agent.app import known
from agent.config.shapes import Config, Device, Server
from agent.errors import AgentError
from agent.uplink.box import kept_box
from catalog.allowed import state_values
from catalog.model import CODE_TABLES, Catalog, CodeTable, Model, Signal
from wire.ids import DeviceId
from wire.topics import Lane, down_filter, up, will

_ASTM_TABLES: Final[tuple[CodeTable, ...]] = ("astm.comment", "astm.flag")
_HL7_TABLES: Final[tuple[CodeTable, ...]] = ("hl7.notification",)


def show(config: Config) -> str:
    """The text. Raises ``AgentError`` where the configuration names what the catalog doesn't know."""
    catalog = known(config)
    folder = Path(config.agent.state)
    lines = [*_box(folder), ""]
    for device in config.devices:
        lines += [*_device(device, config, catalog), ""]
    return "\n".join(lines)


def _box(folder: Path) -> Iterator[str]:
    try:
        box = kept_box(folder)
    except AgentError as error:
        yield f"box: {error}"
    else:
        yield f"box {box or '(named at the first start)'}, kept in {folder}: births say which"


def _device(device: Device, config: Config, catalog: Catalog) -> Iterator[str]:
    model = catalog.models[device.model]
    yield f"device {device.name}: {model.name.en} / {model.name.zh} ({device.model})"
    yield from _where(device, config.server)
    yield f"  kept until acknowledged: {config.agent.state}"
    yield "  reads"
    for line in _sources(device):
        yield f"    {line}"
    yield from _sends(sends(device, model), model)
    yield from _spellings(device, model)
    yield f"  sends of itself: births, heartbeats every {config.agent.heartbeat_s:g} s, replies, clock steps, losses"
    yield "  and what was refused: counts by source and reason, and a code's form such as AAA-AAA-99, never its text"
    yield "  nothing else leaves: pixels, names, identifiers, dates of birth and lines of logs are never kept"
    yield from _policy(device, model, catalog)


def _sends(can: Sends, model: Model) -> Iterator[str]:
    if can.metrics:
        yield "  sends readings (metric, unit, lane, every, source)"
    for name, signal in _named(can, model):
        cadence = signal.cadence if isinstance(signal.cadence, str) else f"{signal.cadence:g} s"
        yield f"    {name}  {signal.unit or '1'}  {signal.lane.value}  {cadence}  {signal.source}"
    if can.faults:
        yield "  sends fault codes (code, severity, what it says), lane live"
    for code in sorted(can.faults):
        fault = model.faults[code]
        yield f"    {code}  {fault.severity}  {fault.name.en} / {fault.name.zh}"
    if can.states:
        yield "  sends states, lane live"
    for name in sorted(can.states):
        yield f"    {name}: {', '.join(sorted(state_values(name, model)))}"
    if can.inventory:
        yield "  sends inventory, lane bulk"
    for name in sorted(can.inventory):
        yield f"    {name}"


def _named(can: Sends, model: Model) -> list[tuple[str, Signal]]:
    """Signals with their names; those of a test's controls differ in the control only, and share a line."""
    named: dict[str, tuple[list[str], Signal]] = {}
    for name in sorted(can.metrics):
        match name.split("."):
            case ["qc", assay, control, what]:
                named.setdefault(f"qc.{assay}.%s.{what}", ([], model.signals[name]))[0].append(control)
            case _:
                named[name] = [], model.signals[name]
    return [(name % "|".join(controls) if controls else name, signal) for name, (controls, signal) in named.items()]


def _spellings(device: Device, model: Model) -> Iterator[str]:
    """What an analyzer may write; anything else is refused and counted."""
    if device.astm is None and device.hl7 is None:
        return
    yield "  knows these spellings (what the analyzer writes: what is sent)"
    heard: list[CodeTable] = [*(_ASTM_TABLES if device.astm else ()), *(_HL7_TABLES if device.hl7 else ())]
    for title, table in (
        *((f"codes, {CODE_TABLES[name]}", model.codes.get(name, {})) for name in heard),
        ("tests", {raw: assay.key for raw, assay in model.assays.items()}),
        ("controls", model.controls),
        ("reagents", model.reagents if device.hl7 else {}),
    ):
        if table:
            yield f"    {title}"
            yield from (f"      {', '.join(raws)}: {meant or 'nothing'}" for meant, raws in _by_meaning(table))


def _by_meaning(table: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    meant: dict[str, list[str]] = {}
    for raw, meaning in table.items():
        meant.setdefault(meaning, []).append(raw)
    return sorted(meant.items())


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
        where = f"{device.dicom.listen}{_open_to(device.dicom.peers)}"
        yield f"DICOM storage on {where} as {device.dicom.ae_title} from {calling}: of images the header,"
        yield "  of dose reports the numbers, of procedure steps status and exposures"
    if device.folder is not None:
        every = f"{device.folder.every_s:g} s"
        yield f"DICOM files in {device.folder.path} every {every}: of images the header, of dose reports the numbers"
    if device.astm is not None:
        astm = device.astm
        where = f"on {astm.listen}{_open_to(astm.peers)}" if astm.listen else f"from {astm.connect or astm.serial}"
        yield f"ASTM {where}: codes, signals and controls; patients' results are acknowledged and dropped unread"
    if device.hl7 is not None:
        hl7 = device.hl7
        where = f"from {hl7.connect}" if hl7.connect else f"on {hl7.listen}{_open_to(hl7.peers)}"
        yield f"HL7 {where}: ESU, EAN, INU and controls; patients' results are acknowledged and dropped unread"
    for log in device.log:
        yield f"log {log.path} by {', '.join(log.patterns) or 'all patterns of the model'}: codes and numbers only"
    if device == Device(name=device.name, model=device.model, id=device.id, code=device.code):
        yield "nothing: no source is configured"


def _open_to(peers: tuple[str, ...]) -> str:
    return f" (open to {', '.join(peers)} alone)" if peers else ""


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
