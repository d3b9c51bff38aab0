"""Text of equipment as numbers and times; ``Refused`` says why it is none. Pure.

What equipment writes survives when only one meaning is possible, else it is refused and counted.
"""

import re
from datetime import date, datetime, tzinfo
from math import isfinite
from typing import Final, NamedTuple

_NUMBER: Final = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?\Z", re.ASCII)
_COMMA: Final = re.compile(r"([+-]?\d{1,20}),(\d{1,2}|\d{4,20})\Z", re.ASCII)
"""A comma as decimal point. Three digits behind it could as well be thousands, so those are refused."""
_NOT_NUMBERS: Final = re.compile(r"[+-]?(NAN|INF|INFINITY|1\.#(QNAN|IND|INF))\Z", re.IGNORECASE)

EARLIEST: Final = 1990
"""Older than any digital detector: an earlier year is a placeholder or a clock without battery."""
LATEST: Final = 2200
FUTURE_MS: Final = 26 * 3_600_000
"""How far a time may be ahead of its receipt: the widest mistake about a zone (UTC-12 to UTC+14)."""


class Refused(ValueError):
    """Why a value is no fact: ``empty``, ``not-a-number``, ``multi-valued``, ``not-ascii``, ``malformed``,
    ``implausible`` or ``oversize``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decimal(part: str) -> float:
    """The finite number that a text is."""
    if not part:
        raise Refused("empty")
    if _NOT_NUMBERS.match(part):
        raise Refused("not-a-number")
    comma = _COMMA.match(part)
    if comma:
        part = f"{comma[1]}.{comma[2]}"
    if not _NUMBER.match(part):
        raise Refused("malformed")
    value = float(part)
    if not isfinite(value):
        raise Refused("not-a-number")
    return value


def day_of(found: re.Match[str] | None) -> date:
    """The day whose year, month and day are a pattern's first three groups; None: the pattern didn't match."""
    if not found:
        raise Refused("malformed")
    try:
        value = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise Refused("malformed") from None
    if not EARLIEST <= value.year <= LATEST:
        raise Refused("implausible")
    return value


class Moment(NamedTuple):
    """Milliseconds since 1970 UTC. ``certain`` is False where the zone's own clock change makes the time ambiguous."""

    at: int
    certain: bool


def moment(local: datetime, zone: tzinfo | None) -> Moment:
    """A local time in a zone; None is the zone of this machine."""
    aware, folded = in_zone(local, zone), in_zone(local.replace(fold=1), zone)
    return Moment(round(aware.timestamp() * 1000), aware.utcoffset() == folded.utcoffset())


def in_zone(local: datetime, zone: tzinfo | None) -> datetime:
    """A naive time with its zone; None is the zone of this machine."""
    return local.astimezone() if zone is None else local.replace(tzinfo=zone)
