"""Fault codes: active until cleared, by another code, or after a time without repeat; repeats count."""

import msgspec

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened
from alerts.plan import MAX_UNKNOWN
from tests.unit.alerts.device import Reporting, birth, fault, moves, ms, only, opened, tickets


def test_an_active_code_opens_with_a_ticket_and_lasts_until_cleared() -> None:
    device = Reporting()
    [new, active] = device.report(1, fault("E1", 0.5))
    assert isinstance(new, EpisodeOpened)
    assert (new.rule, new.kind, new.subject, new.severity) == ("fault:E1", "fault", "E1", "critical")
    assert (new.condition, new.event, new.message) == ("active", "fault-active", "alert.code.active")
    assert isinstance(active, EpisodeActive)
    assert (active.ticket, active.occurred_ms, active.learned_ms) == (True, ms(0.5), ms(1))
    [over] = device.report(90, fault("E1", 89, "cleared"))
    assert isinstance(over, EpisodeChanged)
    assert (over.alert_id, over.to_state, over.at_ms) == (new.alert_id, "ok", ms(89))


def test_a_fold_that_began_before_the_clock_was_set_began_with_its_last() -> None:
    """Seen: an alert, and the evidence of its ticket, of a year ago."""
    device = Reporting()
    folded = msgspec.structs.replace(fault("E1", 100, count=3), first=5_000, last=ms(100))
    [opened] = only(EpisodeOpened, device.report(100, folded))
    assert (opened.occurred_ms, opened.count) == (ms(100), 3)


def test_a_device_that_claims_any_number_of_repeats_is_judged_on() -> None:
    """Seen: the sum didn't fit into its column, and the device was judged by nobody."""
    device = Reporting()
    for at in range(3):
        device.report(at, fault("E1", at, count=2**53))
    assert device.state.entries["fault:E1"].count == 2**53
    assert moves(device.report(9, fault("E1", 9, state="cleared"))) == [("fault-cleared", "active", "ok")]


def test_repeats_raise_the_count_and_open_nothing() -> None:
    device = Reporting()
    device.report(1, fault("E1", 1, count=2))
    found = device.report(5, fault("E1", 3, count=3, first=2, last=4), fault("E1", 5))
    assert [(e.count, e.at_ms) for e in only(EpisodeAgain, found)] == [(6, ms(5))]
    assert len(found) == 1


def test_a_folded_fault_occurred_with_its_first() -> None:
    found = Reporting().report(600, fault("E1", 600, count=40, first=100, last=600))
    assert only(EpisodeActive, found)[0].occurred_ms == ms(100)
    assert only(EpisodeOpened, found)[0].count == 40


def test_one_code_ends_another() -> None:
    device = Reporting()
    device.report(1, fault("E2", 1))
    found = device.report(9, fault("OK2", 9, "event"))
    assert moves(found) == [("cleared-by", "active", "ok")]
    assert only(EpisodeChanged, found)[0].params["by"] == "OK2"
    assert tickets(found) == []


def test_a_code_without_repeat_is_over_after_its_time() -> None:
    device = Reporting()
    device.report(1, fault("E3", 0, "event"))
    assert device.due() == 181  # silence
    device.report(50, fault("E3", 50, "event"))
    device.report(409, birth(409))
    assert device.due() == 110 + 300  # until then a repeat may come
    assert device.tick(409) == []
    [over] = device.tick(410)
    assert isinstance(over, EpisodeChanged)
    assert (over.event, over.message, over.at_ms) == ("hold-elapsed", "alert.code.expired", ms(110))


def test_after_its_time_it_is_another_episode_though_no_tick_came() -> None:
    device = Reporting()
    [first, _] = device.report(0, fault("E3", 0, "event"))
    found = device.report(61, fault("E3", 61, "event"), clock=1)
    assert moves(found) == [("hold-elapsed", "active", "ok")]
    [second] = only(EpisodeOpened, found)
    assert isinstance(first, EpisodeOpened)
    assert second.alert_id != first.alert_id


def test_a_code_that_the_catalog_does_not_hold_is_a_warning_without_a_ticket() -> None:
    device = Reporting()
    found = device.report(1, fault("ZZ9", 1))
    [new] = only(EpisodeOpened, found)
    assert (new.family, new.severity, new.ticket, new.message) == (
        "unknown-code",
        "warning",
        False,
        "alert.code.unknown",
    )
    assert moves(device.report(2, fault("ZZ9", 2, "cleared"))) == [("fault-cleared", "active", "ok")]
    device.report(3, fault("ZZ9", 3, "event"))
    device.report(86_600, fault("E1", 86_600))
    assert device.due() == 3 + 86_400 + 300  # nobody knows what ends it, so a day does


