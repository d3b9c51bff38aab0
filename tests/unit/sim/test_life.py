from datetime import UTC, datetime, timedelta

import pytest

from catalog.load import load
from catalog.model import Model
from sim.events import LogLine
from sim.life import DrLife

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def model() -> Model:
    return load().models["generic-dr"]


def test_the_same_seed_lives_the_same_life_however_often_one_looks(model: Model) -> None:
    def life() -> DrLife:
        return DrLife(seed=7, start=MONDAY, model=model, faults_per_day=2)

    once, often, other = life(), life(), DrLife(seed=8, start=MONDAY, model=model)
    whole = once.step(MONDAY + timedelta(days=1))
    pieces = [event for minute in range(24 * 60 + 1) for event in often.step(MONDAY + timedelta(minutes=minute))]
    assert whole == pieces
    assert len(whole) > 100
    assert whole != other.step(MONDAY + timedelta(days=1))


def test_a_fault_on_demand_is_in_the_log_when_asked_and_clears(model: Model) -> None:
    life = DrLife(seed=1, start=MONDAY, model=model, faults_per_day=0)
    assert life.inject("DET-TEMP-01", MONDAY, lead_s=600, lasts_s=1200)
    assert not life.inject("DET-TEMP-01", MONDAY)
    lines = [e for e in life.step(MONDAY + timedelta(hours=1)) if isinstance(e, LogLine)]
    assert [(e.code, e.state, (e.at - MONDAY).total_seconds()) for e in lines] == [
        ("DET-TEMP-01", "active", 600),
        ("DET-TEMP-01", "cleared", 1800),
    ]
