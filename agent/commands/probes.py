"""What the steps of a runbook find out, by kind of step; all read-only. The fields: ``catalog.model.STEP_FIELDS``."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import psutil

from agent.adapters.host import fullest, uptime_s
from agent.clock import Clock, Now
from agent.config.shapes import Peer
from agent.outbox.outbox import Outbox
from catalog.model import Step

CPU_SAMPLE_S: Final = 1.0

Values = Mapping[str, float]


class NotConfigured(Exception):
    """The device has no such thing."""


class Probes:
    """The kinds of steps for one device. ``measure`` blocks: call it in a thread."""

    def __init__(
        self, *, outbox: Outbox, clock: Clock, now: Callable[[], Now], disks: Sequence[str], peers: Mapping[str, Peer]
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._now = now
        self._disks = disks
        self._peers = peers

    def measure(self, step: Step) -> Values:
        """What the step found. Raises ``NotConfigured``, ``OSError`` and ``subprocess.SubprocessError``."""
        match step.kind:
            case "host_state":
                return {
                    "cpu": psutil.cpu_percent(interval=CPU_SAMPLE_S),
                    "memory": psutil.virtual_memory().percent,
                    "uptime_s": round(uptime_s(), 1),
                }
            case "disk":
                used, free = fullest(self._disks)
                return {"used": used, "free": float(free)}
            case "clock":
                return self._clock_offset()
            case "outbox":
                state = self._outbox.state
                return {
                    "live": float(state.live.reports),
                    "bulk": float(state.bulk.reports),
                    "dropped": float(state.dropped),
                }
            case "dicom_echo":
                peer = self._peers.get(step.params.get("peer", ""))
                if peer is None:
                    raise NotConfigured
                return echo(peer, limit_s=step.time_limit_s)

    def _clock_offset(self) -> Values:
        offset = self._clock.correction(self._clock.peek(self._now()).segment)
        if offset is None:
            raise NotConfigured
        return {"offset_ms": float(-offset)}


def echo(peer: Peer, *, limit_s: float) -> Values:
    """Ask a peer for a DICOM echo."""
    done = subprocess.run(  # noqa: S603  # our own module; the arguments come from the configuration, not the wire
        [sys.executable, "-m", "agent.commands.echo", peer.host, str(peer.port), peer.ae_title],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=limit_s,
        check=False,
    )
    if done.returncode:
        return {"reached": 0.0}
    return {"reached": 1.0, "round_trip_ms": float(done.stdout)}