def test_a_device_with_too_many_unknown_codes_gets_one_more_alert_for_all_of_them() -> None:
    device = Reporting()
    for number in range(3_000):
        device.report(number / 100, fault(f"Z{number}", number / 100))
        device.report(number / 100, fault(f"Y{number}", number / 100, "cleared"))
    assert len(only(EpisodeOpened, device.effects)) == MAX_UNKNOWN + 1
    assert device.state.entries["fault:*"].count == 3_000 - MAX_UNKNOWN
    assert len(device.engine.pack(device.state)) < 8_000


def test_clearing_unknown_codes_that_come_and_go_leaves_little_behind() -> None:
    device = Reporting()
    for number in range(500):
        at = float(number)
        device.report(at, fault(f"Z{number}", at), fault(f"Z{number}", at, "cleared"))
    assert device.state.entries == {}
    assert len(device.engine.pack(device.state)) < 5_000


def test_cleared_without_active_opens_nothing() -> None:
    device = Reporting()
    assert device.report(1, fault("E1", 1, "cleared"), fault("ZZ", 1, "cleared")) == []


def test_a_fault_of_an_impossible_time_is_still_told() -> None:
    device = Reporting()
    found = device.report(1, fault("E1", 90_000))
    assert only(EpisodeActive, found)[0].occurred_ms == ms(1)
    device = Reporting()
    found = device.report(1, fault("E1", -1_700_000_000))  # 1973
    assert only(EpisodeActive, found)[0].late
    assert tickets(found) == ["fault:E1"]


def test_chattering_keeps_one_episode_until_it_is_quiet() -> None:
    """Three cycles a minute are chattering (ANSI/ISA-18.2)."""
    device = Reporting()
    for at in (0, 20):
        device.report(at, fault("E1", at))
        device.report(at + 5, fault("E1", at + 5, "cleared"))
    assert len(opened(device.effects)) == 2
    device.report(40, fault("E1", 40))
    found = device.report(45, fault("E1", 45, "cleared"))
    assert moves(found) == [("lull", "active", "clearing")]
    assert only(EpisodeChanged, found)[0].message == "alert.code.chatters"
    found = []
    for at in range(60, 600, 40):
        found += device.report(at, fault("E1", at))
        found += device.report(at + 5, fault("E1", at + 5, "cleared"))
    assert opened(found) == []
    assert set(moves(found)) == {("fault-active", "clearing", "active"), ("lull", "active", "clearing")}
    assert only(EpisodeChanged, found)[-1].count == 15
    device.report(1100, birth(1100))
    assert device.tick(585 + 599) == []
    [over] = device.tick(585 + 600)
    assert isinstance(over, EpisodeChanged)
    assert (over.event, over.to_state, over.at_ms) == ("quiet", "ok", ms(585 + 300))
    device.report(1200, fault("E1", 1200))
    assert moves(device.report(1201, fault("E1", 1201, "cleared"))) == [("fault-cleared", "active", "ok")]


def test_a_repeat_at_the_very_end_of_its_time_is_a_repeat() -> None:
    device = Reporting()
    device.report(0, fault("E3", 0, "event"))
    found = device.report(60, fault("E3", 60, "event"), clock=1)
    assert [type(e) for e in found] == [EpisodeAgain]


def test_what_comes_again_tells_all_that_a_ticket_needs_once_a_step() -> None:
    """The ticket of an alert that lasts may have been closed by hand: the next occurrence must reach the desk."""
    device = Reporting()
    device.report(1, fault("E1", 1))
    [again] = device.report(9, *(fault("E1", 2 + at / 100) for at in range(500)))
    assert isinstance(again, EpisodeAgain)
    assert (again.rule, again.family, again.severity, again.ticket) == ("fault:E1", "heat", "critical", True)
    assert (again.occurred_ms, again.at_ms, again.learned_ms, again.count) == (ms(1), ms(6.99), ms(9), 501)
    assert (again.message, again.params["code"]) == ("alert.code.repeated", "E1")


def test_what_comes_again_and_is_over_in_the_same_step_is_told() -> None:
    device = Reporting()
    device.report(1, fault("E1", 1))
    found = device.report(9, fault("E1", 2), fault("E1", 3, "cleared"))
    assert [type(e) for e in found] == [EpisodeAgain, EpisodeChanged]


def test_a_chattering_fault_that_comes_back_comes_again() -> None:
    device = Reporting()
    for at in (0, 20, 40):
        device.report(at, fault("E1", at))
        device.report(at + 5, fault("E1", at + 5, "cleared"))
    found = device.report(60, fault("E1", 60))
    assert [type(e) for e in found] == [EpisodeChanged, EpisodeAgain]
