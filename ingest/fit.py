"""What of a readable report fits its device: names it may have, times that exist, values its signals can have. Pure."""

from collections.abc import Mapping
from itertools import repeat
from operator import ge, le
from typing import Final

from msgspec.structs import replace

from ingest.arrays import FIRST_MS, LAST_MS
from ingest.metrics import MetricIds
from ingest.names import Names
from ingest.ports import Expected
from wire.errors import WireErrorCode
from wire.items import BAD, GOOD, Fault, Heartbeat, Item, Quality, Readings, rows_of
from wire.report import Report
from wire.salvage import Flaws

_TIMELESS: Final = (Heartbeat, Fault)
"""Heard whatever their time: the one isn't stored, the other is never later than it came (``alerts``)."""
_TOO_MANY: Final = "makes more distinct metrics than one device may have"
_REMEMBERED: Final = 1_000
_LONGEST: Final = 200
"""Lists of names that are remembered, and how long they may be: a hostile device can't grow the memory without end."""
_FREE: Final = float("inf")
Range = tuple[tuple[float, ...], tuple[float, ...]]
"""Least and largest value of each column of a report."""


class Fit:
    """``signals``: of each model, by name. A reading beyond its signal's bounds is kept as bad, which nobody judges;
    in another unit than the signal's it isn't one of it, so nothing is known of its bounds."""

    def __init__(self, *, signals: Mapping[str, Mapping[str, Expected]], ids: MetricIds) -> None:
        self._signals = signals
        self._ids = ids
        self._ranges: dict[tuple[str, tuple[str, ...], tuple[str, ...] | None], Range | None] = {}

    def fit(self, names: Names, report: Report, offset_ms: int) -> tuple[Report | None, Flaws | None]:
        """What may be stored of a report whose times are to be corrected by ``offset_ms``, and what may not.

        The report itself stays as it is: it comes again if the transaction fails.
        """
        for item in report.items:
            if not self._fits(names, item, offset_ms):
                return self._part(names, report, offset_ms)
        return report, None

    def _fits(self, names: Names, item: Item, offset_ms: int) -> bool:
        """The quick way of what is good already."""
        if type(item) is Readings:
            named = names.bare if item.unit is None else names.keys
            if not named.issuperset(item.metric if item.unit is None else zip(item.metric, item.unit, strict=True)):
                return False
            possible = self._range(names.model, item)
            return possible is None or (all(map(le, possible[0], item.value)) and all(map(ge, possible[1], item.value)))
        return type(item) in _TIMELESS or FIRST_MS <= item.at + offset_ms <= LAST_MS

    def _part(self, names: Names, report: Report, offset_ms: int) -> tuple[Report | None, Flaws | None]:
        flaws = Flaws()
        items: list[Item] = []
        for index, item in enumerate(report.items):
            left: Item | None = item
            if type(item) is Readings:
                left = self._readings(names, index, item, flaws)
            elif type(item) not in _TIMELESS and not FIRST_MS <= item.at + offset_ms <= LAST_MS:
                flaws.add(WireErrorCode.VALUE, f"$.items[{index}].at", "is no time once its clock is put right")
                left = None
            if left is not None:
                items.append(left)
        return replace(report, items=items) if items else None, flaws or None

    def _readings(self, names: Names, index: int, item: Readings, flaws: Flaws) -> Readings | None:
        refused = self._ids.too_many(names, item)
        if refused:
            for row in refused:
                flaws.add(WireErrorCode.VALUE, f"$.items[{index}].metric[{row}]", _TOO_MANY)
            gone = set(refused)
            item = rows_of(item, [row for row in range(len(item.metric)) if row not in gone])
            if not item.metric:
                return None
        possible = self._range(names.model, item)
        if possible is None:
            return item
        low, high = possible
        told: list[Quality] = item.quality or [GOOD] * len(item.value)
        rows = zip(low, item.value, high, told, strict=True)
        quality: list[Quality] = [q if least <= v <= most else BAD for least, v, most, q in rows]
        return item if quality == told else replace(item, quality=quality)

    def _range(self, model: str, item: Readings) -> Range | None:
        """Remembered by the names of a whole report: a device sends the same ones again and again."""
        if len(item.metric) > _LONGEST:
            return self._made(model, item)
        key = (model, tuple(item.metric), None if item.unit is None else tuple(item.unit))
        try:
            return self._ranges[key]
        except KeyError:
            if len(self._ranges) >= _REMEMBERED:
                self._ranges.clear()
            self._ranges[key] = possible = self._made(model, item)
            return possible

    def _made(self, model: str, item: Readings) -> Range | None:
        signals = self._signals.get(model, {})
        found = [
            signal if (signal := signals.get(name)) is not None and u in ("", signal.unit) else None
            for name, u in zip(item.metric, item.unit or repeat(""), strict=False)
        ]
        if all(signal is None for signal in found):
            return None
        return (
            tuple(-_FREE if signal is None else signal.low for signal in found),
            tuple(_FREE if signal is None else signal.high for signal in found),
        )
