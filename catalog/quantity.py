"""A value as a person reads it: with the digits, the unit or the words of its signal.

A value beyond a limit never reads as the limit itself: it gets as many digits as that takes.
"""

from collections.abc import Iterable
from typing import Final

from catalog.model import Lang, Signal, Text
from catalog.units import DIGITS, IN_CHINESE, SYMBOLS

_MOST_DIGITS: Final = 12
_BYTES: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_SPANS: Final = (
    (86_400, Text(zh="天", en="d")),
    (3_600, Text(zh="小时", en="h")),
    (60, Text(zh="分钟", en="min")),
    (1, Text(zh="秒", en="s")),
)
_LONG: Final = {"s": (120.0, 1.0), "ms": (10_000.0, 0.001)}
"""From which value on a time is said in minutes, hours and days, and its seconds."""


def digits_of(signal: Signal | None, unit: str) -> int | None:
    """Decimals that a person reads of a value in `unit`; None: of a unit that the catalog doesn't know."""
    return signal.digits if signal is not None and signal.digits is not None else DIGITS.get(unit)


def symbol_of(signal: Signal | None, unit: str, lang: Lang) -> str:
    """What stands behind the number: `°C`, 小时; of a plain number of things the Chinese measure word, else nothing."""
    if lang == "zh" and unit == "1" and signal is not None and signal.counter is not None:
        return signal.counter
    if lang == "zh" and unit in IN_CHINESE:
        return IN_CHINESE[unit]
    return SYMBOLS.get(unit, unit)


def with_symbol(shown: str, symbol: str) -> str:
    """A number with what stands behind it, and the blank between them."""
    return f"{shown}{symbol}" if symbol in {"", "%"} else f"{shown} {symbol}"


def spoken(value: float, *, signal: Signal | None, unit: str, lang: Lang, others: Iterable[float] = ()) -> str:
    """`value` in words. `others`: the limits that it is read beside, which it must not seem to equal if it doesn't."""
    if signal is not None and value in signal.states:
        return signal.states[int(value)].get(lang)
    beside = [other for other in others if other != value]
    scaled = _scaled(value, unit, lang)
    if scaled is not None and all(_scaled(other, unit, lang) != scaled for other in beside):
        return scaled
    if scaled is not None and unit in _LONG:
        seconds = _LONG[unit][1]
        beside, value, unit, signal = [other * seconds for other in beside], value * seconds, "s", None
    digits = digits_of(signal, unit)
    while digits is not None and digits < _MOST_DIGITS and not all(_apart(value, other, digits) for other in beside):
        digits += 1
    shown = f"{value:.6g}" if digits is None else _decimal(value, digits)
    return with_symbol(shown, symbol_of(signal, unit, lang))


def limit(value: float, *, signal: Signal | None, unit: str, lang: Lang) -> str:
    """A limit in words: as the catalog writes it, which is exact."""
    if signal is not None and value in signal.states:
        return signal.states[int(value)].get(lang)
    return _scaled(value, unit, lang) or with_symbol(f"{value:.12g}", symbol_of(signal, unit, lang))


def duration(value: float, lang: Lang) -> str:
    """Seconds in the two largest units that say them: "3 min 20 s"."""
    rest = round(abs(value))
    if rest == 0:
        return f"{value:.6g} {_SPANS[-1][1].get(lang)}"
    shown: list[str] = []
    for seconds, unit in _SPANS:
        count, rest = divmod(rest, seconds)
        if count:
            shown.append(f"{count} {unit.get(lang)}")
    return ("-" if value < 0 else "") + " ".join(shown[:2])


def _scaled(value: float, unit: str, lang: Lang) -> str | None:
    """Bytes in GB, long times in minutes and hours; None: the number is said as it is."""
    if unit == "By":
        size, name = next(((size, name) for size, name in _BYTES if abs(value) >= size), (1.0, "B"))
        return f"{value / size:.{0 if name == 'B' else 1}f} {name}"
    least, seconds = _LONG.get(unit, (float("inf"), 1.0))
    return duration(value * seconds, lang) if least <= abs(value) < 1e15 else None


def _apart(value: float, other: float, digits: int) -> bool:
    """Whether `value`, rounded, is still on its side of `other`."""
    return (round(value, digits) - other) * (value - other) > 0


def _decimal(value: float, digits: int) -> str:
    shown = f"{value:.{digits}f}" if abs(value) < 1e15 else f"{value:.6g}"
    return shown.lstrip("-") if float(shown) == 0 else shown
