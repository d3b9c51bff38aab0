"""Silence of a device, by the partition's probed clock; what it does to what is open; two devices with one identity."""

import pytest

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened
from catalog.model import Clear
from tests.unit.alerts.device import (
    Reporting,
    birth,
    code,
    fault,
    model,
    moves,
    ms,
    only,
    opened,
    reading,
    temp,
    tickets,
)
from wire.topics import Lane


def test_a_device_that_is_not_heard_is_silent_and_its_next_report_ends_that() -> None:
    device = Reporting()
    device.report(10, birth(10))
    assert device.due() == 190
    assert device.tick(189.9) == []
    [new, active] = device.tick(190)
    assert isinstance(new, EpisodeOpened)
    assert (new.rule, new.kind, new.occurred_ms, new.learned_ms) == ("silence", "silence", ms(10), ms(190))
    assert (new.message, new.params) == ("alert.silence.begun", {"last": "2026-11-22T02:00:10+00:00"})
    assert isinstance(active, EpisodeActive)
    assert device.due() is None
    [over] = device.report(400, reading("plain", 1, 400))
    assert isinstance(over, EpisodeChanged)
    assert (over.event, over.to_state, over.message) == ("heard", "ok", "alert.silence.ended")
    assert over.params["silent_s"] == 390.0
    assert device.due() == 580


def test_a_long_interval_of_heartbeats_is_waited_for_three_times() -> None:
    device = Reporting()
    device.presence.interval_s = 600
    assert device.due() == 1800


def test_our_own_outage_makes_no_device_silent() -> None:
    """Delivery 15: the partition's clock stands while nothing can come through the broker."""
    device = Reporting()
    device.report(0, birth(0))
    assert device.tick(86_400, clock=20) == []


def test_a_model_without_a_silence_rule_is_never_silent() -> None:
    device = Reporting(model(silence_s=None))
    assert device.due() is None
    assert device.tick(1e6) == []


def test_the_bulk_lane_judges_no_silence() -> None:
    device = Reporting(lane=Lane.BULK)
    device.report(1, reading("load", 99, 1))
    assert device.due() is None
    assert device.tick(1e6) == []


def test_open_episodes_of_a_silent_device_are_unknown_and_come_back() -> None:
    device = Reporting()
    [fault_opened, _, limit_opened, _] = device.report(0, fault("E1", 0), reading("load", 99, 0))
    found = device.tick(180)
    assert opened(found) == [("silence", "active")]
    assert moves(found) == [("silent", "active", "no-data")] * 2
    assert {e.message for e in only(EpisodeChanged, found)} == {"alert.no_data", "alert.no_data.code"}
    found = device.report(500, birth(500))
    assert moves(found) == [("heard", "active", "ok"), *[("back", "no-data", "active")] * 2]
    assert tickets(found) == []  # they have theirs
    found = device.report(501, fault("E1", 501, "cleared"), reading("load", 20, 501))
    assert isinstance(fault_opened, EpisodeOpened)
    assert isinstance(limit_opened, EpisodeOpened)
    assert [e.alert_id for e in only(EpisodeChanged, found)] == [fault_opened.alert_id, limit_opened.alert_id]


def test_nothing_ends_while_nothing_can_be_heard_nor_before_what_was_kept_back_has_come() -> None:
    device = Reporting(model(silence_s=30, faults=[code("X", clear=Clear(after_s=60.0))]))
    device.presence.interval_s = 5
    device.report(0, fault("X", 0))
    assert moves(device.tick(30)) == [("silent", "active", "no-data")]
    assert device.tick(200) == []
    found = device.report(200, birth(200))
    assert moves(found) == [("heard", "active", "ok"), ("back", "no-data", "active")]
    assert [type(e) for e in device.report(201, fault("X", 50))] == [EpisodeAgain]  # it was in the outbox
    for at in range(220, 500, 20):
        assert device.report(at, birth(at)) == []
    [over] = device.report(501, birth(501))
    assert isinstance(over, EpisodeChanged)
    assert (over.event, over.at_ms) == ("hold-elapsed", ms(110))


def test_silence_alone_holds_no_limit() -> None:
    """Elsewhere "no data" ignores the pending period and flips the state."""
    device = Reporting()
    device.report(0, temp(50, 0))
    assert moves(device.tick(180)) == [("silent", "pending", "no-data")]
    assert device.tick(3000) == []
    assert moves(device.report(4000, birth(4000))) == [("heard", "active", "ok"), ("back", "no-data", "pending")]
    assert device.tick(4100) == []
    assert moves(device.report(4101, temp(50, 4101))) == [("held", "pending", "active")]


def test_what_was_certain_before_the_silence_comes_before_it() -> None:
    device = Reporting()
    device.report(0, fault("E3", 0, "event"))
    device.report(190, birth(190))
    found = device.tick(500)
    assert moves(found) == [("hold-elapsed", "active", "ok")]
    assert opened(found) == [("silence", "active")]


@pytest.mark.parametrize("clock", [0.0, 77.0])
def test_a_device_never_heard_is_silent_from_the_moment_it_is_known(clock: float) -> None:
    """Elsewhere one that never reported is skipped."""
    device = Reporting(seen=False)
    due = device.due()
    assert due is not None
    assert due < 0  # at once: a step notes since when it is known
    assert device.tick(clock) == []
    assert device.due() == clock + 180
    [new, _] = device.tick(clock + 180)
    assert isinstance(new, EpisodeOpened)
    assert (new.message, new.params) == ("alert.silence.never", {})
    assert moves(device.report(clock + 300, birth(clock + 300))) == [("heard", "active", "ok")]
