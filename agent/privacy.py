"""The last gate in front of the outbox: an allow-list. What isn't declared doesn't leave, and is counted, never quoted.

Declared are: the metrics, units, ranges and fault codes of the catalog's model (its bases included), the states and
inventory fields of this page, and the agent's own messages about itself. Every text has a pattern of its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from msgspec.structs import replace

from agent.equipment_clock import UNCERTAIN_TIME
from catalog.model import UNKNOWN_CODE, Model
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
    rows_of,
)

STATES: Final[Mapping[str, frozenset[str]]] = {
    "exposure.control_mode": frozenset({"MANUAL", "AUTOMATIC"}),
    "exposure.status": frozenset({"NORMAL", "ABORTED"}),
    "mpps.status": frozenset({"IN PROGRESS", "DISCONTINUED", "COMPLETED"}),
    "equipment": frozenset(
        {"clearing", "configuring", "diagnosing", "emergency-stop", "idle", "initializing", "maintenance"}
        | {"operating", "paused", "pausing", "powered-up", "sampling-stopped", "shutting-down"}
    ),
    "equipment.control": frozenset({"local", "remote"}),
    "alert-level": frozenset({"normal", "warning", "serious", "critical"}),
}
"""Each state with all the values it can take (DICOM PS3.3 C.8.7.8, C.4.14; HL7 tables 0365, 0366 and 0367)."""
REAGENT_STATES: Final[Mapping[str, frozenset[str]]] = {
    "status": frozenset(
        {"ok", "expires-soon", "calibration-warning", "control-warning", "short"}
        | {"calibration-error", "control-error", "expired", "empty"}
    )
}
"""What ``reagent.<key>.`` may be followed by, for each reagent that the model knows (HL7 table 0383)."""

_SERIAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#+\-]{0,31}\Z")
"""No ``^``, which parts the names of persons in DICOM, and no ``@``."""
_VERSIONS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:+();\-]{0,63}\Z")
_LOT: Final = re.compile(r"(?=\D*\d)[A-Za-z0-9][A-Za-z0-9._/\-]{0,31}\Z", re.ASCII)
"""A digit and no blank: the name of a person looks otherwise."""
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d[+-]\d\d:\d\d)?\Z")

INVENTORY: Final[Mapping[str, re.Pattern[str]]] = {
    "device.serial": _SERIAL,
    "device.software": _VERSIONS,
    "device.calibrated_at": _ISO_TIME,
    "detector.id": _SERIAL,
    "detector.calibrated_at": _ISO_TIME,
}
"""Each inventory field with what its values look like."""
REAGENT_INVENTORY: Final[Mapping[str, re.Pattern[str]]] = {"lot": _LOT, "expires": _ISO_DATE}
"""What ``reagent.<key>.`` may be followed by, for each reagent that the model knows."""
CONTROL_INVENTORY: Final[Mapping[str, re.Pattern[str]]] = {"lot": _LOT, "expires": _ISO_DATE}
"""What ``control.<key>.`` may be followed by, for each control material that the model knows."""

_UNCERTAIN: Final = UNCERTAIN_TIME, 1.0
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
            if item.value in state_values(item.name, model):
                return item
            refused["unknown-state"] += 1
            return None
        case Inventory():
            return _inventory(item, model, refused)
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
    return rows_of(item, rows)


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
        name: value
        for name, value in item.params.items()
        if isinstance(value, float)
        and (name in model.signals or (name, value) == _UNCERTAIN or _is_raw_code(item.code, name, value))
    }
    if len(numbers) == len(item.params):
        return item
    refused["unknown-parameter"] += len(item.params) - len(numbers)
    return replace(item, params=numbers)


def _is_raw_code(code: str, name: str, value: float) -> bool:
    """A raw code that the catalog's table doesn't hold: one to six digits, so no identifier of a person."""
    return code == UNKNOWN_CODE and name == "code" and 0 <= value < 1_000_000 and value.is_integer()


def _inventory(item: Inventory, model: Model, refused: Counter[str]) -> Inventory | None:
    fields: dict[str, str] = {}
    for name, value in item.fields.items():
        pattern = _field(name, model)
        if pattern is None:
            refused["unknown-field"] += 1
        elif not pattern.match(value):
            refused["malformed-field"] += 1
        else:
            fields[name] = value
    return Inventory(at=item.at, fields=fields) if fields else None


def state_values(name: str, model: Model) -> frozenset[str]:
    """The values that a state can take; none: it may not leave."""
    of_reagent = _of("reagent", model.reagents, name)
    return STATES.get(name, frozenset()) if of_reagent is None else REAGENT_STATES.get(of_reagent, frozenset())


def _field(name: str, model: Model) -> re.Pattern[str] | None:
    """What the values of an inventory field look like; None: it may not leave."""
    of_reagent, of_control = _of("reagent", model.reagents, name), _of("control", model.controls, name)
    if of_reagent is not None:
        return REAGENT_INVENTORY.get(of_reagent)
    return INVENTORY.get(name) if of_control is None else CONTROL_INVENTORY.get(of_control)


def _of(kind: str, known: Mapping[str, str], name: str) -> str | None:
    """What follows ``<kind>.<key>.`` in a name; None: it is of none that the model knows."""
    first, _, rest = name.partition(".")
    key, _, what = rest.rpartition(".")
    return what if first == kind and key in known.values() else None
