"""Limits with hysteresis and `for`, by the time of the data and by the time that passes without data."""

import pytest

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened
from tests.unit.alerts.device import (
    Reporting,
    birth,
    limit,
    model,
    moves,
    ms,
    only,
    opened,
    reading,
    signal,
    temp,
    tickets,
)
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


def test_one_value_and_the_server_s_clock_never_hold() -> None:
    """Seen: one sample of a client whose clock was 4 min behind opened a ticket at once."""
    device = Reporting()
    assert opened(device.report(240, temp(50, 0))) == [("limit:hot", "pending")]
    for at in range(300, 9000, 100):
        assert device.report(at, birth(at)) == []
        assert device.tick(at + 99) == []
    assert moves(device.report(9000, temp(20, 9000))) == [("within", "pending", "ok")]


@pytest.mark.parametrize("apart", [True, False])
def test_37_38_37_is_no_fever_however_it_is_sent(apart: bool) -> None:
    """Seen: sent apart it opened a ticket, sent at once it didn't."""
    bath = model(signals=[signal("bath", limit("warm", raise_at=37.3, clear=37.2, for_s=120.0))])
    device = Reporting(bath)
    values = [reading("bath", value, at) for value, at in ((37.0, 0), (38.0, 10), (37.0, 20))]
    if apart:
        for at, value in enumerate(values):
            device.report(10 * at, value)
    else:
        device.report(20, *values)
    for at in range(30, 3000, 100):
        device.report(at, birth(at))
        device.tick(at + 99)
    assert tickets(device.effects) == []
    assert device.state.entries == {}


def test_a_report_s_values_are_judged_in_the_order_of_their_time() -> None:
    device = Reporting()
    rows = Readings(at=ms(20), metric=["load", "load"], value=[20.0, 99.0], dt=[0, -10_000])
    found = device.report(20, rows)
    assert opened(found) == [("limit:busy", "active")]
    assert [(e.to_state, e.at_ms) for e in only(EpisodeChanged, found)] == [("ok", ms(20))]


def test_a_value_that_stands_holds_once_nothing_newer_can_come() -> None:
    """The sender keeps back values that didn't change (``Signal.stands``)."""
    device = Reporting()
    assert opened(device.report(0, reading("calm", 50, 0))) == [("limit:still", "pending")]
    device.report(419, birth(419))
    assert device.due() == 120 + 300
    assert device.tick(419.9) == []
    [held, active] = device.tick(420)
    assert isinstance(held, EpisodeChanged)
    assert isinstance(active, EpisodeActive)
    assert (held.to_state, held.at_ms, active.occurred_ms) == ("active", ms(120), ms(0))
    assert device.due() == 419 + 180  # only silence is waited for


def test_a_value_that_stood_until_a_newer_one_held_though_no_tick_came() -> None:
    device = Reporting()
    device.report(0, reading("calm", 50, 0))
    found = device.report(400, reading("calm", 20, 400), clock=10)
    assert moves(found) == [("held", "pending", "active"), ("within", "active", "ok")]
    assert [e.at_ms for e in only(EpisodeChanged, found)] == [ms(120), ms(400)]


def test_a_value_of_a_device_that_fell_silent_stands_no_longer() -> None:
    device = Reporting()
    device.report(0, reading("calm", 50, 0))
    device.tick(180)
    device.report(5000, birth(5000))
    device.report(5100, birth(5100))
    device.report(5250, birth(5250))
    assert device.tick(5400) == []
    assert moves(device.report(5401, reading("calm", 20, 5401))) == [("within", "pending", "ok")]


def test_a_value_stands_for_no_longer_than_its_signal_says() -> None:
    short = model(signals=[signal("calm", limit("still", for_s=120.0), stands=119.0)], silence_s=None)
    device = Reporting(short)
    device.report(0, reading("calm", 50, 0))
    assert device.tick(9000) == []


