"""Times of the contract, which are milliseconds since 1970 UTC, and those of the language."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def ms_of(time: datetime) -> int:
    """Milliseconds since 1970 UTC of a time with a zone; what is less than one is left away."""
    return (time - _EPOCH) // _MS


def time_of(ms: int) -> datetime:
    """The time in UTC. Raises OverflowError beyond years 1 to 9999."""
    return _EPOCH + ms * _MS
