"""The gate of `steth ingest`: the catalog's allow-list, as ingest asks for it (`ingest.ports.Allowed`)."""

from collections import Counter
from typing import Final, assert_never

from msgspec.structs import replace

from catalog import allowed
from catalog.allowed import LARGEST
from catalog.model import Catalog, Model
from catalog.own_words import OwnWords
from catalog.units import SAME, SYMBOLS
from ingest.ports import Expected
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

_UNBOUNDED: Final = Expected(low=-LARGEST, high=LARGEST, least=-LARGEST, most=LARGEST)
"""In another unit than its signal's nothing is known of what is possible."""


class AllowList:
    """What may be kept of what devices of the catalog's models report. Of a model that the catalog doesn't hold:
    what an agent says about itself, and that there was a fault."""

    def __init__(self, catalog: Catalog) -> None:
        self._models = catalog.models
        self._own = OwnWords(catalog)

    def reading(self, model: str, metric: str, unit: str) -> Expected | str:
        """See `ingest.ports.Allowed`."""
        known = self._models.get(model)
        signal = None if known is None else known.signals.get(metric)
        if signal is None:
            return "unknown-metric"
        same = SAME.get(unit, unit)
        if same in ("", signal.unit):
            return Expected(
                low=signal.min,
                high=signal.max,
                least=min(signal.min, -LARGEST),
                most=max(signal.max, LARGEST),
                unit=None if same == unit else same,
            )
        if same not in SYMBOLS:
            return "unknown-unit"
        return _UNBOUNDED if same == unit else replace(_UNBOUNDED, unit=same)

    def admit(self, model: str, item: Item, refused: Counter[str]) -> Item | None:
        """See `ingest.ports.Allowed`."""
        match item:
            case Fault():
                known = self._model(model)
                if item.code in known.faults:
                    return allowed.fault(item, known, refused)
                return allowed.unknown_fault(item, refused)
            case StateChange():
                return allowed.state(item, self._model(model), refused)
            case Inventory():
                return allowed.inventory(item, self._model(model), refused)
            case Birth():
                return self._own.birth(item, refused)
            case Heartbeat():
                return self._own.heartbeat(item, self._model(model), refused)
            case Reply():
                return self._own.reply(item, refused)
            case Skipped():
                return self._own.skipped(item, refused)
            case ClockStep() | Dropped():
                return item  # numbers of ours
            case Readings():
                raise TypeError("readings are judged row by row")
            case _ as never:
                assert_never(never)

    def _model(self, key: str) -> Model:
        return self._models.get(key, allowed.NOTHING)
