"""The workstation itself: CPU, memory, disks, clock, temperature, by psutil. Readings as the catalog's ``host.*``."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from agent.adapters.port import Entry, Sink, lane_of
from agent.clock import Clock, Now
from agent.config.certificate import last_moment
from agent.config.shapes import Host
from agent.errors import OutboxError
from catalog.model import Model
from wire.items import Readings
from wire.topics import Lane

NAME: Final = "host"
SILENT_CADENCES: Final = 10
"""After so many cadences within the deadband a value is sent again, unless its signal says after how long: unchanged is
not the same as unknown."""
METRICS: Final = frozenset(
    {
        "host.certificate",
        "host.clock_offset",
        "host.cpu",
        "host.disk_free",
        "host.disk_used",
        "host.memory",
        "host.temperature",
    }
    | {"host.uptime"}
)
"""All that a sample may hold."""
_MOST_DAYS: Final = 36_500.0
"""Of a certificate, as the catalog has it: some authorities end in the year 9999."""
_CPU_SENSORS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")


class HostAdapter:
    """Samples every ``config.every_s`` and sends what changed beyond its deadband."""

    def __init__(
        self,
        *,
        config: Host,
        certificates: Sequence[Path],
        model: Model,
        sink: Sink,
        clock: Clock,
        now: Callable[[], Now],
    ) -> None:
        """``certificates``: files of those without which there is no way to the server."""
        self._config = config
        self._certificates = certificates
        self._model = model
        self._sink = sink
        self._clock = clock
        self._now = now
        self._changes = Changes(model=model, every_s=config.every_s)

    @property
    def name(self) -> str:
        """A short word for logs and counters."""
        return NAME

    async def run(self) -> None:
        """Sample until cancelled."""
        psutil.cpu_percent()  # the first call only sets the beginning of the interval
        while True:
            await asyncio.sleep(self._config.every_s)
            await self.sample(await asyncio.to_thread(self._read))

    async def sample(self, values: Mapping[str, float]) -> None:
        """Enter what of these values is due."""
        now = self._now()
        due = self._changes.due(values, now_ms=now.elapsed)
        lanes = {
            lane: [Readings(at=now.wall, metric=metrics, value=[values[metric] for metric in metrics])]
            for lane in (Lane.LIVE, Lane.BULK)
            if (metrics := [metric for metric in due if lane_of(self._model, metric) is lane])
        }
        if not lanes:
            return
        try:
            await self._sink.aput(Entry(live=lanes.get(Lane.LIVE, ()), bulk=lanes.get(Lane.BULK, ())))
        except OutboxError:
            return  # counted by the sink; these values come again by themselves
        self._changes.sent({metric: values[metric] for metric in due}, now_ms=now.elapsed)

    def _read(self) -> dict[str, float]:
        used, free = fullest(self._config.disks)
        values = {
            "host.cpu": psutil.cpu_percent(),
            "host.memory": psutil.virtual_memory().percent,
            "host.disk_used": used,
            "host.disk_free": float(free),
            "host.uptime": uptime_s(),
        }
        offset = self._clock.correction(self._clock.peek(self._now()).segment)
        if offset is not None:
            values["host.clock_offset"] = float(-offset)  # the catalog's is device less server
        days = left_d(self._certificates, self._now().wall)
        if days is not None:
            values["host.certificate"] = days
        celsius = temperature()
        if celsius is not None:
            values["host.temperature"] = celsius
        return values


def left_d(certificates: Sequence[Path], wall_ms: int) -> float | None:
    """Days until the first of them ends; None: there is none, or none that can be read, which its connection tells."""
    ends = []
    for path in certificates:
        with suppress(OSError, ValueError):
            ends.append(last_moment(path).timestamp())
    return min((min(ends) - wall_ms / 1000) / 86_400, _MOST_DAYS) if ends else None


class Changes:
    """Which values are due: at their signal's cadence, if changed beyond the deadband, or silent for long."""

    def __init__(self, *, model: Model, every_s: float) -> None:
        self._model = model
        self._every_s = every_s
        self._sent: dict[str, tuple[int, float]] = {}

    def due(self, values: Mapping[str, float], *, now_ms: int) -> list[str]:
        """The metrics to send. ``now_ms``: elapsed time."""
        return [metric for metric, value in values.items() if self._is_due(metric, value, now_ms)]

    def sent(self, values: Mapping[str, float], *, now_ms: int) -> None:
        """These were entered."""
        for metric, value in values.items():
            self._sent[metric] = (now_ms, value)

    def _is_due(self, metric: str, value: float, now_ms: int) -> bool:
        signal = self._model.signals.get(metric)
        if signal is None:
            return False
        if metric not in self._sent:
            return True
        at, old = self._sent[metric]
        cadence = signal.cadence if isinstance(signal.cadence, float) else self._every_s
        # Half a sample early still counts: the timer is never exact.
        waited = (now_ms - at) / 1000 + self._every_s / 2
        stands = SILENT_CADENCES * cadence if signal.stands is None else signal.stands
        return (waited >= cadence and abs(value - old) > signal.deadband) or waited >= stands


def fullest(disks: Sequence[str]) -> tuple[float, int]:
    """(used %, free bytes) of the fullest of these folders' disks; of the system's where none is named."""
    found = []
    for disk in disks or (Path.home().anchor,):
        usage = psutil.disk_usage(disk)
        found.append((usage.percent, usage.free))
    return max(found)


def uptime_s() -> float:
    """Seconds since the machine was switched on."""
    return max(time.time() - psutil.boot_time(), 0.0)


if sys.platform == "linux":

    def temperature() -> float | None:
        """°C of the hottest processor sensor; None where the system tells none."""
        sensors = psutil.sensors_temperatures()
        values = [entry.current for name in _CPU_SENSORS for entry in sensors.get(name, ()) if entry.current]
        return max(values, default=None)

else:

    def temperature() -> float | None:
        """None: psutil reads sensors on Linux only."""
        return None
