"""`agent`: memory and CPU of the installed agent at rest: connected, acknowledged, heartbeats, the host's readings, a
storage SCP that listens, and a log file that doesn't grow."""

import time
from statistics import median
from typing import Any, Final

import psutil

from bench.ground import Ground
from bench.processes import command
from bench.report import Aim, Result, Table, number
from bench.run import Run
from tests.fixtures.ports import free_port

_CONFIG: Final = """\
[agent]
state = "{folder}/state"
health = "127.0.0.1:{health}"

[server]
mqtt = "mqtt://127.0.0.1:{mqtt}"

[[device]]
name = "dr-1"
model = "generic-dr"
id = "{device}"

[device.host]

[device.dicom]
listen = "127.0.0.1:{dicom}"

[[device.log]]
path = "{folder}/dr.log"
"""
_MB: Final = 1024 * 1024
_SETTLE_S: Final = 10.0


def _memory(process: psutil.Process) -> dict[str, float]:
    full = process.memory_full_info()
    return {"rss_mb": full.rss / _MB, "pss_mb": full.pss / _MB, "uss_mb": full.uss / _MB}


def _rest(process: psutil.Process, seconds: float) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Memory once a second, and what it cost over the whole time."""
    samples = []
    times = process.cpu_times()
    switches = process.num_ctx_switches().voluntary
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        samples.append(_memory(process))
        time.sleep(1)
    passed = time.monotonic() - began
    after = process.cpu_times()
    cost = {
        "seconds": passed,
        "core": (after.user + after.system - times.user - times.system) / passed,
        "wake_ups_a_second": (process.num_ctx_switches().voluntary - switches) / passed,
    }
    return samples, cost


def agent(run: Run) -> Result:
    """At rest for a minute and more."""
    made = run.made
    made.empty()
    folder = made.folder / "agent"
    folder.mkdir(exist_ok=True)
    (folder / "dr.log").write_text("")
    health, ingest_health = free_port(), free_port()
    config = folder / "agent.toml"
    device = made.devices[0]
    config.write_text(
        _CONFIG.format(folder=folder, health=health, mqtt=made.broker.port, device=device, dicom=free_port())
    )
    ingest = {
        "STETH_DSN_INGEST": made.database.ingest,
        "STETH_MQTT": f"mqtt://127.0.0.1:{made.broker.port}",
        "STETH_HEALTH": f"127.0.0.1:{ingest_health}",
    }
    with (
        command(
            ["steth", "ingest"],
            environment=ingest,
            log=folder / "ingest.log",
            ready=f"http://127.0.0.1:{ingest_health}/readyz",
        ),
        command(
            ["steth-agent", str(config)],
            environment={},
            log=folder / "agent.log",
            ready=f"http://127.0.0.1:{health}/readyz",
        ) as process,
    ):
        time.sleep(_SETTLE_S)
        samples, cost = _rest(psutil.Process(process.pid), 20.0 if run.quick else 75.0)
        heard = _heard(made)
    return _result(samples, cost, heard)


def _heard(made: Ground) -> int:
    """Reports of the device that were stored and acknowledged: it was alive, and connected."""
    rows = made.sql("SELECT coalesce(sum(k.seq), 0) FROM mark k JOIN device d ON d.id = k.device_id WHERE d.uid = %s",
                    made.devices[0])  # fmt: skip
    return int(rows[0][0])


def _result(samples: list[dict[str, float]], cost: dict[str, float], heard: int) -> Result:
    if not heard:
        raise RuntimeError("nothing of the agent was stored: it wasn't at rest, it was cut off")
    rss, pss = (max(sample[key] for sample in samples) for key in ("rss_mb", "pss_mb"))
    rows: list[tuple[str, ...]] = [
        (name, number(median(s[key] for s in samples)), number(max(s[key] for s in samples)))
        for name, key in (("RSS, MB", "rss_mb"), ("PSS, MB", "pss_mb"), ("USS, MB", "uss_mb"))
    ]
    data: dict[str, Any] = {"memory": samples, "cost": cost, "reports_stored": heard}
    return Result(
        name="agent",
        tables=[Table(title=f"At rest for {cost['seconds']:.0f} s", head=("memory", "median", "most"), rows=rows)],
        aims=[
            Aim(what="resident memory (RSS)", value=rss, target=48, at_least=False, unit=" MB"),
            Aim(what="CPU", value=cost["core"] * 100, target=0.5, at_least=False, unit=" % of a core"),
        ],
        notes=[
            f"PSS {number(pss)} MB: here what it shares with other processes of this Python counts in part.",
            f"{heard} reports of it were stored; {number(cost['wake_ups_a_second'])} wake-ups a second.",
        ],
        data=data,
    )
