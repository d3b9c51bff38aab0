"""Late facts (delivery 17): held until the agent has caught up, judged in the order of their own time, as one group."""

import pytest

from alerts.clock import HELD_LIMIT_MS
from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened, LateSummary
from alerts.late import MAX_HELD
from tests.unit.alerts.device import Reporting, birth, fault, moves, ms, only, opened, reading, temp, tickets


def test_a_late_fault_that_is_still_active_opens_its_ticket_with_occurred_and_learned_apart() -> None:
    device = Reporting()
    assert device.report(9000, fault("E1", 100), caught_up=False) == []
    found = device.report(9001, birth(9001), reading("plain", 1, 9001))
    assert found == []  # a birth says nothing of what waits behind it
    [new, active] = device.report(9002, reading("plain", 1, 9002))
    assert isinstance(new, EpisodeOpened)
    assert isinstance(active, EpisodeActive)
    assert (active.ticket, active.late, active.occurred_ms, active.learned_ms) == (True, True, ms(100), ms(9002))
    assert new.message == "alert.late.active"
    assert new.params["occurred"] == "2026-11-22T02:01:40+00:00"


def test_late_faults_that_are_over_make_one_summary() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 100), fault("E2", 150), fault("E1", 200, "cleared"), caught_up=False)
    device.report(9001, fault("E2", 300, "cleared"), fault("E1", 400), fault("E3", 500, "event"), caught_up=False)
    [summary] = device.report(9002, fault("E1", 600, "cleared"))
    assert isinstance(summary, LateSummary)
    assert (summary.count, summary.first_ms, summary.last_ms) == (4, ms(100), ms(600))
    assert summary.learned_ms == ms(9002)
    assert summary.params == {
        "count": 4,
        "first": "2026-11-22T02:01:40+00:00",
        "last": "2026-11-22T02:10:00+00:00",
    }
    assert device.state.held == ()


def test_what_is_newer_than_five_minutes_is_not_late_though_it_waited() -> None:
    device = Reporting()
    found = device.report(300, fault("E1", 0), caught_up=False)
    assert tickets(found) == ["fault:E1"]
    assert not only(EpisodeActive, found)[0].late
    assert device.report(300.001, fault("E2", 0), caught_up=False) == []


def test_the_newest_fault_does_not_wait_for_the_backlog() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 100), caught_up=False)
    assert tickets(device.report(9001, fault("E2", 9001), caught_up=False)) == ["fault:E2"]


def test_late_facts_are_judged_in_the_order_of_their_own_time() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 300, "cleared"), fault("E1", 100), caught_up=False)
    [summary] = device.report(9001, reading("plain", 1, 9001))
    assert isinstance(summary, LateSummary)
    assert (summary.first_ms, summary.last_ms) == (ms(100), ms(300))


def test_an_open_episode_is_ended_by_late_facts_at_their_own_time() -> None:
    device = Reporting()
    [new, _] = device.report(0, fault("E1", 0))
    device.tick(200)
    device.report(9000, fault("E1", 1000, "cleared"), caught_up=False)
    [over] = device.report(9001, reading("plain", 1, 9001))
    assert isinstance(new, EpisodeOpened)
    assert isinstance(over, EpisodeChanged)
    assert (over.alert_id, over.to_state, over.at_ms, over.learned_ms) == (new.alert_id, "ok", ms(1000), ms(9001))


def test_a_late_repeat_of_what_is_open_counts() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    device.report(5000, fault("E1", 5000))
    device.report(9000, fault("E1", 2000, count=3), fault("E1", 6000), caught_up=False)
    found = device.report(9001, reading("plain", 1, 9001))
    assert [e.count for e in only(EpisodeAgain, found)] == [6]
    assert len(found) == 1


def test_history_never_moves_the_present() -> None:
    """Elsewhere a backlog overwrites it."""
    device = Reporting()
    device.report(9000, fault("E1", 8999, "cleared"), reading("load", 20, 9000))
    found = device.report(9001, fault("E1", 100), reading("load", 99, 100))
    assert opened(found) == []
    [summary] = only(LateSummary, found)
    assert (summary.count, summary.first_ms) == (1, ms(100))
    assert device.state.entries == {}


def test_another_code_ends_late_ones_too() -> None:
    device = Reporting()
    device.report(9000, fault("E2", 100), fault("OK2", 200, "event"))
    assert [e.count for e in only(LateSummary, device.effects)] == [2]
    device = Reporting()
    device.report(9000, fault("OK2", 8990, "event"))
    found = device.report(9001, fault("E2", 100))
    assert opened(found) == []
    assert [e.count for e in only(LateSummary, found)] == [1]


def test_a_late_limit_is_judged_by_the_time_between_its_readings() -> None:
    device = Reporting()
    device.report(9000, temp(50, 1000), temp(20, 1299), caught_up=False)
    assert device.report(9001, birth(9001), caught_up=False) == []
    assert device.report(9002, reading("plain", 1, 9002)) == []  # it didn't hold
    device.report(9100, temp(50, 2000), temp(51, 2300), temp(20, 2301), caught_up=False)
    assert [e.count for e in only(LateSummary, device.report(9101, reading("plain", 1, 9101)))] == [1]
    device.report(9200, temp(50, 3000), temp(50, 3300))
    [active] = only(EpisodeActive, device.effects)
    assert (active.occurred_ms, active.message, active.late) == (ms(3000), "alert.late.limit", True)


