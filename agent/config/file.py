"""Reads the configuration file, and reports what is wrong as ``file:line: key: what is wrong; what to do``."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agent.config import shapes
from agent.config.addresses import broker, network_of, proxy_of
from agent.config.places import ANY, Place, line_of, nearest, places
from agent.config.shapes import Astm, Config, Device, Dicom, Hl7, Server
from agent.config.zones import zone_of
from agent.errors import AgentError, ConfigError
from wire.ids import is_device_id

MAX_BYTES: Final = 1_000_000
_SECTIONS: Final[dict[tuple[str, ...], type[Struct]]] = {
    (): shapes.Config,
    ("agent",): shapes.Agent,
    ("server",): shapes.Server,
    ("device",): shapes.Device,
    ("device", "host"): shapes.Host,
    ("device", "dicom"): shapes.Dicom,
    ("device", "folder"): shapes.Folder,
    ("device", "astm"): shapes.Astm,
    ("device", "hl7"): shapes.Hl7,
    ("device", "log"): shapes.Log,
    ("device", "policy"): shapes.Policy,
}
_HINTS: Final = {
    "listen": "write host:port, such as 0.0.0.0:11112",
    "connect": "write host:port of the analyzer, such as 192.168.1.20:5600",
    "health": "write host:port of the loopback, such as 127.0.0.1:9465",
    "ae_title": "write 1 to 16 printable ASCII characters",
    "calling": "write a list of AE titles, each of 1 to 16 printable ASCII characters",
    "peers": "write a list of addresses and networks, such as 10.0.0.5 and 10.0.1.0/24",
    "name": "write small letters, digits, dots and dashes",
    "model": "write a key of the catalog, such as generic-dr",
    "mqtt": "write mqtt://host:port or mqtts://host:port, or wss://host:443/mqtt where only the web's port is open",
    "proxy": "write http://host:port; user and password go into proxy_username and proxy_password_file",
    "proxy_username": "write the user that the proxy knows, without a colon",
    "valid_until": "write a date such as 2027-06-30, or a time with its zone",
    "checksum": "write false where the analyzer's frames bear no checksum, or none that is right; else leave it out",
    "record_per_frame": "write true where each frame is a record though no CR ends it; else leave it out",
    "disks": "write a list of folders",
    "patterns": "write a list of the model's log patterns",
    "runbooks": "write a list of the model's runbooks",
    "log": "write a section [[device.log]], in two brackets, for each log",
    "device": "write a section [[device]], in two brackets, for each device",
    "echo": "write a section [device.echo.NAME] with host, port and ae_title for each peer",
}


def load(path: Path) -> Config:
    """The configuration of a file, its relative paths made absolute against the file's folder.

    Raises ``ConfigError`` with file, line, key, what is wrong and what to do.
    """
    text = _read(path)
    found = places(text)
    try:
        raw = _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        match = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)\Z", str(error))
        line = int(match[1]) if match and match[1] else len(text.splitlines()) or 1
        what = str(error).removesuffix(match[0]) if match else str(error)
        todo = "write a path of Windows in single quotes" if "\\" in what else "correct this line"
        raise ConfigError(f"{path}:{line}: is not TOML: {what}; {todo}") from None
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        place, key, what = _explain(error, found)
        raise ConfigError(f"{path}:{line_of(place, found)}: {key}: {what}") from None
    _Check(path, found).all(config)
    return _absolute(config, path.resolve().parent)


def located(path: Path, error: ConfigError) -> ConfigError:
    """The same error with file, line and key, if it has a place."""
    if not error.place:
        return error
    line = line_of(error.place, places(_read(path)))
    return ConfigError(f"{path}:{line}: {_dotted(error.place)}: {error}")


def until_ms(valid_until: str) -> int:
    """When a policy ends, ms since 1970 UTC: at the end of the day (of the workstation's zone), or at the time given.
    Raises ``ValueError``."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", valid_until):
        end = datetime.combine(date.fromisoformat(valid_until) + timedelta(days=1), time()).astimezone()
    else:
        end = datetime.fromisoformat(valid_until)
        if end.tzinfo is None:
            raise ValueError("a time without its zone")
    return round(end.timestamp() * 1000)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}; give the path of a TOML file") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_BYTES} bytes; give the agent's configuration")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8; save the file as UTF-8") from None


