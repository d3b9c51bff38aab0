"""`agent`: memory, CPU and wake-ups of the installed agent at rest: connected, acknowledged, heartbeats, the host's
readings, a storage SCP that listens, and a log file that doesn't grow. Beside it, over the same time, an agent that
reads the host as often as its neighbour, and the neighbour: collectd."""

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from subprocess import Popen
from typing import Final

import psutil

from bench.ground import Ground
from bench.neighbour import INTERVAL_S, collectd
from bench.processes import command
from bench.report import Aim, Result, Table, number
from bench.rest import Rest, rest
from bench.run import Run
from tests.fixtures.ports import free_port
from wire.ids import DeviceId

_CONFIG: Final = """\
[agent]
state = "{folder}/{name}"
health = "127.0.0.1:{health}"

[server]
mqtt = "mqtt://127.0.0.1:{mqtt}"

[[device]]
name = "dr-1"
model = "generic-dr"
id = "{device}"

[device.host]
{host}

[device.dicom]
listen = "127.0.0.1:{dicom}"

[[device.log]]
path = "{folder}/dr.log"
"""
_SETTLE_S: Final = 10.0
_SUBJECTS: Final = {"agent": "", "agent-as-often": f"every_s = {INTERVAL_S}"}


def _agent(made: Ground, folder: Path, name: str, device: DeviceId) -> AbstractContextManager[Popen[bytes]]:
    health = free_port()
    config = folder / f"{name}.toml"
    config.write_text(
        _CONFIG.format(
            folder=folder, name=name, health=health, mqtt=made.broker.port, device=device, dicom=free_port(),
            host=_SUBJECTS[name],
        )
    )  # fmt: skip
    ready = f"http://127.0.0.1:{health}/readyz"
    return command(["steth-agent", str(config)], environment={}, log=folder / f"{name}.log", ready=ready)


def agent(run: Run) -> Result:
    """At rest for a minute and more."""
    made = run.made
    made.empty()
    folder = made.folder / "agent"
    folder.mkdir(exist_ok=True)
    (folder / "dr.log").write_text("")
    health = free_port()
    ingest = {
        "STETH_DSN_INGEST": made.database.ingest,
        "STETH_MQTT": f"mqtt://127.0.0.1:{made.broker.port}",
        "STETH_HEALTH": f"127.0.0.1:{health}",
    }
    with ExitStack() as stack:
        ready = f"http://127.0.0.1:{health}/readyz"
        stack.enter_context(
            command(["steth", "ingest"], environment=ingest, log=folder / "ingest.log", ready=ready)
        )  # fmt: skip
        pids = [
            stack.enter_context(_agent(made, folder, name, made.devices[i])).pid for i, name in enumerate(_SUBJECTS)
        ]
        pids.append(stack.enter_context(collectd(tree=made.tree, folder=folder, mqtt=made.broker.port)))
        time.sleep(_SETTLE_S)
        found = rest([psutil.Process(pid) for pid in pids], 20.0 if run.quick else 75.0)
        heard = [_heard(made, device) for device in made.devices[: len(_SUBJECTS)]]
    return _result(dict(zip([*_SUBJECTS, "collectd"], found, strict=True)), heard, 20 if run.quick else 75)


def _heard(made: Ground, device: DeviceId) -> int:
    """Reports of the device that were stored and acknowledged: it was alive, and connected."""
    rows = made.sql(
        "SELECT coalesce(sum(k.seq), 0) FROM mark k JOIN device d ON d.id = k.device_id WHERE d.uid = %s", device
    )
    return int(rows[0][0])


def _result(found: dict[str, Rest], heard: list[int], seconds: int) -> Result:
    if not all(heard):
        raise RuntimeError("nothing of the agent was stored: it wasn't at rest, it was cut off")
    installed, beside, neighbour = found["agent"], found["agent-as-often"], found["collectd"]
    ratios = {
        "CPU": beside.core / neighbour.core,
        "wake-ups": beside.wake_ups / neighbour.wake_ups,
        "RSS": beside.rss / neighbour.rss,
    }
    rows: list[tuple[str, ...]] = [
        (what, *(number(value) for value in values))
        for what, values in (
            ("CPU, ‰ of a core", [r.core * 1000 for r in found.values()] + [ratios["CPU"]]),
            ("wake-ups a second", [r.wake_ups for r in found.values()] + [ratios["wake-ups"]]),
            ("RSS, MB", [r.rss for r in found.values()] + [ratios["RSS"]]),
            ("PSS, MB", [r.pss for r in found.values()] + [beside.pss / neighbour.pss]),
            ("threads", [float(r.threads) for r in found.values()] + [beside.threads / neighbour.threads]),
        )
    ]
    head = ("", "as installed", f"host every {INTERVAL_S} s", f"collectd, {INTERVAL_S} s", "2nd : 3rd")
    return Result(
        name="agent",
        tables=[Table(title=f"At rest side by side for {seconds} s", head=head, rows=rows)],
        aims=[
            Aim(what="resident memory (RSS)", value=installed.rss_most, target=48, at_least=False, unit=" MB"),
            Aim(what="CPU", value=installed.core * 100, target=0.5, at_least=False, unit=" % of a core"),
            Aim(what="wake-ups against collectd's", value=ratios["wake-ups"], target=1, at_least=False),
        ],
        notes=[
            f"{heard[0]} and {heard[1]} reports were stored. CPU by the scheduler's ns, wake-ups of all threads.",
            "collectd: cpu, memory, df, disk, interface, uptime, contextswitch, tail of the same file, MQTT at QoS 1.",
        ],
        data={"rest": {name: one._asdict() for name, one in found.items()}, "ratios": ratios, "stored": heard},
    )
