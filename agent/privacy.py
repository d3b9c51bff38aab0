"""The last gate in front of the outbox: an allow-list. What isn't declared doesn't leave, and is counted, never quoted.

Declared are: the metrics, units, ranges and fault codes of the catalog's model (its bases included), the states and
inventory fields of this page, and the agent's own messages about itself. Every text has a pattern of its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from msgspec.structs import replace

from catalog.model import Model
from wire.items import (
    Birth,
    ClockStep,
    Dropped,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Reply,
    Skipped,
    StateChange,
)

STATES: Final[Mapping[str, frozenset[str]]] = {
    "exposure.control_mode": frozenset({"MANUAL", "AUTOMATIC"}),
    "exposure.status": frozenset({"NORMAL", "ABORTED"}),
}
"""Each state with all the values it can take (DICOM PS3.3 C.8.7.8)."""

_SERIAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#+\-]{0,31}\Z")
"""No ``^``, which parts the names of persons in DICOM, and no ``@``."""
_VERSIONS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:+();\-]{0,63}\Z")
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[+-]\d\d:\d\d)?\Z")

INVENTORY: Final[Mapping[str, re.Pattern[str]]] = {
    "device.serial": _SERIAL,
    "device.software": _VERSIONS,
    "device.calibrated_at": _ISO_TIME,
    "detector.id": _SERIAL,
    "detector.calibrated_at": _ISO_TIME,
}
"""Each inventory field with what its values look like."""

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_.\-]{0,31}\Z")


def admit(items: Iterable[Item], model: Model) -> tuple[list[Item], Counter[str]]:
    """The items that may leave the device, in order, and how many things did not, by reason (such as
    ``unknown-metric``). Items that lose everything disappear."""
    refused: Counter[str] = Counter()
    passed: list[Item] = []
    for item in items:
        kept = _admit(item, model, refused)
        if kept is not None:
            passed.append(kept)
    return passed, refused


def _admit(item: Item, model: Model, refused: Counter[str]) -> Item | None:
    match item:
        case Readings():
            return _readings(item, model, refused)
        case Fault():
            return _fault(item, model, refused)
        case StateChange():
            if item.value in STATES.get(item.name, frozenset()):
                return item
            refused["unknown-state"] += 1
            return None
        case Inventory():
            return _inventory(item, refused)
        case Birth() | Heartbeat() | ClockStep() | Reply() | Skipped() | Dropped():
            return item  # the agent's own words about itself
        case _ as never:
            assert_never(never)


def _readings(item: Readings, model: Model, refused: Counter[str]) -> Readings | None:
    rows = [row for row in range(len(item.metric)) if _reading_passes(item, row, model, refused)]
    if len(rows) == len(item.metric):
        return item
    if not rows:
        return None
    return Readings(
        at=item.at,
        metric=[item.metric[row] for row in rows],
        value=[item.value[row] for row in rows],
        dt=None if item.dt is None else [item.dt[row] for row in rows],
        unit=None if item.unit is None else [item.unit[row] for row in rows],
        quality=None if item.quality is None else [item.quality[row] for row in rows],
    )


def _reading_passes(item: Readings, row: int, model: Model, refused: Counter[str]) -> bool:
    signal = model.signals.get(item.metric[row])
    if signal is None:
        refused["unknown-metric"] += 1
    elif item.unit is not None and item.unit[row] != signal.unit:
        refused["wrong-unit"] += 1
    elif not signal.min <= item.value[row] <= signal.max:  # also refuses NaN
        refused["out-of-range"] += 1
    else:
        return True
    return False


def _fault(item: Fault, model: Model, refused: Counter[str]) -> Fault | None:
    if item.code not in model.faults:
        refused["unknown-code"] += 1
        return None
    if not _SOURCE.match(item.source):
        refused["unknown-source"] += 1
        return None
    numbers: dict[str, float | str] = {
        name: value for name, value in item.params.items() if isinstance(value, float) and name in model.signals
    }
    if len(numbers) == len(item.params):
        return item
    refused["unknown-parameter"] += len(item.params) - len(numbers)
    return replace(item, params=numbers)


def _inventory(item: Inventory, refused: Counter[str]) -> Inventory | None:
    fields = {
        name: value for name, value in item.fields.items() if (pattern := INVENTORY.get(name)) and pattern.match(value)
    }
    refused["unknown-field"] += sum(name not in INVENTORY for name in item.fields)
    refused["malformed-field"] += sum(name in INVENTORY and name not in fields for name in item.fields)
    refused += Counter()
    if not fields:
        return None
    return Inventory(at=item.at, fields=fields)
