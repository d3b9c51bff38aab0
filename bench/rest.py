"""What a process at rest costs, by the scheduler's account of each of its threads.

In nanoseconds, for a hundredth of a second is all that some spend in a minute; and the wake-ups of all threads, for
/proc/PID/status counts those of the first one alone.
"""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import psutil

_MB: Final = 1024 * 1024


class Rest(NamedTuple):
    """``core``: share of one. ``wake_ups``: voluntary switches a second. Memory in MB: median, and the most."""

    core: float
    wake_ups: float
    rss: float
    rss_most: float
    pss: float
    threads: int


def rest(processes: Sequence[psutil.Process], seconds: float) -> list[Rest]:
    """Each of these over the same time, its memory looked at once a second."""
    samples: list[list[tuple[float, float]]] = [[] for _ in processes]
    began, before = time.monotonic(), [_spent(process.pid) for process in processes]
    while time.monotonic() < began + seconds:
        for process, seen in zip(processes, samples, strict=True):
            full = process.memory_full_info()
            seen.append((full.rss / _MB, full.pss / _MB))
        time.sleep(1)
    passed, after = time.monotonic() - began, [_spent(process.pid) for process in processes]
    return [
        Rest(
            core=sum(ran - old.get(thread, (0, 0))[0] for thread, (ran, _) in new.items()) / passed / 1e9,
            wake_ups=sum(woke - old.get(thread, (0, 0))[1] for thread, (_, woke) in new.items()) / passed,
            rss=median(rss for rss, _ in seen),
            rss_most=max(rss for rss, _ in seen),
            pss=median(pss for _, pss in seen),
            threads=len(new),
        )
        for old, new, seen in zip(before, after, samples, strict=True)
    ]


def _spent(pid: int) -> dict[str, tuple[int, int]]:
    """Nanoseconds on a core and voluntary switches, by thread. What a thread that has ended spent is not in it."""
    found: dict[str, tuple[int, int]] = {}
    for thread in Path("/proc", str(pid), "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            ran = int((thread / "schedstat").read_text().split()[0])
            for line in (thread / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    found[thread.name] = (ran, int(line.split()[1]))
    return found