def _plain(value: Any) -> Any:
    """TOML's own dates and times as text, which is what the shapes expect."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _explain(error: msgspec.ValidationError, found: dict[Place, int]) -> tuple[Place, str, str]:
    """The place, its key as text, and what is wrong and what to do."""
    text, _, where = str(error).partition(" - at `")
    # msgspec writes [...] for any key of a table whose keys are free.
    place: Place = tuple(
        int(index) if index else name or ANY
        for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]|\[\.\.\.\]", where)
    )
    section = tuple(part for part in place if isinstance(part, str))
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", text):
        place = nearest((*place, match[1]), found)
        names = [field.encode_name for field in msgspec.structs.fields(_SECTIONS.get(section, shapes.Peer))]
        close = get_close_matches(match[1], names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"possible are {', '.join(names)}"
        return place, _dotted(place), f"is no key of this section; {hint}"
    if match := re.fullmatch(r"Object missing required field `(.*)`", text):
        return place, _dotted((*place, match[1])), "is missing; add it"
    place = nearest(place, found)
    last = next((part for part in reversed(section) if part != ANY), "")
    if text.startswith("Invalid enum value"):
        given = text.removeprefix("Invalid enum value ")
        return place, _dotted(place), f"{given} is none of its values; write one of {', '.join(_values(section))}"
    what = re.sub(r"matching regex .*", "of another form", text.replace("`", "")).replace("Expected", "expected")
    return place, _dotted(place) or "file", f"{what}; {_HINTS.get(last, 'correct the value')}"


def _held(device: Device) -> Iterator[tuple[Place, str]]:
    """What the sources of a device have for themselves: addresses to listen on, lines, logs."""
    for section, source in (("dicom", device.dicom), ("astm", device.astm), ("hl7", device.hl7)):
        if source is not None and source.listen is not None:
            yield (section, "listen"), source.listen
    if device.astm is not None and device.astm.serial is not None:
        yield ("astm", "serial"), device.astm.serial
    for index, log in enumerate(device.log):
        yield ("log", index, "path"), log.path


def _values(place: tuple[str, ...]) -> list[str]:
    """What a key may be, of those of few values."""
    kinds = [field.type for field in msgspec.structs.fields(_SECTIONS[place[:-1]]) if field.encode_name == place[-1]]
    literals = [each for kind in kinds for each in (kind, *get_args(kind)) if get_origin(each) is Literal]
    return [str(value) for literal in literals for value in get_args(literal)]


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place if isinstance(part, str))


class _Check:
    """What the shapes can't say."""

    def __init__(self, path: Path, found: dict[Place, int]) -> None:
        self._path = path
        self._found = found

    def all(self, config: Config) -> None:
        self._server(config)
        if config.agent.health is not None:
            self._health(config.agent.health)
        names: dict[str, int] = {}
        ids: dict[str, int] = {}
        self._once(config)
        for index, device in enumerate(config.devices):
            place = ("device", index)
            self._unique(names, device.name, index, "name")
            if device.id is not None:
                self._unique(ids, device.id, index, "id")
            self._device(device, place)

    def _unique(self, known: dict[str, int], value: str, index: int, key: str) -> None:
        if value in known:
            line = line_of(("device", known[value], key), self._found)
            self._wrong(("device", index, key), f"is also that of the device in line {line}; give each its own")
        known[value] = index

    def _once(self, config: Config) -> None:
        known: dict[str, Place] = {config.agent.health: ("agent", "health")} if config.agent.health else {}
        for index, device in enumerate(config.devices):
            for key, what in _held(device):
                place = ("device", index, *key)
                # A log may tell of two devices; one that reads it twice would keep two places in it under one name.
                mark = f"{index}:{what}" if "log" in key else what
                if mark in known:
                    line = line_of(known[mark], self._found)
                    self._wrong(place, f"is also in line {line}; give each its own")
                known[mark] = place

    def _server(self, config: Config) -> None:
        server = config.server
        if server.mqtt is not None:
            try:
                broker(server.mqtt)
            except ValueError as error:
                self._wrong(("server", "mqtt"), f"{error}; {_HINTS['mqtt']}")
        elif any(device.id for device in config.devices):
            self._wrong(("server",), "mqtt is missing and a device has an id; say where its broker is")
        if server.api is not None and urlsplit(server.api).scheme not in {"http", "https"}:
            self._wrong(("server", "api"), "is no http(s) address; write http(s)://host:port")
        self._certificate(("server",), server)
        if server.password_file is not None and server.username is None:
            self._wrong(("server", "password_file"), "has no username beside it; add username")
        self._proxy(server)

    def _certificate(self, place: Place, of: Server | Device) -> None:
        if (of.cert is None) != (of.key is None):
            present = "key" if of.cert is None else "cert"
            self._wrong((*place, present), "a client certificate needs both cert and key; add the other one")

    def _proxy(self, server: Server) -> None:
        if server.proxy is not None:
            try:
                proxy_of(server.proxy)
            except ValueError as error:
                self._wrong(("server", "proxy"), f"{error}; {_HINTS['proxy']}")
        for key, given, needs in (
            ("proxy_username", server.proxy_username, server.proxy),
            ("proxy_password_file", server.proxy_password_file, server.proxy_username),
        ):
            if given is not None and needs is None:
                other = "proxy" if key == "proxy_username" else "proxy_username"
                self._wrong(("server", key), f"has no {other} beside it; add {other}")

    def _health(self, address: str) -> None:
        host = address.rpartition(":")[0].strip("[]")
        try:
            loopback = ip_address(host).is_loopback
        except ValueError:
            loopback = host == "localhost"
        if not loopback:
            self._wrong(("agent", "health"), f"is not on the loopback; {_HINTS['health']}")
        self._port(("agent", "health"), address)

    def _device(self, device: Device, place: Place) -> None:
        if (device.id is None) == (device.code is None):
            self._wrong(place, "needs exactly one of id and code; take what the server gave for this device")
        if device.id is not None and not is_device_id(device.id):
            self._wrong((*place, "id"), "is no device id; copy it from the server")
        self._certificate(place, device)
        if device.dicom is not None:
            self._port((*place, "dicom", "listen"), device.dicom.listen)
            self._peers((*place, "dicom", "peers"), device.dicom)
        if device.astm is not None:
            self._astm(device.astm, (*place, "astm"))
        if device.hl7 is not None:
            self._hl7(device.hl7, (*place, "hl7"))
        if device.policy is not None:
            try:
                until_ms(device.policy.valid_until)
            except ValueError as error:
                self._wrong((*place, "policy", "valid_until"), f"{error}; {_HINTS['valid_until']}")
        for index, log in enumerate(device.log):
            if not shapes.WILD.isdisjoint(str(Path(log.path).parent)):
                self._wrong((*place, "log", index, "path"), "has * or ? in a folder's name; only the file's may")
        zones: list[tuple[Place, str | None]] = [
            ((*place, "log", index, "time_zone"), log.time_zone) for index, log in enumerate(device.log)
        ]
        zones.append(((*place, "dicom", "time_zone"), device.dicom.time_zone if device.dicom else None))
        zones.append(((*place, "folder", "time_zone"), device.folder.time_zone if device.folder else None))
        zones.append(((*place, "astm", "time_zone"), device.astm.time_zone if device.astm else None))
        zones.append(((*place, "hl7", "time_zone"), device.hl7.time_zone if device.hl7 else None))
        for where, zone in zones:
            try:
                zone_of(zone)
            except AgentError as error:
                self._wrong(where, str(error))

    def _astm(self, astm: Astm, place: Place) -> None:
        if [astm.listen, astm.connect, astm.serial].count(None) != 2:
            self._wrong(place, "needs exactly one of listen, connect and serial; say how the analyzer is connected")
        if astm.answer_queries and astm.framing == "none":
            self._wrong((*place, "answer_queries"), "needs the E1381 link; leave it out, or set framing to e1381")
        self._peers((*place, "peers"), astm)
        for key, address in (("listen", astm.listen), ("connect", astm.connect)):
            if address is not None:
                self._port((*place, key), address)

    def _hl7(self, hl7: Hl7, place: Place) -> None:
        if (hl7.listen is None) == (hl7.connect is None):
            self._wrong(place, "needs exactly one of listen and connect; say which side opens the connection")
        self._peers((*place, "peers"), hl7)
        for key, address in (("listen", hl7.listen), ("connect", hl7.connect)):
            if address is not None:
                self._port((*place, key), address)

    def _peers(self, place: Place, of: Dicom | Astm | Hl7) -> None:
        if of.peers and of.listen is None:
            self._wrong(place, "says who may connect to us, and nobody does; leave it out, or set listen")
        for peer in of.peers:
            try:
                network_of(peer)
            except ValueError as error:
                self._wrong(place, f"{error}; {_HINTS['peers']}")

    def _port(self, place: Place, address: str) -> None:
        if not 0 < int(address.rpartition(":")[2]) <= 65_535:
            self._wrong(place, "has no port of 1 to 65535; correct the number behind the colon")

    def _wrong(self, place: Place, what: str) -> NoReturn:
        raise ConfigError(f"{self._path}:{line_of(place, self._found)}: {_dotted(place)}: {what}")


def _absolute(config: Config, folder: Path) -> Config:
    def path(name: str | None) -> str | None:
        return None if name is None else str(folder / name)

    agent, server = config.agent, config.server
    return replace(
        config,
        agent=replace(agent, state=str(folder / agent.state), catalog=path(agent.catalog)),
        server=replace(
            server,
            ca=path(server.ca),
            cert=path(server.cert),
            key=path(server.key),
            password_file=path(server.password_file),
            proxy_password_file=path(server.proxy_password_file),
        ),
        devices=tuple(
            replace(
                device,
                cert=path(device.cert),
                key=path(device.key),
                host=device.host and replace(device.host, disks=tuple(str(folder / d) for d in device.host.disks)),
                folder=device.folder and replace(device.folder, path=str(folder / device.folder.path)),
                log=tuple(replace(log, path=str(folder / log.path)) for log in device.log),
            )
            for device in config.devices
        ),
    )
