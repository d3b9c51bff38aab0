"""How long to wait before another try. Pure."""

from typing import Final

BACKOFF_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after so many failures in a row: full jitter (0..1) below 1, 2, 4 … 60 s, so that a fleet that
    lost its broker doesn't come back as one."""
    return jitter * min(BACKOFF_S * 2.0 ** min(failures, 10), BACKOFF_MAX_S)
