"""Times and units as analyzers write them in ASTM records. Pure."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final

from agent.values import EARLIEST, LATEST, Moment, Refused, moment
from catalog.units import SPELLINGS

_TIME: Final = re.compile(r"(\d{12})(\d{2})?([+-]\d{4})?\Z", re.ASCII)
"""YYYYMMDDHHMM[SS][+-ZZZZ] (LIS02-A2 5.6.2). A day alone is no time of an event."""

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


def date_time(text: str, zone: tzinfo | None) -> Moment:
    """A time of at least a minute; its own offset comes before ``zone`` (None: this machine's). Raises ``Refused``."""
    found = _TIME.match(text)
    if not found:
        raise Refused("malformed" if text else "empty")
    # A leap second counts as the second before it.
    digits = found[1] + f"{min(int(found[2] or 0), 59):02}"
    try:
        local = datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007  # its zone follows
    except ValueError:
        raise Refused("malformed") from None
    if not EARLIEST <= local.year <= LATEST or int(found[2] or 0) > 60:
        raise Refused("implausible")
    return moment(local, _offset(found[3]) if found[3] else zone)


def _offset(text: str) -> timezone:
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    shift = -ahead if text[0] == "-" else ahead
    if int(text[3:]) > 59 or not timedelta(hours=-12) <= shift <= timedelta(hours=14):
        raise Refused("implausible")
    return timezone(shift)


def in_unit(value: float, written: str, wanted: str) -> float:
    """A value that is written in one unit, in the wanted one (UCUM). Raises ``Refused``: ``wrong-unit``."""
    unit = written if written == wanted else _SPELLED.get(written, written)
    if unit == wanted:
        return value
    known = _CONVERTED.get((unit, wanted))
    if known is None:
        raise Refused("wrong-unit")
    factor, added = known
    return value * factor + added
