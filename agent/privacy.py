"""The last gate in front of the outbox: an allow-list. What isn't declared doesn't leave, and is counted, never quoted.

The list is the catalog's (``catalog.allowed``), and the server holds to it once more. Here readings must moreover be in
their signal's unit and range, and a fault must be one that the model knows: what reads the equipment is ours.
"""

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from catalog import allowed
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
    rows_of,
)


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
            if item.code in model.faults:
                return allowed.fault(item, model, refused)
            refused["unknown-code"] += 1
            return None
        case StateChange():
            return allowed.state(item, model, refused)
        case Inventory():
            return allowed.inventory(item, model, refused)
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
