"""The agent's configuration: one TOML file, read once, as frozen structs.

Times are seconds, sizes as the name says. Unknown keys are refused: a misspelt key must not silently mean nothing.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from wire.items import Name

Port = Annotated[int, Meta(ge=1, le=65535)]
Address = Annotated[str, Meta(pattern=r"^(\[[0-9a-fA-F:.%]+\]|[^:\[\]\s]+):\d{1,5}\Z")]
"""``host:port``; an IPv6 address in brackets."""
AeTitle = Annotated[str, Meta(pattern=r"^[\x21-\x5b\x5d-\x7e]([\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?\Z")]
"""DICOM PS3.5 6.2, VR AE: 1 to 16 printable ASCII characters but no backslash."""
Peers = tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...]
"""Addresses and networks (``10.0.0.5``, ``10.0.1.0/24``, ``fd00::/8``) that may connect to a listener; none: any."""
Every = Annotated[float, Meta(ge=1, le=86_400)]


class Host(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.host]: the workstation itself. ``disks``: folders whose disks are watched; none: the system's."""

    every_s: Every = 60.0
    disks: tuple[str, ...] = ()


class Dicom(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.dicom]: a storage SCP. ``calling``: AE titles that may send; none: any. ``peers``: see ``Peers``.
    ``max_mb``: of one object; a larger one is counted, one four times as large ends the association.

    ``time_zone``: IANA name for times without an offset of their own; None: the workstation's own.
    """

    listen: Address
    ae_title: AeTitle = "STETH"
    calling: tuple[AeTitle, ...] = ()
    peers: Peers = ()
    max_mb: Annotated[int, Meta(ge=1, le=16_384)] = 256
    time_zone: str | None = None


class Folder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.folder]: a folder into which DICOM files are written; looked at every ``every_s`` seconds.

    ``time_zone``: as for [device.dicom].
    """

    path: str
    every_s: Every = 5.0
    time_zone: str | None = None


class Hl7(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.hl7]: an analyzer that speaks HL7 v2 over MLLP. Exactly one of ``listen`` (the analyzer connects to us)
    and ``connect`` (we connect to it). ``peers``: beside ``listen``. ``max_kb``: of one message. ``time_zone``: as for
    [device.dicom].
    """

    listen: Address | None = None
    peers: Peers = ()
    connect: Address | None = None
    max_kb: Annotated[int, Meta(ge=16, le=16_384)] = 256
    time_zone: str | None = None


class Astm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.astm]: an analyzer that speaks ASTM. Exactly one of ``listen`` (it connects to us), ``connect`` (we
    connect to it) and ``serial`` (a port such as ``/dev/ttyUSB0`` or ``COM3``, with ``baud`` to ``stop_bits``).
    ``peers``: beside ``listen``.

    ``framing``: ``none`` for one that sends bare records, without the E1381 link. ``checksum``: false for one whose
    frames bear none, or one that is never right. ``record_per_frame``: whether each frame that begins like a record is
    one, where no CR stands between; left out, that is judged by the frames. ``encoding``: of its texts.
    ``answer_queries``: tell it that there are no orders when it asks, for a line on which no LIS answers; where one
    does, we must keep silent. ``time_zone``: as for [device.dicom].
    """

    listen: Address | None = None
    peers: Peers = ()
    connect: Address | None = None
    serial: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    baud: Literal[1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    framing: Literal["e1381", "none"] = "e1381"
    checksum: bool = True
    record_per_frame: bool | None = None
    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"
    answer_queries: bool = False
    time_zone: str | None = None


WILD: Final = frozenset("*?")
"""What stands for any in the name of a log."""


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[device.log]]: a log file that grows, read by the log patterns of the device's model.

    ``path``: its name may have ``*`` and ``?``, where each day has a file of its own. ``patterns``: ids of those to
    use, none: all. ``encoding``: of the file; None: as each pattern says. ``utf-16`` finds the byte order out.
    ``time_zone``: IANA name for the times in it; None: the workstation's own. ``first_mb``: how much of the end of a
    log that is met for the first time is read; 0: only what comes.
    """

    path: str
    patterns: tuple[Name, ...] = ()
    encoding: Literal["utf-8", "gb18030", "latin-1", "utf-16", "utf-16-le", "utf-16-be"] | None = None
    time_zone: str | None = None
    every_s: Every = 1.0
    first_mb: Annotated[float, Meta(ge=0, le=1_000_000)] = 64.0


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.policy]: the hospital's standing consent. Without it no runbook runs.

    ``runbooks``: keys of the catalog that may run unasked. ``valid_until``: a date, its day included, or a time with
    its zone. ``signed_by``: who gave it, as text.
    """

    runbooks: tuple[Name, ...]
    valid_until: str
    signed_by: Annotated[str, Meta(min_length=1, max_length=200)]


class Peer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[device.echo.NAME]: a DICOM peer that a runbook may ask for an echo by its name (such as ``pacs``)."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Port = 104
    ae_title: AeTitle = "ANY-SCP"


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[device]]: one piece of equipment. ``model``: key of the catalog. Exactly one of ``id`` (minted by the server)
    and ``code`` (one-time, for enrolment). ``cert``, ``key``: its own client certificate instead of that of [server];
    a broker that goes by certificates wants one for each device."""

    name: Name
    model: Name
    id: str | None = None
    code: str | None = None
    cert: str | None = None
    key: str | None = None
    host: Host | None = None
    dicom: Dicom | None = None
    folder: Folder | None = None
    astm: Astm | None = None
    hl7: Hl7 | None = None
    log: tuple[Log, ...] = ()
    policy: Policy | None = None
    echo: dict[Name, Peer] = {}


class Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[server]. ``mqtt``: ``mqtt(s)://host:port``, or over WebSocket ``ws(s)://host:port/path``; may be left out while
    every device enrols.

    ``ca``, ``cert``, ``key``: PEM files. ``password_file``: its first line is the password. ``api``: ``http(s)://…``,
    needed for enrolment. ``proxy``: ``http://host:port`` of the HTTP proxy that both go through, with
    ``proxy_username`` and the first line of ``proxy_password_file`` where it wants them.
    """

    mqtt: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    username: str | None = None
    password_file: str | None = None
    api: str | None = None
    proxy: str | None = None
    proxy_username: Annotated[str, Meta(pattern=r"^[^:]{1,200}\Z")] | None = None
    proxy_password_file: str | None = None


class Agent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[agent]. ``state``: the folder of outboxes and identities. ``health``: loopback ``host:port`` for /metrics,
    /healthz and /readyz. Per device: ``live_items`` distinct live items at most, ``bulk_mb`` of bulk reports,
    ``report_kb`` the body of one report."""

    state: str
    heartbeat_s: Annotated[float, Meta(ge=1, le=3600)] = 15.0
    health: Address | None = None
    live_items: Annotated[int, Meta(ge=100, le=10_000_000)] = 50_000
    bulk_mb: Annotated[int, Meta(ge=1, le=1_000_000)] = 256
    report_kb: Annotated[int, Meta(ge=1, le=256)] = 64
    catalog: str | None = None
    """A folder of catalog files instead of the shipped ones."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    agent: Agent
    server: Server
    devices: Annotated[tuple[Device, ...], Meta(min_length=1, max_length=64)] = field(name="device")
