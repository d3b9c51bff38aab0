"""The units that dose reports name, however they are spelled: PS3.16 CID 7181, UCUM, and what equipment writes. Pure.
Some write one behind a number where none belongs (PS3.5 6.2, DS); it is read as there.

A unit is read where it has one meaning: ``KV`` for kV, ``Gym2``, ``mGycm2`` and ``Gy·cm²`` whatever scheme is named.
Upper and lower case tell mega from milli: ``MA`` may be either, and is refused; so is what is of another kind. The page
on equipment (`docs/equipment.md`) holds the table.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from agent.adapters.dicom.walk import BINARY, Raw
from agent.adapters.values import Refused, decimal

_PREFIXES: Final = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6}
_WORDS: Final = {"kilo": 3, "milli": -3, "micro": -6}


def _spellings(bases: Mapping[str, int], prefixes: str) -> dict[str, int]:
    """Each base, as a power of ten of our unit, with each prefix."""
    return {prefix + base: power + _PREFIXES[prefix] for base, power in bases.items() for prefix in ("", *prefixes)} | {
        word + base: power + more for base, power in bases.items() if len(base) > 2 for word, more in _WORDS.items()
    }


_BASES: Final[Mapping[str, Mapping[str, int]]] = {
    "kV": dict.fromkeys(("V", "Vp", "volt", "volts"), -3),
    "mA": dict.fromkeys(("A", "amp", "amps", "ampere", "amperes"), 3),
    "ms": dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 3),
    "mAs": dict.fromkeys(("As", "Asec", "C"), 3),
    "dGy.cm2": {"Gycm2": 1, "Gym2": 5, "Gymm2": -1},
    "Cel": dict.fromkeys(("Cel", "C", "°C", "degC", "celsius"), 0),
    "s": dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 0),
    "1": dict.fromkeys(("1", "", "nounits", "unitless"), 0),
}
SPELLINGS: Final[Mapping[str, Mapping[str, int]]] = {
    "kV": _spellings(_BASES["kV"], "k"),
    "mA": _spellings(_BASES["mA"], "mu"),
    "ms": _spellings(_BASES["ms"], "mu"),
    "mAs": _spellings(_BASES["mAs"], "mu"),
    "dGy.cm2": _spellings(_BASES["dGy.cm2"], "dcmu"),
    "Cel": _BASES["Cel"],
    "s": _spellings(_BASES["s"], "m"),
    "1": _BASES["1"],
}
"""Of each unit here, those that equipment writes, without signs between their parts, as powers of ten."""
_FOLDED: Final = {ours: {text.lower(): power for text, power in of.items()} for ours, of in SPELLINGS.items()}

_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_SIGNS: Final = re.compile(r"[ .·⋅∙•*×^_()\[\]]|-(?!\d)")
"""What stands between the parts of a product, or around all of it. Not ``/``, and no exponent below zero."""


_MEASURED: Final = re.compile(rb"\s*([+-]?[\d.,]+)\s*([^\d\s.,+\\-][^\d\\]*\d?[ \0]*)\Z")


def measured(raw: Raw, ours: str) -> float | None:
    """The number of a text in which its unit stands, too; in our unit. None: it is no such text. Raises ``Refused``."""
    found = None if raw.vr in BINARY else _MEASURED.match(raw.value)
    if not found:
        return None
    power = power_of(ours, spelled(raw._replace(value=found[2])))
    return float(Decimal(repr(decimal(found[1].decode("ascii")))).scaleb(power))


def spelled(raw: Raw) -> list[str]:
    """What a unit's code may say, by each encoding that equipment may have written a ``µ``, ``·`` or ``²`` in."""
    found: list[str] = []
    for encoding in ("utf-8", "latin-1", "gb18030"):
        try:
            text = raw.value.decode(encoding).strip(" \0\t\r\n")
        except UnicodeDecodeError:
            continue
        if text not in found:
            found.append(text)
    return found


def power_of(ours: str, units: list[str]) -> int:
    """The power of ten that turns a number of the unit spelled so into our unit. Raises ``Refused``: ``unknown-unit``,
    or ``ambiguous-unit`` where the spelling has two meanings."""
    reason = "unknown-unit"
    for unit in units or [""]:
        plain = _SIGNS.sub("", _ANNOTATION.sub("", unicodedata.normalize("NFKC", unit))).replace("μ", "u")
        power = SPELLINGS[ours].get(plain)
        if power is None and plain[:1] == "M" and plain[1:] in _BASES[ours]:
            reason = "ambiguous-unit"
            continue
        if power is None:
            power = _FOLDED[ours].get(plain.lower())
        if power is not None:
            return power
    raise Refused(reason)