def test_what_comes_back_in_time_never_was_active() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    [ended] = device.report(100, temp(42.0, 100))  # no longer beyond; it needn't be back beyond clear
    assert isinstance(ended, EpisodeChanged)
    assert (ended.to_state, ended.message) == ("ok", "alert.limit.not_held")
    assert device.tick(400) != []  # silence only
    assert tickets(device.effects) == ["silence"]


def test_a_value_that_came_back_after_long_held_by_nothing_that_is_known() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    assert moves(device.report(400, temp(20, 400))) == [("within", "pending", "ok")]


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
    device.report(1, reading("plain", 1e9, 1), reading("else", 1, 1))
    assert device.state is before


def test_only_a_reading_of_which_something_follows_must_be_written_at_once() -> None:
    """Else a row would be written with every reading; how far a metric is judged goes with the next checkpoint."""
    device = Reporting()

    def urgent(at: float, value: float) -> bool:
        device.report(at, reading("load", value, at))
        return device.urgent

    assert not urgent(0, 50)
    assert urgent(1, 99)
    assert not urgent(2, 98)
    assert urgent(3, 50)
    assert not urgent(4, 50)


def test_an_older_value_that_comes_later_neither_ends_nor_opens_anything() -> None:
    """Seen, within a minute: an alert was ended by a good value ten seconds older than the newest bad one."""
    device = Reporting()
    device.report(1, reading("load", 99, 1))
    device.report(30, reading("load", 98, 30))
    assert device.report(31, reading("load", 1, 20)) == []
    assert moves(device.report(40, reading("load", 1, 40))) == [("within", "active", "ok")]
    assert device.report(50, reading("load", 1, 50)) == []
    assert device.report(51, reading("load", 99, 45)) == []
    assert device.state.entries == {}


def test_what_is_back_at_the_very_end_of_its_time_has_not_held() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    assert moves(device.report(300, temp(20, 300), clock=1)) == [("within", "pending", "ok")]
    device.report(400, temp(50, 400), clock=2)
    assert moves(device.report(700, temp(50, 700), clock=3)) == [("held", "pending", "active")]


def test_a_limit_that_gets_worse_tells_it_in_steps_of_its_hysteresis() -> None:
    """Its ticket may have been closed by hand: what gets worse must reach the desk."""
    device = Reporting()
    device.report(0, reading("load", 91, 0))
    before = device.state
    assert device.report(1, reading("load", 100.9, 1)) == []
    assert device.state.entries == before.entries
    [again] = device.report(9, reading("load", 101, 2), reading("load", 115, 3), reading("load", 112, 4))
    assert isinstance(again, EpisodeAgain)
    assert (again.rule, again.family, again.ticket, again.count) == ("limit:busy", "heat", True, 1)
    assert (again.at_ms, again.message, again.params["value"]) == (ms(3), "alert.limit.above", 115.0)
    assert device.report(10, reading("load", 110, 10), reading("load", 124, 10)) == []
    assert len(device.report(11, reading("load", 125, 11))) == 1


def test_below_gets_worse_downwards() -> None:
    device = Reporting()
    device.report(0, reading("volt", 9.5, 0))
    assert device.report(1, reading("volt", 8.6, 1)) == []
    assert [e.params["value"] for e in only(EpisodeAgain, device.report(2, reading("volt", 8.5, 2)))] == [8.5]


def test_a_limit_without_hysteresis_gets_worse_by_a_tenth_of_itself() -> None:
    """A counter would be news with every count."""
    device = Reporting(model(signals=[signal("shots", limit("many", raise_at=20_000, clear=20_000))]))
    found = [e for at in range(5000) for e in device.report(at / 100, reading("shots", 20_001 + at, at / 100))]
    assert [e.params["value"] for e in only(EpisodeAgain, found)] == [22_001, 24_001]


def test_what_pends_tells_its_worst_when_it_has_held() -> None:
    device = Reporting()
    device.report(0, temp(43, 0), temp(60, 1), temp(44, 2))
    found = device.report(300, temp(45, 300))
    assert [e.params["value"] for e in only(EpisodeActive, found)] == [60]
    assert only(EpisodeAgain, device.effects) == []
