"""`ingest.ports.Engine`: pure, never changing a state in place, and owing nothing that it can't say."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import pytest

from alerts.engine import AlertEngine
from catalog.load import load
from ingest.ports import Applied, Device, Engine, Now, OpenAlert, Presence
from tests.integration.ingest.harness import CountingEngine
from tests.unit.ingest.judged import Engine as SmallEngine
from wire.ids import DeviceId
from wire.items import Fault
from wire.report import Report
from wire.topics import Lane

PORT: Final = "ingest.ports.Engine"
CATALOG: Final = load()
BEHIND: Final[dict[str, Callable[[], Engine[Any]]]] = {
    "alerts.engine.AlertEngine": lambda: AlertEngine(models=CATALOG.models),
    "tests.integration.ingest.harness.CountingEngine": CountingEngine,
    "tests.unit.ingest.judged.Engine": SmallEngine,
}
AT: Final = 1_795_000_000_000
DEVICE: Final = Device(
    id=1, uid=DeviceId("d0000000001"), org_id=1, site_id=1, partition=3, model="generic-dr", name="DR"
)
CODES: Final = (*CATALOG.models["generic-dr"].faults, "UNKNOWN-1")[:4]
OPENED: Final = [
    OpenAlert(id=UUID(int=7), lane=Lane.LIVE, rule=f"fault:{CODES[0]}", condition="active", occurred_ms=AT, count=2)
]


@pytest.fixture(params=list(BEHIND))
def engine(request: pytest.FixtureRequest) -> Engine[Any]:
    return BEHIND[request.param]()


@pytest.fixture(params=list(Lane))
def lane(request: pytest.FixtureRequest) -> Lane:
    lane: Lane = request.param
    return lane


def heard(second: int) -> Presence:
    return Presence(
        epoch="e0000000", boot=1, connected=True, interval_s=20, seen_ms=AT + second, seen_clock_ms=second * 1000
    )


def faults(second: int, *codes: str) -> list[Applied]:
    at = AT + second * 1000
    report = Report(at=at, items=[Fault(at=at, code=code, state="active") for code in codes])
    return [Applied(report=report, numbers=None, received_ms=at, offset_ms=0, caught_up=True)]


def at(second: int) -> Now:
    return Now(wall_ms=AT + second * 1000, clock_ms=second * 1000)


def test_the_same_is_judged_the_same_and_no_state_is_changed_in_place(engine: Engine[Any], lane: Lane) -> None:
    state = engine.fresh(DEVICE, lane)
    told = 0
    for second, codes in enumerate([CODES[:1], CODES, (), CODES[1:], ()]):
        applied = faults(second, *codes) if codes else []
        packed = engine.pack(state)
        steps = [engine.step(DEVICE, lane, state, heard(second), applied, at(second)) for _ in range(2)]
        assert engine.pack(state) == packed
        (first, effects), (second_, again) = steps
        assert (engine.pack(first), effects) == (engine.pack(second_), again)
        told += len(effects)
        assert engine.urgent(state, first) in (True, False)
        state = first
    assert told, "faults lead to something"


def test_nothing_new_is_the_very_same_object(engine: Engine[Any], lane: Lane) -> None:
    state, _ = engine.step(DEVICE, lane, engine.fresh(DEVICE, lane), heard(0), faults(0, *CODES), at(0))
    state, _ = engine.step(DEVICE, lane, state, heard(0), [], at(0))
    assert engine.step(DEVICE, lane, state, heard(0), [], at(0)) == (state, [])
    assert engine.step(DEVICE, lane, state, heard(0), [], at(0))[0] is state


def test_a_packed_state_goes_on_as_if_it_had_stayed(engine: Engine[Any], lane: Lane) -> None:
    state, _ = engine.step(DEVICE, lane, engine.fresh(DEVICE, lane), heard(0), faults(0, *CODES), at(0))
    loaded = engine.unpack(DEVICE, lane, engine.pack(state))
    assert engine.pack(loaded) == engine.pack(state)
    on = [engine.step(DEVICE, lane, each, heard(5), faults(5, CODES[0]), at(5)) for each in (state, loaded)]
    assert engine.pack(on[0][0]) == engine.pack(on[1][0])
    assert on[0][1] == on[1][1]


@pytest.mark.parametrize("packed", [b"", b"\xff\xff", b"zhang san", bytes(64)])
def test_what_is_no_state_is_a_value_error(engine: Engine[Any], lane: Lane, packed: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever words
        engine.unpack(DEVICE, lane, packed)


def test_what_is_open_is_taken_over_once(engine: Engine[Any], lane: Lane) -> None:
    fresh = engine.fresh(DEVICE, lane)
    assert engine.adopt(DEVICE, lane, fresh, []) is fresh
    state = engine.adopt(DEVICE, lane, None, OPENED)
    assert engine.pack(engine.unpack(DEVICE, lane, engine.pack(state))) == engine.pack(state)
    state, _ = engine.step(DEVICE, lane, state, heard(1), [], at(1))
    assert engine.adopt(DEVICE, lane, engine.adopt(DEVICE, lane, None, []), []) is not None


def test_at_its_time_a_step_changes_something_or_it_is_due_later(engine: Engine[Any]) -> None:
    state, _ = engine.step(DEVICE, Lane.LIVE, engine.fresh(DEVICE, Lane.LIVE), heard(0), faults(0, *CODES), at(0))
    for _ in range(20):
        due = engine.due(state, heard(0))
        if due is None:
            return
        state, _ = engine.step(DEVICE, Lane.LIVE, state, heard(0), [], Now(wall_ms=AT + due, clock_ms=due))
        later = engine.due(state, heard(0))
        assert later is None or later > due, "else ingest would step for ever"
