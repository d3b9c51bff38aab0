"""`steth sim …`: one simulated DR or analyzer, a hospital of them, or a fleet for load."""

import argparse
import asyncio
import math
import random
import signal
import ssl
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from catalog.errors import CatalogError
from catalog.load import load
from sim.analyzer.device import AnalyzerConfig
from sim.dr import DrConfig
from sim.fleet import Fleet
from sim.hospital import HospitalConfig, run_hospital
from sim.link import Endpoint, Refused
from sim.load import FleetFault, Load, Outcome
from sim.pace import PlannedFault
from wire.codec import JSON, MSGPACK
from wire.ids import DeviceId, is_device_id
from wire.topics import Lane

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def run(argv: Sequence[str]) -> int:
    """The command line of the room. Returns the exit status: 0; 1 when the fleet's load was refused or stayed without
    an acknowledgement; 2 for what can't be understood or used."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "fleet":
            return _fleet(arguments)
        if arguments.command == "dr":
            config = HospitalConfig(drs=(_dr(arguments),), seconds=arguments.seconds)
        elif arguments.command == "analyzer":
            config = HospitalConfig(analyzers=(_analyzer(arguments),), seconds=arguments.seconds)
        else:
            config = _hospital(arguments)
        _run_until_signalled(config)
    except (OSError, ValueError, CatalogError) as error:
        sys.stderr.write(f"steth sim: {error}\n")
        return 2
    return 0


def _run_until_signalled(config: HospitalConfig) -> None:
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        run_hospital(config, stop=stop, now=lambda: datetime.now().astimezone())
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _dr(arguments: argparse.Namespace) -> DrConfig:
    particular = {"name": "dr", "called": arguments.called, "calling": arguments.calling}
    return msgspec.convert(particular | _device(arguments), DrConfig)


def _analyzer(arguments: argparse.Namespace) -> AnalyzerConfig:
    particular = {"name": "analyzer", "protocol": arguments.protocol, "model": arguments.model}
    return msgspec.convert(particular | _device(arguments), AnalyzerConfig)


def _device(arguments: argparse.Namespace) -> dict[str, object]:
    host, port = _address(arguments.to)
    return {
        "host": host,
        "port": port,
        "log": arguments.log,
        "seed": arguments.seed,
        "speed": arguments.speed,
        "hour": arguments.hour,
        "state": arguments.state,
        "faults_per_day": arguments.faults_per_day,
        "fault_scale": arguments.fault_scale,
        "faults": [{"code": code, "after_s": after} for code, after in arguments.fault],
    }


def _hospital(arguments: argparse.Namespace) -> HospitalConfig:
    config = msgspec.json.decode(Path(arguments.config).read_bytes(), type=HospitalConfig)
    if not config.drs and arguments.fault:
        raise ValueError(f"{arguments.config} has no DR for --fault")
    faults = tuple(PlannedFault(code=code, after_s=after) for code, after in arguments.fault)
    first = tuple(replace(dr, faults=(*dr.faults, *faults)) for dr in config.drs[:1])
    return replace(config, drs=(*first, *config.drs[1:]), seconds=arguments.seconds or config.seconds)


def _fleet(arguments: argparse.Namespace) -> int:
    dice = random.Random(f"{arguments.seed}/cli")
    devices = _devices(arguments, dice)
    models = load().models
    if arguments.model not in models:
        raise ValueError(f"the catalog has no model {arguments.model}")
    host, port = _address(arguments.to)
    tls = None
    if arguments.ca:
        tls = ssl.create_default_context(cafile=arguments.ca)
        if arguments.cert:
            tls.load_cert_chain(arguments.cert, arguments.key)
    password = None
    if arguments.password_file:
        password = Path(arguments.password_file).read_text(encoding="utf-8").splitlines()[0]
    config = msgspec.convert(
        {
            "messages": arguments.messages,
            "seconds": arguments.seconds,
            "rate": arguments.rate,
            "mode": arguments.mode,
            "lane": arguments.lane,
            "readings": arguments.readings,
            "content_type": {"json": JSON, "msgpack": MSGPACK}[arguments.content],
        },
        Load,
    )
    fleet = Fleet(
        devices=devices,
        endpoint=Endpoint(host=host, port=port, tls=tls, username=arguments.username, password=password),
        model=models[arguments.model],
        load=config,
        seed=arguments.seed,
        connections=arguments.connections,
        window=arguments.window,
        faults=[FleetFault(device=dice.choice(devices), code=code, at_s=after) for code, after in arguments.fault],
    )
    try:
        outcome = asyncio.run(fleet.run())
    except* Refused as refused:
        raise ValueError(str(refused.exceptions[0])) from None
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 0 if _well(outcome) else 1


def _well(outcome: Outcome) -> bool:
    return not any((outcome.refused, outcome.unacknowledged, outcome.unconfirmed, outcome.strangers, outcome.unborn))


def _devices(arguments: argparse.Namespace, dice: random.Random) -> list[DeviceId]:
    if arguments.ids is None:
        return [DeviceId("d" + "".join(dice.choices(_ALPHABET, k=12))) for _ in range(arguments.devices)]
    lines = Path(arguments.ids).read_text(encoding="utf-8").split()
    if not lines or not all(map(is_device_id, lines)):
        raise ValueError(f"{arguments.ids} must hold device ids, one a line")
    return [DeviceId(line) for line in lines]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{text} is not HOST:PORT")
    return host, int(port)


def _fault(text: str) -> tuple[str, float]:
    code, at, seconds = text.partition("@")
    try:
        after = float(seconds)
    except ValueError:
        after = -1.0
    if not (at and code and 0 <= after < math.inf):
        raise argparse.ArgumentTypeError("is not CODE@SECONDS")
    return code, after


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="steth sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dr = commands.add_parser("dr", help="one DR that sends images, dose reports and performed steps, and writes a log")
    dr.add_argument("--to", default="127.0.0.1:11112", help="HOST:PORT of the agent's storage SCP")
    dr.add_argument("--called", default="STETH", help="AE title of the agent")
    dr.add_argument("--calling", default="SIMDR", help="AE title of the DR")
    dr.add_argument("--log", required=True, help="its log file")
    _add_life(dr)
    analyzer = commands.add_parser("analyzer", help="one clinical chemistry analyzer")
    analyzer.add_argument("--protocol", choices=("astm", "hl7"), required=True, help="E1381 over TCP, or HL7 over MLLP")
    analyzer.add_argument("--to", required=True, help="HOST:PORT where the agent listens for it")
    analyzer.add_argument("--model", default="generic-analyzer")
    analyzer.add_argument("--log", help="the log file that an HL7 analyzer writes")
    _add_life(analyzer)
    hospital = commands.add_parser("hospital", help="several devices from a configuration file (JSON)")
    hospital.add_argument("config")
    hospital.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="CODE@SECONDS", help="at the first DR"
    )
    hospital.add_argument("--seconds", type=float, help="how long they live; default: as configured")
    fleet = commands.add_parser("fleet", help="many devices at wire level, for load; prints what it did as JSON")
    fleet.add_argument("--to", default="127.0.0.1:1883", help="HOST:PORT of the broker")
    fleet.add_argument("--devices", type=int, default=100, help="how many, with ids made up from the seed")
    fleet.add_argument("--ids", help="a file of ids that the server minted, one a line, instead")
    fleet.add_argument("--model", default="generic-dr")
    fleet.add_argument("--mode", choices=("open", "closed"), default="open", help="closed: honours acknowledgements")
    fleet.add_argument("--lane", choices=[lane.value for lane in Lane], default="bulk")
    fleet.add_argument("--content", choices=("json", "msgpack"), default="json")
    fleet.add_argument("--readings", type=int, default=20, help="of one message")
    fleet.add_argument("--rate", type=float, help="messages a second of all devices; default: as fast as it goes")
    fleet.add_argument("--messages", type=int, default=10_000)
    fleet.add_argument("--seconds", type=float, default=60.0)
    fleet.add_argument("--connections", type=int, default=4)
    fleet.add_argument("--window", type=int, default=1000, help="messages in flight on a connection")
    fleet.add_argument("--seed", type=int, default=1)
    fleet.add_argument("--fault", type=_fault, action="append", default=[], metavar="CODE@SECONDS")
    fleet.add_argument("--username")
    fleet.add_argument("--password-file", help="its first line is the password")
    fleet.add_argument("--ca", help="PEM file: TLS, and whom to trust")
    fleet.add_argument("--cert", help="PEM file of the client's certificate")
    fleet.add_argument("--key", help="PEM file of its key")
    return parser


def _add_life(device: argparse.ArgumentParser) -> None:
    device.add_argument("--state", help="a file that keeps its wear and what is unsent over a restart")
    device.add_argument("--seed", type=int, default=1)
    device.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    device.add_argument("--hour", type=float, help="time of the day at which its life begins; default: now")
    device.add_argument("--faults-per-day", type=float, default=0.02, help="faults by themselves, per simulated day")
    device.add_argument(
        "--fault-scale", type=float, default=1.0, help="how fast they come and go: 0.05 makes days an hour"
    )
    device.add_argument("--fault", type=_fault, action="append", default=[], metavar="CODE@SECONDS")
    device.add_argument("--seconds", type=float, help="how long it lives; default: until stopped")
