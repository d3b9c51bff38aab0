"""Limits with hysteresis and `for`, by the time of the data and by the time that passes without data."""

import pytest

from alerts.effects import EpisodeActive, EpisodeChanged, EpisodeOpened
from tests.unit.alerts.device import Reporting, moves, ms, only, opened, reading, temp, tickets
from wire.items import BAD, GOOD, UNCERTAIN, Readings


def test_a_value_beyond_opens_and_one_back_beyond_clear_ends() -> None:
    device = Reporting()
    assert device.report(1, reading("load", 90.0, 1)) == []  # at the limit isn't beyond it
    [new, active] = device.report(2, reading("load", 90.1, 2))
    assert isinstance(new, EpisodeOpened)
    assert isinstance(active, EpisodeActive)
    assert (new.rule, new.kind, new.subject, new.condition) == ("limit:busy", "limit", "load", "active")
    assert (new.occurred_ms, new.learned_ms, new.late) == (ms(2), ms(2), False)
    assert (new.severity, new.family, new.ticket, new.runbook) == ("major", "heat", True, "host-health")
    assert new.message == "alert.limit.above"
    assert new.params["value"] == 90.1
    assert active.alert_id == new.alert_id
    assert device.report(3, reading("load", 85.0, 3)) == []  # between the limits: it stays
    [over] = device.report(4, reading("load", 80.0, 4))
    assert isinstance(over, EpisodeChanged)
    assert (over.alert_id, over.to_state, over.message) == (new.alert_id, "ok", "alert.limit.cleared")
    assert over.params["value"] == 80.0
    assert device.state.entries == {}


def test_below_is_the_mirror_of_above_and_two_rules_on_one_signal_are_two_episodes() -> None:
    device = Reporting()
    assert opened(device.report(1, reading("volt", 9.9, 1))) == [("limit:low", "active")]
    assert device.report(2, reading("volt", 10.5, 2)) == []
    found = device.report(3, reading("volt", 14.5, 3))
    assert moves(found) == [("within", "active", "ok")]
    assert opened(found) == [("limit:high", "active")]


def test_beyond_for_long_enough_by_the_time_of_the_data() -> None:
    device = Reporting()
    found = device.report(0, temp(50, 0))
    assert opened(found) == [("limit:hot", "pending")]
    assert tickets(found) == []
    assert only(EpisodeOpened, found)[0].message == "alert.limit.pending_above"
    assert device.report(299, temp(51, 299)) == []
    [held, active] = device.report(301, temp(52, 301))
    assert isinstance(held, EpisodeChanged)
    assert (held.event, held.from_state, held.to_state, held.at_ms) == ("held", "pending", "active", ms(300))
    assert isinstance(active, EpisodeActive)
    assert (active.occurred_ms, active.ticket) == (ms(0), True)


def test_beyond_for_long_enough_though_nothing_more_comes() -> None:
    """The sender keeps back values that didn't change (deadband)."""
    device = Reporting()
    device.report(0, temp(50, 0))
    device.report(250, reading("plain", 1, 250))
    assert device.due() == 300
    assert device.tick(299) == []
    assert moves(device.tick(300)) == [("held", "pending", "active")]
    assert device.due() == 250 + 180  # only silence is waited for


def test_what_comes_back_in_time_never_was_active() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    [ended] = device.report(100, temp(42.0, 100))  # no longer beyond; it needn't be back beyond clear
    assert isinstance(ended, EpisodeChanged)
    assert (ended.to_state, ended.message) == ("ok", "alert.limit.not_held")
    assert device.tick(400) != []  # silence only
    assert tickets(device.effects) == ["silence"]


def test_a_value_that_came_back_after_it_had_held_was_active_in_between() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    found = device.report(400, temp(20, 400), clock=10)  # no tick came: our clock stood still
    assert moves(found) == [("held", "pending", "active"), ("within", "active", "ok")]
    assert [e.at_ms for e in only(EpisodeChanged, found)] == [ms(300), ms(400)]


def test_data_that_was_long_under_way_has_waited_already() -> None:
    device = Reporting()
    device.report(200, temp(50, 0), reading("plain", 1, 200))
    assert device.due() == 300


def test_a_tick_that_comes_too_late_does_not_ignore_what_came_back_before_it() -> None:
    """A timer moves no time forward: the reading is newer than the newest reading."""
    device = Reporting()
    device.report(0, temp(50, 0))
    device.report(170, reading("plain", 1, 170))
    assert moves(device.tick(300)) == [("held", "pending", "active")]
    assert moves(device.report(301, temp(20, 299))) == [("within", "active", "ok")]


@pytest.mark.parametrize(("unit", "judged"), [(None, True), ("", True), ("Cel", True), ("K", False), ("[degF]", False)])
def test_a_value_in_another_unit_is_not_judged(unit: str | None, judged: bool) -> None:
    assert bool(Reporting().report(1, temp(99, 1, unit=unit))) is judged


@pytest.mark.parametrize(("quality", "judged"), [(GOOD, True), (UNCERTAIN, True), (BAD, False)])
def test_a_bad_value_is_not_judged(quality: int, judged: bool) -> None:
    assert bool(Reporting().report(1, temp(99, 1, quality=quality))) is judged  # type: ignore[arg-type] # of the literal's values


def test_not_a_number_says_nothing() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    assert device.report(1, temp(float("nan"), 1)) == []
    assert device.state.entries["limit:hot"].condition == "pending"
    assert opened(device.report(2, reading("load", float("inf"), 2))) == [("limit:busy", "active")]


def test_columns_carry_times_of_their_own() -> None:
    device = Reporting()
    rows = Readings(at=ms(10), metric=["plain", "load", "load"], value=[1.0, 99.0, 50.0], dt=[0, -3000, -1000])
    found = device.report(10, rows)
    assert only(EpisodeOpened, found)[0].occurred_ms == ms(7)
    assert only(EpisodeChanged, found)[0].at_ms == ms(9)


def test_the_offset_of_the_clock_is_added() -> None:
    found = Reporting().report(100, reading("load", 99, 40), offset_s=60)
    assert only(EpisodeOpened, found)[0].occurred_ms == ms(100)


def test_a_clock_a_little_ahead_says_now_and_one_far_ahead_says_nothing() -> None:
    device = Reporting()
    assert device.report(1, reading("load", 99, 302)) == []
    found = device.report(2, reading("load", 99, 300))
    assert only(EpisodeOpened, found)[0].occurred_ms == ms(2)
    assert moves(device.report(3, reading("load", 1, 3))) == [("within", "active", "ok")]


def test_readings_without_a_rule_leave_the_very_same_state() -> None:
    device = Reporting()
    device.report(0, reading("load", 50, 0))
    before = device.state
    device.report(1, reading("plain", 1e9, 1), reading("else", 1, 1), reading("load", 51, 1))
    assert device.state is before


def test_an_open_episode_whose_value_stays_beyond_leaves_the_very_same_state() -> None:
    device = Reporting()
    device.report(0, reading("load", 99, 0))
    before = device.state
    device.report(1, reading("load", 98, 1))
    assert device.state is before


def test_what_is_back_at_the_very_end_of_its_time_has_not_held() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    assert moves(device.report(300, temp(20, 300), clock=1)) == [("within", "pending", "ok")]
    device.report(400, temp(50, 400), clock=2)
    assert moves(device.report(700, temp(50, 700), clock=3)) == [("held", "pending", "active")]