def test_a_late_limit_that_may_still_hold_long_enough_pends() -> None:
    device = Reporting()
    assert opened(device.report(400, temp(50, 80))) == [("limit:hot", "pending")]
    found = device.report(500, temp(50, 500))
    assert moves(found) == [("held", "pending", "active")]
    assert only(EpisodeActive, found)[0].late


def test_a_late_value_that_stands_holds_by_what_is_known_now() -> None:
    found = Reporting().report(800, reading("calm", 50, 100))
    assert opened(found) == [("limit:still", "active")]


def test_an_agent_that_never_catches_up_is_not_waited_for_for_ever() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 100), caught_up=False)
    for at in range(9100, 9600, 100):
        device.report(at, fault("E3", at - 400, "event"), caught_up=False)
        assert device.due() == min(9000 + HELD_LIMIT_MS / 1000, at + 180)
    assert tickets(device.tick(9600)) == ["fault:E1"]


def test_a_device_that_falls_silent_in_its_backlog_is_judged_before() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 100), caught_up=False)
    found = device.tick(9180)
    assert tickets(found) == ["fault:E1", "silence"]
    assert moves(found) == [("silent", "active", "no-data")]


def test_readings_that_say_the_same_are_held_once() -> None:
    device = Reporting()
    for at in range(0, 20_000, 10):
        device.report(100_000, temp(50 if at < 10_000 else 20, at), caught_up=False)
    assert len(device.state.held) == 2
    assert len(device.engine.pack(device.state)) < 400


def test_what_is_held_is_bounded() -> None:
    device = Reporting()
    for number in range(5 * MAX_HELD):
        device.report(100_000, fault("E1", number, "cleared" if number % 2 else "active"), caught_up=False)
        assert len(device.state.held) < MAX_HELD
    assert sum(e.count for e in only(LateSummary, device.effects)) == 5 * MAX_HELD // 2
    assert len(device.engine.pack(device.state)) < 20_000


@pytest.mark.parametrize("caught_up", [True, False])
def test_facts_of_one_code_out_of_order_are_history_at_once(caught_up: bool) -> None:
    """Not late, but older than what is judged: counted, and the present stays."""
    device = Reporting()
    device.report(100, fault("E1", 100, "cleared"))
    found = device.report(101, fault("E1", 90), caught_up=caught_up)
    found += device.report(102, reading("plain", 1, 102))
    assert [type(e) for e in found] == [LateSummary]


def test_a_late_reading_older_than_a_late_one_of_its_metric_is_ignored() -> None:
    device = Reporting()
    for at in (100, 110, 105):
        device.report(9000, reading("load", 20 if at == 105 else 99, at), caught_up=False)
    assert opened(device.report(9001, reading("plain", 1, 9001))) == [("limit:busy", "active")]


def test_of_late_readings_those_older_than_what_is_judged_are_ignored() -> None:
    device = Reporting()
    device.report(600, reading("load", 20, 600))
    device.report(9000, reading("load", 99, 100), reading("load", 99, 1000), caught_up=False)
    found = device.report(9001, reading("plain", 1, 9001))
    assert [e.occurred_ms for e in only(EpisodeOpened, found)] == [ms(1000)]
    assert only(LateSummary, found) == []


@pytest.mark.parametrize("age", [299, 301])
def test_a_repeat_a_little_older_or_younger_than_late_belongs_to_the_same_episode(age: int) -> None:
    device = Reporting()
    device.report(9000, fault("E1", 8000), caught_up=False)
    found = device.report(9001, fault("E1", 9001 - age), caught_up=False)
    found += device.report(9002, reading("plain", 1, 9002))
    assert [(e.occurred_ms, e.count, e.late) for e in only(EpisodeOpened, found)] == [(ms(8000), 2, True)]


@pytest.mark.parametrize("age", [0, 299, 301])
def test_what_is_over_by_a_fact_in_time_is_one_summary(age: int) -> None:
    device = Reporting()
    device.report(9000, fault("E2", 8000), reading("load", 99, 8000), caught_up=False)
    at = 9001 - age
    found = device.report(9001, fault("OK2", at, "event"), reading("load", 1, at), caught_up=False)
    found += device.report(9002, reading("plain", 1, 9002))
    assert tickets(found) == []
    over = 2 if age == 0 else 3  # OK2 itself lasts a second
    assert sum(e.count for e in only(LateSummary, found)) == over


def test_what_begins_now_behind_late_facts_of_its_own_is_no_late_news() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 8000), fault("E1", 8010, "cleared"), caught_up=False)
    found = device.report(9001, fault("E1", 9001), caught_up=False)
    [active] = only(EpisodeActive, found)
    assert (active.late, active.occurred_ms, active.message) == (False, ms(9001), "alert.code.active")
    assert [e.count for e in only(LateSummary, found)] == [1]
