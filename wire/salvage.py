"""Salvages what is valid in a report that breaks the contract: each item, and each row of readings, by itself.

The quick decoder takes a report whole or not at all. Only what it refuses comes here. Nothing is guessed: what doesn't
fit is left out, and told by its place; what stands beside it is as if it had come alone.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw
from msgspec.structs import fields

from wire.codec import JSON, NAME, NO_VALUE, UNIT, unfit
from wire.errors import WireError, WireErrorCode
from wire.items import Inventory, Item, Name, Readings, Refusal, Token, Value
from wire.limits import MAX_ITEMS, MAX_MILLIS, MAX_READINGS, MAX_VALUE
from wire.report import Report

PLACES: Final = 20
"""Places told of one report; the others are counted."""
MENDED: Final = 200
"""Flaws of one report beyond which an item that doesn't fit goes whole, and entries of a part that are looked at one by
one: a hostile device must not keep ingest busy with what it makes up."""
_LONGEST_INTEGER: Final = 20
_FIELD: Final = re.compile(r"\$\.([a-z_]+)")
_KINDS: Final = {
    kind.__struct_config__.tag: frozenset(field.name for field in fields(kind) if not field.required)
    for kind in Item.__args__
}
"""The fields that an item can do without, by its tag."""
_COLUMNS: Final = ("metric", "value", "dt", "unit", "quality")


class Flaws:
    """What is wrong with one report, in the order of its places: the first ``PLACES``, and how many there are."""

    __slots__ = ("count", "first")

    def __init__(self, *errors: WireError) -> None:
        self.first: list[WireError] = []
        self.count = 0
        for error in errors:
            self.add(error.code, error.where, error.detail)

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, code: WireErrorCode, where: str, detail: str) -> None:
        """One more."""
        self.count += 1
        if self.count <= PLACES:
            self.first.append(WireError(code, where, detail))

    @staticmethod
    def both(one: "Flaws | None", other: "Flaws | None") -> "Flaws | None":
        """Those of both, in a new object if there are any of both."""
        if one is None or other is None:
            return one or other
        all_ = Flaws(*one.first, *other.first)
        all_.count = one.count + other.count
        return all_

    def whole(self) -> WireError:
        """All of them as one: the first one's code, every place and every detail once."""
        more = "" if self.count <= PLACES else f" and {self.count - PLACES} more"
        places = ", ".join(dict.fromkeys(error.where for error in self.first)) + more
        details = "; ".join(dict.fromkeys(error.detail for error in self.first))
        return WireError(self.first[0].code, places, details)


def salvage(body: bytes, content_type: str | None, refused: WireError) -> tuple[Report | None, Flaws]:
    """What can be understood of a body that ``decode_report`` refused, and what can't. None: nothing can."""
    if refused.code in (WireErrorCode.OVERSIZE, WireErrorCode.ENCODING):
        return None, Flaws(refused)
    try:
        opened = _json(body) if content_type in (None, JSON) else _msgpack(body)
    except (ValueError, RecursionError):
        return None, Flaws(refused)
    if opened is None:
        return None, Flaws(refused)
    at, segment, items = opened
    flaws = Flaws()
    if not _whole(segment, 0, 2**53):
        flaws.add(WireErrorCode.SCHEMA, "$.segment", _UNFIT)
        segment = 0
    good = _items(items, flaws)
    if not good:
        return None, flaws or Flaws(refused)
    if not _whole(at, 0, MAX_MILLIS):
        flaws.add(WireErrorCode.SCHEMA, "$.at", _UNFIT)
        at = max(item.at for item in good)  # a report is made after what it tells
    return Report(at=at, items=good, segment=segment), flaws


_UNFIT: Final = "does not fit the contract"
Opened = tuple[Any, Any, list[Any]]
"""``at``, ``segment`` and the items, as they came."""


def _json(body: bytes) -> Opened | None:
    # Python's own parser takes NaN and Infinity, which many write, and text that is no Unicode, which no item may hold.
    text = body.decode("utf-8", "surrogateescape")
    report = json.loads(text, parse_int=_integer)
    if type(report) is not dict or type(report.get("items")) is not list:
        return None
    return report.get("at"), report.get("segment", 0), report["items"]


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _msgpack(body: bytes) -> Opened | None:
    parts = msgspec.msgpack.decode(body, type=dict[str, Raw])
    if "items" not in parts:
        return None
    items = msgspec.msgpack.decode(parts["items"], type=list[Raw])
    at, segment = (_unpacked(parts[key]) if key in parts else None for key in ("at", "segment"))
    return at, 0 if "segment" not in parts else segment, [_unpacked(item) for item in items[: MAX_ITEMS + 1]]


