"""`steth sim …`: one simulated DR, a hospital of them, or a fleet for load."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sim.dr import DrConfig, PlannedFault
from sim.hospital import HospitalConfig, run_hospital


def run(argv: Sequence[str]) -> int:
    """The command line of the room; returns the exit status: 0, or 2 for what can't be understood."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "dr":
            config = HospitalConfig(drs=(_dr(arguments),), seconds=arguments.seconds)
        else:
            config = msgspec.json.decode(Path(arguments.config).read_bytes(), type=HospitalConfig)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"steth sim: {error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_hospital(config, stop=stop, now=lambda: datetime.now().astimezone())
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"steth sim: {error}\n")
        return 2
    return 0


def _dr(arguments: argparse.Namespace) -> DrConfig:
    host, _, port = arguments.to.rpartition(":")
    return DrConfig(
        name="dr",
        host=host,
        port=int(port),
        called=arguments.called,
        calling=arguments.calling,
        log=arguments.log,
        seed=arguments.seed,
        speed=arguments.speed,
        hour=arguments.hour,
        state=arguments.state,
        faults_per_day=arguments.faults_per_day,
        faults=tuple(arguments.fault),
    )


def _fault(text: str) -> PlannedFault:
    code, at, seconds = text.partition("@")
    if not at or not code:
        raise argparse.ArgumentTypeError("is not CODE@SECONDS")
    return PlannedFault(code=code, after_s=float(seconds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="steth sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dr = commands.add_parser("dr", help="one DR that sends DICOM images and writes a log")
    dr.add_argument("--to", default="127.0.0.1:11112", help="HOST:PORT of the agent's storage SCP")
    dr.add_argument("--called", default="STETH", help="AE title of the agent")
    dr.add_argument("--calling", default="SIMDR", help="AE title of the DR")
    dr.add_argument("--log", required=True, help="its log file")
    dr.add_argument("--state", help="a file that keeps its counters and unsent images over a restart")
    dr.add_argument("--seed", type=int, default=1)
    dr.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    dr.add_argument("--hour", type=float, help="time of the day at which its life begins; default: now")
    dr.add_argument("--faults-per-day", type=float, default=0.02, help="faults by themselves, per simulated day")
    dr.add_argument("--fault", type=_fault, action="append", default=[], metavar="CODE@SECONDS")
    dr.add_argument("--seconds", type=float, help="how long it lives; default: until stopped")
    hospital = commands.add_parser("hospital", help="several DRs from a configuration file (JSON)")
    hospital.add_argument("config")
    return parser
