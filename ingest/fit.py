"""What of a readable report may be kept of its device: what the allow-list lets pass, at times that exist. Pure."""

from collections import Counter
from operator import ge, le
from typing import Final

from msgspec.structs import replace

from ingest.arrays import FIRST_MS, LAST_MS
from ingest.metrics import MetricIds
from ingest.ports import Allowed, Device, Expected
from wire.errors import WireErrorCode
from wire.items import BAD, GOOD, Fault, Heartbeat, Item, Quality, Readings, rows_of
from wire.report import Report
from wire.salvage import Flaws

_TIMELESS: Final = (Heartbeat, Fault)
"""Heard whatever their time: the one isn't stored, the other is never later than it came (``alerts``)."""
_REMEMBERED: Final = 1_000
_LONGEST: Final = 200
"""Lists of names that are remembered, and how long they may be: a hostile device can't grow the memory without end."""
_OUT_OF_RANGE: Final = "out-of-range"


Names = tuple[str, tuple[str, ...], tuple[str, ...] | None]
"""Model, metrics and units of a report."""
Columns = tuple[tuple[float, ...], tuple[float, ...], set[int]]
"""Of a report that names nothing but what is allowed: least and largest value of each column, and the tenants of whom
the database knows that their devices have these metrics, or soon will."""
Fitted = tuple[Report | None, Flaws | None, Counter[str] | None]
"""The report, None if nothing of it can be stored for its flaws, without items if the allow-list kept them all back;
what can't be stored; what may not be, by reason."""


class Fit:
    """``allowed``: the gate. A reading beyond what is possible is kept as bad, which nobody judges; one that is neither
    possible nor small isn't kept (``Expected``)."""

    def __init__(self, *, allowed: Allowed, ids: MetricIds) -> None:
        self._allowed = allowed
        self._ids = ids
        self._columns: dict[Names, Columns] = {}

    def fit(self, device: Device, report: Report, offset_ms: int) -> Fitted:
        """What may be stored of a report whose times are to be corrected by ``offset_ms``, and what may not.

        The report itself stays as it is: it comes again if the transaction fails.
        """
        for item in report.items:
            if not self._fits(device, item):
                return self._part(device, report, offset_ms)
        return report, None, None

    def admit(self, device: Device, item: Item, refused: Counter[str]) -> Item | None:
        """What may be kept of an item that holds no readings."""
        return self._allowed.admit(device.model, item, refused)

    def _fits(self, device: Device, item: Item) -> bool:
        """The quick way of what comes most and is good already."""
        if type(item) is Readings:
            known = self._columns.get(_names(device, item))
            if known is None:
                return False
            low, high, orgs = known
            return device.org_id in orgs and all(map(le, low, item.value)) and all(map(ge, high, item.value))
        return type(item) is Heartbeat and not item.refusals

    def _part(self, device: Device, report: Report, offset_ms: int) -> Fitted:
        flaws = Flaws()
        refused: Counter[str] = Counter()
        items: list[Item] = []
        for index, item in enumerate(report.items):
            left: Item | None
            if type(item) is Readings:
                left = self._readings(device, item, refused)
            elif type(item) not in _TIMELESS and not FIRST_MS <= item.at + offset_ms <= LAST_MS:
                flaws.add(WireErrorCode.VALUE, f"$.items[{index}].at", "is no time once its clock is put right")
                left = None
            else:
                left = self._allowed.admit(device.model, item, refused)
            if left is not None:
                items.append(left)
        fitted = replace(report, items=items) if items or not flaws else None
        return fitted, flaws or None, refused or None

    def _readings(self, device: Device, item: Readings, refused: Counter[str]) -> Readings | None:
        units = item.unit or [""] * len(item.metric)
        found: list[Expected] = []
        rows: list[int] = []
        for row, (metric, unit, value) in enumerate(zip(item.metric, units, item.value, strict=True)):
            expected = self._allowed.reading(device.model, metric, unit)
            if isinstance(expected, str):
                refused[expected] += 1
            elif not expected.least <= value <= expected.most:
                refused[_OUT_OF_RANGE] += 1
            else:
                rows.append(row)
                found.append(expected)
        if not rows:
            return None
        if len(rows) < len(item.metric):
            item = rows_of(item, rows)
        units = [
            u if each.unit is None else each.unit for each, u in zip(found, item.unit or [""] * len(rows), strict=True)
        ]
        self._ids.name(device.org_id, zip(item.metric, units, strict=True))
        if item.unit is None or units == item.unit:
            self._remember(device, item, found)
        else:
            item = replace(item, unit=units)  # and so each time: what is remembered stays as it is
        told: list[Quality] = item.quality or [GOOD] * len(item.value)
        quality: list[Quality] = [
            q if each.low <= v <= each.high else BAD for each, v, q in zip(found, item.value, told, strict=True)
        ]
        return item if quality == told else replace(item, quality=quality)

    def _remember(self, device: Device, item: Readings, found: list[Expected]) -> None:
        """By the names of a whole report: a device sends the same ones again and again."""
        if len(item.metric) > _LONGEST:
            return
        names = _names(device, item)
        known = self._columns.get(names)
        if known is not None:
            known[2].add(device.org_id)
            return
        if len(self._columns) >= _REMEMBERED:
            self._columns.clear()
        self._columns[names] = (
            tuple(each.low for each in found),
            tuple(each.high for each in found),
            {device.org_id},
        )


def _names(device: Device, item: Readings) -> Names:
    return (device.model, tuple(item.metric), None if item.unit is None else tuple(item.unit))
