"""The machine's clocks: the only place of this room that reads them."""

import sys
import time
from pathlib import Path

from agent.clock import Now

if sys.platform == "linux":

    def _elapsed_ns() -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

else:

    def _elapsed_ns() -> int:
        return time.monotonic_ns()  # on Windows and macOS it goes on in sleep by itself


def now() -> Now:
    """Wall time and elapsed time, which goes on while the machine sleeps (else waking would look like a step)."""
    return Now(wall=time.time_ns() // 1_000_000, elapsed=_elapsed_ns() // 1_000_000)


def machine() -> str | None:
    """Names this boot of the machine, so that elapsed time can be compared with an earlier life's; None: unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None
