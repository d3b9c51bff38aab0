"""What the demo's staff does next with a ticket, and that mending mends."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.load import load
from desk.tickets.status import TRANSITIONS
from sim.analyzer.events import Notice
from sim.analyzer.life import AnalyzerLife
from sim.staff import _STEPS, Staff, StaffConfig, next_step

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize("status", list(_STEPS))
def test_a_step_is_one_that_the_status_allows_and_comes_in_time(status: str) -> None:
    step, least, most = _STEPS[status]
    assert (status, step) in TRANSITIONS
    numbers = [f"WX20261122-{number:03d}" for number in range(50)]
    assert not any(next_step(number=n, status=status, waited_s=least - 1, lasting=0) for n in numbers)
    assert all(next_step(number=n, status=status, waited_s=most, lasting=0) == step for n in numbers)
    halfway = [next_step(number=n, status=status, waited_s=(least + most) / 2, lasting=0) for n in numbers]
    assert step in halfway
    assert None in halfway, "not all at once"


def test_a_ticket_whose_alerts_last_is_not_closed() -> None:
    assert next_step(number="WX20261122-001", status="to-verify", waited_s=1e9, lasting=1) is None
    assert next_step(number="WX20261122-001", status="on-site", waited_s=1e9, lasting=1) == "mend"


@pytest.mark.parametrize("status", ["awaiting-parts", "closed", "a status to come"])
def test_what_is_somebody_elses_is_left_alone(status: str) -> None:
    assert next_step(number="WX20261122-001", status=status, waited_s=1e9, lasting=0) is None


def test_an_analyzer_that_was_serviced_has_no_fault_left_and_lives_on() -> None:
    life = AnalyzerLife(seed=1, start=MONDAY, model=load().models["generic-analyzer"], faults_per_day=0)
    life.inject("BTH-TMP-01", MONDAY, lead_s=60, lasts_s=86_400)
    life.inject("PRB-LVL-01", MONDAY, lead_s=86_400, lasts_s=86_400)
    now = MONDAY + timedelta(minutes=5)
    life.step(now)
    life.service(now)
    told = [
        (e.code, e.state) for e in life.step(now + timedelta(days=4)) if isinstance(e, Notice) and e.state != "event"
    ]
    assert told == [("BTH-TMP-01", "cleared")], "what was only coming never comes, and nothing ends twice"
    assert life.state.active == []


def test_a_staff_for_a_device_that_is_not_there_is_refused() -> None:
    config = StaffConfig(api="http://127.0.0.1:1", token="t", desk="k", devices={"d1": "dr-2"})
    with pytest.raises(ValueError, match="dr-2"):
        Staff(config=config, mend={"dr-1": lambda: None})