def _unpacked(raw: Raw) -> Any:
    try:
        return msgspec.msgpack.decode(raw)
    except (ValueError, RecursionError):
        return None  # fits nowhere


def _items(items: list[Any], flaws: Flaws) -> list[Item]:
    good: list[Item] = []
    room = MAX_READINGS
    for index, raw in enumerate(items[:MAX_ITEMS]):
        where = f"$.items[{index}]"
        if type(raw) is dict and raw.get("t") == "readings":
            readings = _readings(raw, where, room, flaws)
            if readings is not None:
                room -= len(readings.metric)
                good.append(readings)
        else:
            item = _item(raw, where, flaws)
            if item is not None:
                good.append(item)
    if len(items) > MAX_ITEMS:
        flaws.add(WireErrorCode.SCHEMA, f"$.items[{MAX_ITEMS}]", f"and what follows are more than {MAX_ITEMS} items")
    return good


def _item(raw: Any, where: str, flaws: Flaws) -> Item | None:
    """An item without those of its parts that don't fit, as far as it can do without them."""
    while True:
        try:
            item = msgspec.convert(raw, Item)
        except msgspec.ValidationError as refused:
            error = unfit(refused)
            flaws.add(error.code, where + error.where.removeprefix("$"), error.detail)
            raw = _without(raw, error.where) if flaws.count <= MENDED else None
            if raw is None:
                return None
        else:
            # What is left of nothing tells nothing.
            return None if type(item) is Inventory and not item.fields else item


_ENTRIES: Final[dict[str, Any]] = {
    "params": dict[Name, Value | Token],
    "fields": dict[Name, Token],
    "refusals": list[Refusal],
}
"""The parts of items of which each entry stands for itself."""


def _without(raw: Any, path: str) -> Any:
    """The item without what doesn't fit at ``path``; None: it can't do without that."""
    found = _FIELD.search(path)
    if found is None or type(raw) is not dict:
        return None
    name = found[1]
    part: Any = raw.get(name)
    if name in _ENTRIES and type(part) in (dict, list) and len(part) <= MENDED:
        left: Any
        if type(part) is dict:
            left = {key: value for key, value in part.items() if _fits({key: value}, _ENTRIES[name])}
        else:
            left = [each for each in part if _fits([each], _ENTRIES[name])]
        if len(left) < len(part):
            return raw | {name: left}
    if name in raw and name in _KINDS.get(str(raw.get("t")), ()):
        return {key: value for key, value in raw.items() if key != name}
    return None


def _fits(raw: Any, kind: Any) -> bool:
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        return False
    return True


def _readings(raw: dict[str, Any], where: str, room: int, flaws: Flaws) -> Readings | None:
    """The rows that fit. Columns of unequal length tell nothing: nobody knows which belong together."""
    if not _whole(raw.get("at"), 0, MAX_MILLIS):
        flaws.add(WireErrorCode.SCHEMA, f"{where}.at", _UNFIT)
        return None
    columns = {name: raw.get(name) for name in _COLUMNS}
    rows = len(columns["metric"]) if type(columns["metric"]) is list else -1
    for name, column in columns.items():
        if column is None and name not in ("metric", "value"):
            continue
        if type(column) is not list or len(column) != rows:
            flaws.add(WireErrorCode.SCHEMA, f"{where}.{name}", "has not the length of its metric column")
            return None
    if rows > room:
        flaws.add(WireErrorCode.SCHEMA, where, f"makes more than {MAX_READINGS} readings of the report")
        return None
    bad: set[int] = set()
    for name, column in columns.items():
        if column is not None:
            for row, cell in enumerate(column):
                if not _FITS[name](cell) and row not in bad:
                    bad.add(row)
                    number = name == "value" and type(cell) in (int, float, type(None))
                    code = WireErrorCode.VALUE if number else WireErrorCode.SCHEMA
                    flaws.add(code, f"{where}.{name}[{row}]", NO_VALUE if number else _UNFIT)
    if bad and len(bad) == rows:
        return None
    left: dict[str, Any] = {
        name: column if column is None else [cell for row, cell in enumerate(column) if row not in bad]
        for name, column in columns.items()
    }
    return Readings(at=raw["at"], **left)


def _whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    "metric": lambda cell: type(cell) is str and NAME.match(cell) is not None,
    "value": lambda cell: type(cell) in (int, float) and -MAX_VALUE <= cell <= MAX_VALUE,
    "dt": lambda cell: _whole(cell, -MAX_MILLIS, MAX_MILLIS),
    "unit": lambda cell: type(cell) is str and UNIT.match(cell) is not None,
    "quality": lambda cell: _whole(cell, 0, 2),
}
