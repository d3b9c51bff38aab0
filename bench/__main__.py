"""`python -m bench [NAME…] [--quick] [--engine timescale]`: all benchmarks, or those named.

`python -m bench --against REV [NAME…] [--rounds N]`: by turns with another revision (`bench.against`).
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from bench import against
from bench.agent import agent
from bench.console import console
from bench.ground import GroundError, facts, ground
from bench.ingest import ingest1, ingest20
from bench.reads import reads
from bench.report import Result, save, show
from bench.run import Run
from bench.storage import storage
from bench.ticket import ticket

BENCHMARKS: Final[dict[str, Callable[[Run], Result]]] = {
    "ingest20": ingest20,
    "ingest1": ingest1,
    "ticket": ticket,
    "agent": agent,
    "storage": storage,
    "reads": reads,
    "console": console,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="one short round each, under two minutes")
    parser.add_argument("--against", metavar="REV", help=f"compare with this revision: {', '.join(against.NAMES)}")
    parser.add_argument("--rounds", type=int, default=3, help="of --against (3)")
    parser.add_argument("--engine", choices=("plain", "timescale"), default="plain", help="the database")
    arguments = parser.parse_args()
    known = tuple(against.NAMES if arguments.against else BENCHMARKS)
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no such benchmark: {unknown[0]}; there are {', '.join(known)}")
    began = time.monotonic()
    try:
        with ground(engine=arguments.engine) as made:
            machine = facts(made)
            print(_headline(machine), flush=True)
            if not arguments.against:
                run = Run(made=made, quick=arguments.quick)
                for name in arguments.names or BENCHMARKS:
                    _tell(BENCHMARKS[name](run), machine=machine, quick=arguments.quick, engine=arguments.engine)
        if arguments.against:  # once ours is gone: both bring their own
            result = against.against(arguments.against, names=arguments.names or known, rounds=arguments.rounds)
            _tell(result, machine=machine, quick=True, engine="plain")
    except GroundError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"\n{time.monotonic() - began:.0f} s in all; ratios count, absolute figures are this machine's alone.")
    return 0


def _tell(result: Result, *, machine: dict[str, Any], quick: bool, engine: str) -> None:
    show(result)
    path = save(result, facts=machine, options={"quick": quick, "engine": engine})
    print(f"  → {path.relative_to(path.parents[2])}", flush=True)


def _headline(machine: dict[str, Any]) -> str:
    database = machine["database"]
    return (
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, "
        f"mosquitto {machine['parts']['mosquitto']}, "
        f"PostgreSQL {database['server_version']}, fsync {database['fsync']}, {machine['devices']:,} devices, "
        f"load before {machine['load_before'][0]:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
