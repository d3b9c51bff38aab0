"""Live reports that can never come (a restored database, a wiped outbox): what was active is unconfirmed."""

import pytest

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened
from alerts.episode import Condition
from catalog.load import load
from catalog.messages import render
from tests.unit.alerts.device import Reporting, beat, fault, moves, ms, only, opened, reading, temp, tickets
from wire.topics import Lane

LOST = ("lost", "active", "unconfirmed")


def test_what_was_active_is_unconfirmed_and_says_how_much_is_lost() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0), reading("load", 99, 0))
    found = device.report(100, beat(100), gap=12)
    assert moves(found) == [LOST, LOST]
    said = {render(e.message, e.params, "en", load()) for e in only(EpisodeChanged, found)}
    assert said == {
        "12 reports got lost; whether fault E1 (unknown to the catalog) is still there is unknown",
        "busy: 12 reports got lost; whether it is still so is unknown",
    }
    assert device.report(101, beat(101), gap=3) == [], "more lost makes it no less confirmed"


def test_a_repeat_confirms_a_fault_and_its_clearing_ends_it() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0), fault("E2", 0))
    device.report(100, beat(100), gap=1)
    found = device.report(110, fault("E1", 110))
    assert moves(found) == [("fault-active", "unconfirmed", "active")]
    [again] = only(EpisodeAgain, found)
    assert (again.rule, again.count) == ("fault:E1", 2)
    assert moves(device.report(111, fault("E1", 111, "cleared"))) == [("fault-cleared", "active", "ok")]
    assert moves(device.report(112, fault("E2", 112, "cleared"))) == [("fault-cleared", "unconfirmed", "ok")]


def test_the_report_that_tells_of_the_loss_may_confirm_at_once() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    found = device.report(100, fault("E1", 100), gap=1)
    assert moves(found) == [LOST, ("fault-active", "unconfirmed", "active")]


def test_another_code_ends_what_is_unconfirmed() -> None:
    device = Reporting()
    device.report(0, fault("E2", 0))
    device.report(100, beat(100), gap=1)
    assert ("cleared-by", "unconfirmed", "ok") in moves(device.report(110, fault("OK2", 110)))


@pytest.mark.parametrize(
    ("value", "move"),
    [
        (99, ("confirmed", "unconfirmed", "active")),
        (85, ("confirmed", "unconfirmed", "active")),  # between the limits: not over yet
        (80, ("within", "unconfirmed", "ok")),
    ],
)
def test_a_reading_confirms_a_limit_or_ends_it(value: float, move: tuple[str, str, str]) -> None:
    device = Reporting()
    device.report(0, reading("load", 99, 0))
    device.report(100, beat(100), gap=1)
    found = device.report(110, reading("load", value, 110))
    assert moves(found) == [move]
    assert opened(found) == []
    assert only(EpisodeActive, found) == []


def test_a_watch_that_did_not_see_everything_begins_again() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    found = device.report(299, temp(50, 299), gap=1)
    assert moves(found) == [("lost", "pending", "ok")]
    assert [(e.rule, e.occurred_ms) for e in only(EpisodeOpened, found)] == [("limit:hot", ms(299))]
    device.report(500, temp(50, 500))
    assert tickets(device.effects) == []
    device.report(599, temp(50, 599))
    device.report(610, temp(50, 610))
    assert tickets(device.effects) == ["limit:hot"]


def test_its_time_goes_on_so_that_it_is_not_unconfirmed_for_ever() -> None:
    device = Reporting()
    device.report(0, fault("E3", 0))
    device.report(30, beat(30), gap=1)
    device.report(300, beat(300))
    assert device.due() == 60 + 300
    assert moves(device.tick(360)) == [("hold-elapsed", "unconfirmed", "ok")]


def test_silence_and_return_leave_it_unconfirmed() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    device.report(10, beat(10), gap=1)
    assert moves(device.tick(190)) == [("silent", "unconfirmed", "no-data")]
    found = device.report(300, beat(300))
    assert ("back", "no-data", "unconfirmed") in moves(found)
    assert moves(device.report(310, fault("E1", 310))) == [("fault-active", "unconfirmed", "active")]


def test_a_silent_device_whose_return_tells_of_a_loss() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    device.tick(180)
    found = device.report(300, beat(300), gap=1)
    assert moves(found)[1:] == [("back", "no-data", "active"), LOST]


def test_what_does_not_depend_on_each_report_stays_as_it_is() -> None:
    device = Reporting()
    device.presence.conflict_ms = device.presence.unjudged_ms = ms(1)
    device.presence.equipment_connected = False
    device.report(1, beat(1), offset_s=7200.0)
    before = dict(device.state.entries)
    assert len(before) == 4
    assert device.report(2, beat(2), offset_s=7200.0, gap=1) == []
    assert device.state.entries == before


def test_a_chattering_rule_that_waits_goes_on_waiting() -> None:
    device = Reporting()
    for number in range(3):
        device.report(number * 10, fault("E1", number * 10), fault("E1", number * 10 + 1, "cleared"))
    assert device.state.entries["fault:E1"].condition is Condition.CLEARING
    assert device.report(30, beat(30), gap=1) == []


def test_the_bulk_lane_may_drop() -> None:
    device = Reporting(lane=Lane.BULK)
    device.report(0, reading("load", 99, 0))
    assert device.report(1, beat(1), gap=5) == []


def test_nothing_open_nothing_said() -> None:
    device = Reporting()
    before = device.state
    assert device.report(1, beat(1), gap=5) == []
    assert device.state is before
