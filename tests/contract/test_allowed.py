"""`ingest.ports.Allowed`: what may be kept, or why not."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

from catalog.load import load
from ingest.ports import Allowed, Expected
from steth.allowed import AllowList
from tests.fixtures.allowed import Anything, possible
from wire import examples
from wire.items import Fault, Inventory, Item, Readings, StateChange
from wire.report import Report

PORT: Final = "ingest.ports.Allowed"
CATALOG: Final = load()
BEHIND: Final[dict[str, Callable[[], Allowed]]] = {
    "steth.allowed.AllowList": lambda: AllowList(CATALOG),
    "tests.fixtures.allowed.Anything": lambda: Anything({"kv": possible(0, 150)}, unit="kV", strict=True),
}
REASON: Final = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,47}(:[A-Za-z0-9][A-Za-z0-9_.\-]{0,63})?")
NAMES: Final = ["kv", "zhang-san", "", *(name for model in CATALOG.models.values() for name in model.signals)]
MODELS: Final = ["generic-dr", "zhang-san", *CATALOG.models]
ITEMS: Final[list[Item]] = [
    *(
        item
        for report in examples.of(Report)
        if isinstance(report, Report)
        for item in report.items
        if not isinstance(item, Readings)
    ),
    Fault(at=1, code="ZHANG-SAN", state="event", params={"zhang": "San"}),
    StateChange(at=1, name="zhang", value="San"),
    Inventory(at=1, fields={"zhang": "San"}),
]


@pytest.fixture(params=list(BEHIND))
def allowed(request: pytest.FixtureRequest) -> Allowed:
    return BEHIND[request.param]()


def test_of_a_reading_it_says_what_it_may_be_or_a_reason_and_always_the_same(allowed: Allowed) -> None:
    for model in MODELS:
        for name in NAMES:
            for unit in ("", "kV", "Cel", "zhang"):
                said = allowed.reading(model, name, unit)
                assert said == allowed.reading(model, name, unit)
                if isinstance(said, Expected):
                    assert said.least <= said.low <= said.high <= said.most
                else:
                    assert REASON.fullmatch(said)


@pytest.mark.parametrize("item", ITEMS, ids=[f"{type(item).__name__}-{nth}" for nth, item in enumerate(ITEMS)])
def test_what_it_keeps_back_of_an_item_is_counted_by_reason_and_nothing_else_is(allowed: Allowed, item: Item) -> None:
    for model in MODELS:
        refused: Counter[str] = Counter()
        kept = allowed.admit(model, item, refused)
        assert (kept is item) == (not refused), "the very same object where all of it may be kept"
        assert kept is None or type(kept) is type(item)
        assert all(REASON.fullmatch(reason) and count > 0 for reason, count in refused.items())
        again: Counter[str] = Counter()
        assert (allowed.admit(model, item, again), again) == (kept, refused)
