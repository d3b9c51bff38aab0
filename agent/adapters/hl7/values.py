"""HL7's date and time as a moment. Pure."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

from agent.adapters.values import Moment, Refused, day_of, moment

_TIME: Final = re.compile(
    r"(\d{4}[-/.]?\d{2}[-/.]?\d{2})[T ]?(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{0,32}))?)?"
    r" ?(Z|[+-]\d{2}(?::?\d{2})?)?\Z",
    re.ASCII | re.IGNORECASE,
)
"""DTM of at least a minute (HL7 v2.5.1, 2.A.22); a coarser one is no time of an event. More digits of a second than
four, Z, and the separators of ISO 8601 are met, and mean one thing."""
_DAY: Final = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})", re.ASCII)


def date_time(text: str, zone: tzinfo | None) -> Moment:
    """A DTM; its own offset comes before ``zone`` (None: this machine's). Raises ``Refused``."""
    if not text:
        raise Refused("empty")
    found = _TIME.match(text)
    if not found:
        raise Refused("malformed")
    micros = int((found[5] or "")[:6].ljust(6, "0"))
    try:
        clock = datetime.min.time().replace(int(found[2]), int(found[3]), min(int(found[4] or 0), 59), micros)
    except ValueError:
        raise Refused("malformed") from None
    return moment(datetime.combine(day(found[1]), clock), _offset(found[6]) if found[6] else zone)


def day(text: str) -> date:
    """The day of a DTM or DT. Raises ``Refused``."""
    if not text:
        raise Refused("empty")
    return day_of(_DAY.match(text))


def stamp(wall: int, zone: tzinfo | None) -> str:
    """A DTM to the second, for the header of an answer: local time, as analyzers write theirs. ``wall``: ms UTC."""
    return datetime.fromtimestamp(wall // 1000, UTC).astimezone(zone).strftime("%Y%m%d%H%M%S")


def _offset(text: str) -> timezone:
    if text in ("Z", "z"):
        return timezone(timedelta())
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    shift = timedelta(hours=hours, minutes=minutes)
    shift = -shift if text[0] == "-" else shift
    if minutes > 59 or not timedelta(hours=-12) <= shift <= timedelta(hours=14):
        raise Refused("implausible")
    return timezone(shift)
