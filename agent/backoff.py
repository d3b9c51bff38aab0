"""How long to wait before another try."""

import asyncio
import random
from typing import Final

BACKOFF_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after so many failures in a row: full jitter (0..1) below 1, 2, 4 … 60 s, so that a fleet that
    lost its broker doesn't come back as one."""
    return jitter * min(BACKOFF_S * 2.0 ** min(failures, 10), BACKOFF_MAX_S)


async def pause(failures: int, *, least: float = 0.0) -> None:
    """Wait so long, and at least so many seconds."""
    await asyncio.sleep(max(backoff(failures, random.random()), least))  # noqa: S311  # spreads, hides nothing
