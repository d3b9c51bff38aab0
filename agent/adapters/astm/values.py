"""Times and units as analyzers write them in ASTM records. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from agent.adapters.values import EARLIEST, LATEST, Moment, Refused, moment
from catalog.units import SPELLINGS

_TIME: Final = re.compile(
    r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[T ]?(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?)?"
    r"(?: ?([+-]\d{2})(?::?(\d{2}))?|(Z))?\Z",
    re.ASCII,
)
"""YYYYMMDD[HH[MM[SS]]][+-ZZZZ] (LIS02-A2 5.6.2); and as some write it: fractions, Z, ISO 8601's marks between."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

_CELSIUS: Final = ("C", "°C", "℃", "degC", "deg C", "CEL", "cel")
_SPELLED: Final = {
    **{spelling: unit for unit, known in SPELLINGS.items() for spelling in known},
    **dict.fromkeys(_CELSIUS, "Cel"),
    **dict.fromkeys(("F", "°F", "degF"), "[degF]"),
    **dict.fromkeys(("mv", "MV"), "mV"),
    **dict.fromkeys(("kpa", "KPA"), "kPa"),
    **dict.fromkeys(("hpa", "HPA", "mbar"), "hPa"),
    **dict.fromkeys(("µS/cm", "μS/cm", "us/cm", "US/CM"), "uS/cm"),
    **dict.fromkeys(("ml", "ML"), "mL"),
    **dict.fromkeys(("µL", "μL", "ul", "uL"), "uL"),
    **dict.fromkeys(("sec", "S"), "s"),
    **dict.fromkeys(("hr", "hours", "H"), "h"),
    **dict.fromkeys(("pct", "percent"), "%"),
    **dict.fromkeys(("", "count", "counts", "A", "Abs", "ABS"), "1"),
}
"""How analyzers spell units, and their UCUM codes."""
_CONVERTED: Final[dict[tuple[str, str], tuple[float, float]]] = {
    ("K", "Cel"): (1, -273.15),
    ("[degF]", "Cel"): (5 / 9, -160 / 9),
    ("V", "mV"): (1000, 0),
    ("mV", "V"): (0.001, 0),
    ("Pa", "kPa"): (0.001, 0),
    ("hPa", "kPa"): (0.1, 0),
    ("bar", "kPa"): (100, 0),
    ("mS/cm", "uS/cm"): (1000, 0),
    ("uL", "mL"): (0.001, 0),
    ("L", "mL"): (1000, 0),
    ("ms", "s"): (0.001, 0),
    ("min", "s"): (60, 0),
    ("h", "s"): (3600, 0),
    ("s", "h"): (1 / 3600, 0),
    ("min", "h"): (1 / 60, 0),
    ("d", "h"): (24, 0),
    ("s", "ms"): (1000, 0),
}
"""From a unit to another: factor and what is added then."""


def date_time(text: str, zone: tzinfo | None) -> tuple[Moment, int]:
    """A time, and how much it leaves open in ms: nothing, an hour (10 digits) or a day (8), of which it is the
    beginning. Its own offset comes before ``zone`` (None: this machine's). Raises ``Refused``."""
    found = _TIME.match(text)
    if not found:
        raise Refused("malformed" if text else "empty")
    year, month, day, hour, minute, second, fraction, hours, minutes, utc = found.groups()
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        # A leap second counts as the second before it.
        clock = time(int(hour or 0), int(minute or 0), min(int(second or 0), 59), micros)
        local = datetime.combine(date(int(year), int(month), int(day)), clock)
    except ValueError:
        raise Refused("malformed") from None
    if not EARLIEST <= local.year <= LATEST or int(second or 0) > 60:
        raise Refused("implausible")
    own = UTC if utc else zone if hours is None else _offset(hours, minutes)
    return moment(local, own), 0 if minute else HOUR_MS if hour else DAY_MS


def _offset(hours: str, minutes: str | None) -> timezone:
    ahead = timedelta(hours=int(hours[1:]), minutes=int(minutes or 0))
    shift = -ahead if hours[0] == "-" else ahead
    if int(minutes or 0) > 59 or not timedelta(hours=-12) <= shift <= timedelta(hours=14):
        raise Refused("implausible")
    return timezone(shift)


def in_unit(value: float, written: Iterable[str], wanted: str) -> float:
    """A value that is written in one unit, in the wanted one (UCUM). ``written``: what the unit may be called, best
    first. Raises ``Refused``: ``wrong-unit``."""
    for each in written:
        unit = each if each == wanted else _SPELLED.get(each, each)
        if unit == wanted:
            return value
        if (unit, wanted) in _CONVERTED:
            factor, added = _CONVERTED[unit, wanted]
            return value * factor + added
    raise Refused("wrong-unit")
