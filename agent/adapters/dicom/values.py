"""The values of DICOM elements as numbers, times and texts; ``Refused`` says why something is none. Pure.

Real equipment breaks PS3.5 6.2: fractions in an IS, padding with NUL, binary numbers where text belongs, a comma for
the decimal point. Such a value survives when only one meaning is possible; otherwise it is refused and counted.
"""

import re
import struct
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from math import isfinite
from typing import Final, TypeVar

from agent.adapters.dicom.walk import Raw
from agent.adapters.values import Moment, Refused, day_of, decimal, moment

T = TypeVar("T")

_BINARY: Final = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
}  # fmt: skip
_DAY: Final = r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})"
_CLOCK: Final = r"(\d{2}|\d(?=:|\d{4}(?!\d)))(?::?(\d{2})(?::?(\d{2})(?:[.,](\d*))?)?)?"
_DATE: Final = re.compile(_DAY + r"\Z", re.ASCII)
"""DA; with dots as ACR-NEMA wrote it (PS3.5 6.2, note)."""
_TIME: Final = re.compile(_CLOCK + r"\Z", re.ASCII)
"""TM; with colons as ACR-NEMA wrote it, or an hour of one digit as of a number. The standard's fraction has six digits,
clocks write seven and nine."""
_DATE_TIME: Final = re.compile(rf"({_DAY})[T ]?({_CLOCK}) ?(Z|[+-]\d\d(?::?\d\d)?)?\Z", re.ASCII)
"""DT; or as ISO 8601 writes it, which means the same."""
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?(?:([+-])(\d{1,2})(?::?(\d{2}))?|Z|(?<=UTC|GMT))\Z", re.ASCII)
_PADDING: Final = " \0\t\r\n"


def texts(raw: Raw) -> list[str]:
    """The values of a text element without their padding. Only ASCII: what we read is numbers, codes and serials."""
    if raw.oversize:
        raise Refused("oversize")
    try:
        whole = raw.value.decode("ascii").strip(_PADDING)
    except UnicodeDecodeError:
        raise Refused("not-ascii") from None
    if not whole:
        raise Refused("empty")
    return [part.strip(_PADDING) for part in whole.split("\\")]


def text(raw: Raw) -> str:
    """The one text of an element; several only if they all say the same."""
    return _one(texts(raw))


def number(raw: Raw) -> float:
    """The one finite number of an element, whatever representation it was written in."""
    form = _BINARY.get(raw.vr)
    if form is None:
        return _one([decimal(part) for part in texts(raw)])
    size = struct.calcsize(form)
    if raw.oversize:
        raise Refused("oversize")
    if not raw.value:
        raise Refused("empty")
    if not raw.value.strip(b" 0123456789."):
        raise Refused("malformed")  # text, by all appearances: 80 kV would be 12344
    if len(raw.value) % size:
        raise Refused("malformed")
    order = "<" if raw.little else ">"
    numbers: tuple[float, ...] = struct.unpack(f"{order}{len(raw.value) // size}{form}", raw.value)
    if not all(map(isfinite, numbers)):
        raise Refused("not-a-number")
    return float(_one(list(numbers)))


def _one(values: list[T]) -> T:
    if any(value != values[0] for value in values):
        raise Refused("multi-valued")
    return values[0]


def offset(raw: Raw) -> timezone:
    """(0008,0201) Timezone Offset From UTC (PS3.3 C.12.1.1.8)."""
    return _offset(text(raw).upper())


def day(part: str) -> date:
    """A DA."""
    return day_of(_DATE.match(part))


def clock(part: str) -> timedelta:
    """A TM of at least an hour, since midnight. A leap second counts as the second before it, 24:00 as the day's end
    (ISO 8601)."""
    found = _TIME.match(part)
    if not found:
        raise Refused("malformed")
    hours, minutes, seconds = (int(found[group] or 0) for group in (1, 2, 3))
    micros = int((found[4] or "")[:6].ljust(6, "0"))
    since = timedelta(hours=hours, minutes=minutes, seconds=min(seconds, 59), microseconds=micros)
    if minutes > 59 or seconds > 60 or since > timedelta(days=1):
        raise Refused("malformed")
    return since


def local(on: date, since: timedelta) -> datetime:
    """The local time so long after a day's midnight, by its clock."""
    return datetime.combine(on, time()) + since


def date_time(part: str, zone: tzinfo | None) -> Moment:
    """A DT of at least an hour; its own offset comes before ``zone``."""
    found = _DATE_TIME.match(part)
    if not found:
        raise Refused("malformed")
    own = _offset(found[10]) if found[10] else zone
    return moment(local(day(found[1]), clock(found[5])), own)


def _offset(part: str) -> timezone:
    found = _OFFSET.match(part)
    if not found or int(found[3] or 0) > 59:
        raise Refused("malformed")
    ahead = timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0))
    shift = -ahead if found[1] == "-" else ahead
    if not timedelta(hours=-12) <= shift <= timedelta(hours=14):  # PS3.5 6.2, DT
        raise Refused("implausible")
    return timezone(shift)
