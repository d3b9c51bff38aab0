"""What follows from what ingest knows of a device: its identity, its clock, its reach, what can't be judged of it."""

import msgspec
import pytest
from msgspec.structs import replace

from alerts.effects import EpisodeAgain, EpisodeOpened
from alerts.engine import AlertEngine
from catalog.load import load
from catalog.messages import render
from ingest.ports import Applied, HandOver, Presence
from tests.unit.alerts.device import (
    DEVICE,
    Reporting,
    beat,
    birth,
    fault,
    model,
    moves,
    ms,
    only,
    opened,
    tickets,
)
from wire.topics import Lane


def test_two_devices_with_one_identity_are_one_alert_until_a_day_has_passed() -> None:
    device = Reporting()
    device.report(1, birth(1))
    device.presence.conflict_ms = ms(2)
    found = device.report(2, birth(2))
    [new] = only(EpisodeOpened, found)
    assert (new.rule, new.kind, new.message) == ("identity", "identity", "device.identity_duplicate")
    assert device.report(3, birth(3)) == []
    device.presence.conflict_ms = ms(50)
    found = device.report(50, birth(50))
    [again] = only(EpisodeAgain, found)
    assert (again.alert_id, again.ticket, again.at_ms) == (new.alert_id, True, ms(50))
    assert opened(found) == []
    device.tick(86_000, clock=100)
    device.report(86_449, birth(86_449), clock=86_449)
    assert moves(device.report(86_450, birth(86_450))) == [("hold-elapsed", "active", "ok")]
    assert device.report(86_500, birth(86_500)) == []


MOMENTS = [
    ("conflict_ms", "identity", "identity", True, "device.identity_duplicate"),
    ("restarted_ms", "identity:numbers", "identity", True, "device.numbers_restarted"),
    ("unjudged_ms", "unjudged", "unjudged", False, "alert.unjudged.begun"),
]


@pytest.mark.parametrize(("attribute", "rule", "kind", "ticket", "message"), MOMENTS, ids=[each[1] for each in MOMENTS])
def test_what_is_noticed_at_a_moment_is_one_alert_until_a_day_passed_without_another(
    attribute: str, rule: str, kind: str, ticket: bool, message: str
) -> None:
    device = Reporting(model(silence_s=None))
    setattr(device.presence, attribute, ms(2))
    assert device.due() is not None
    assert device.due() <= 2  # type: ignore[operator] # it says so at once, not with the next report
    found = device.tick(2)
    [new] = only(EpisodeOpened, found)
    assert (new.rule, new.kind, new.message, new.occurred_ms) == (rule, kind, message, ms(2))
    assert tickets(found) == ([rule] if ticket else [])
    assert device.tick(3) == []
    setattr(device.presence, attribute, ms(3600))
    assert opened(device.tick(3600)) == []
    assert device.due() == 3600 + 86_400
    assert moves(device.tick(3600 + 86_400)) == [("hold-elapsed", "active", "ok")]
    assert device.due() is None


def test_silence_hides_neither_a_second_identity_nor_what_could_not_be_judged() -> None:
    device = Reporting()
    device.presence.conflict_ms = device.presence.unjudged_ms = ms(1)
    device.report(1, birth(1))
    assert moves(device.tick(181)) == []
    assert {key: entry.condition for key, entry in device.state.entries.items()} == {
        "identity": "active",
        "unjudged": "active",
        "silence": "active",
    }


def test_only_the_live_lane_judges_them() -> None:
    device = Reporting(lane=Lane.BULK)
    device.presence = Presence(
        conflict_ms=ms(1), restarted_ms=ms(1), unjudged_ms=ms(1), clock_offset_ms=9**9, equipment_connected=False
    )
    [effect] = device.report(1, beat(1))
    assert isinstance(effect, HandOver)
    assert device.report(2, beat(2)) == []


def test_numbers_of_the_bulk_lane_that_begin_again_are_the_devices_one_alert() -> None:
    live, bulk = Reporting(), Reporting(lane=Lane.BULK)
    bulk.presence.restarted_ms = ms(1)
    [effect] = bulk.report(1, beat(1))
    assert isinstance(effect, HandOver)
    one = msgspec.msgpack.decode(msgspec.msgpack.encode(effect.applied), type=Applied)
    assert opened(live.apply(2, one)) == [("identity:numbers", "active")]
    live.presence.restarted_ms = ms(5)
    assert opened(live.report(5, beat(5))) == []


# the clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_s", "en"),
    [
        (7380.0, "The equipment's clock is 2 h 3 min behind; set it right"),
        (-240.0, "The equipment's clock is 4 min ahead; set it right"),
        (1_795_312_800.0, "The equipment's clock is 20779 d 2 h behind; set it right"),
    ],
)
def test_a_wrong_clock_of_a_client_without_numbers_is_an_alert_with_its_offset(offset_s: float, en: str) -> None:
    device = Reporting()
    device.presence.clock_offset_ms = round(offset_s * 1000)
    found = device.report(1, beat(1), offset_s=None)
    [new] = only(EpisodeOpened, found)
    assert (new.rule, new.kind, new.ticket) == ("clock", "clock", False)
    assert render(new.message, new.params, "en", load()) == en
    assert device.report(2, beat(2), offset_s=None) == []
    ahead = -1 if offset_s < 0 else 1
    device.presence.clock_offset_ms = ahead * 70_000
    assert device.report(3, beat(3), offset_s=None) == []
    device.presence.clock_offset_ms = ahead * 60_000
    assert moves(device.report(4, beat(4), offset_s=None)) == [("within", "active", "ok")]
    assert not device.state.entries


def test_a_clock_within_tolerance_or_not_known_is_none() -> None:
    device = Reporting()
    for offset_ms in (None, 0, 120_000, -120_000):
        device.presence.clock_offset_ms = offset_ms
        assert device.report(1, beat(1), offset_s=None) == []


def test_an_offset_that_is_not_known_any_more_ends_nothing() -> None:
    device = Reporting()
    device.presence.clock_offset_ms = 7_200_000
    device.report(1, beat(1), offset_s=None)
    device.presence.clock_offset_ms = None
    assert device.report(2, beat(2), offset_s=None) == []


def test_a_clock_that_is_wrong_the_other_way_round_is_another_alert() -> None:
    device = Reporting()
    device.presence.clock_offset_ms = 7_200_000
    device.report(1, beat(1), offset_s=None)
    device.presence.clock_offset_ms = -7_200_000
    found = device.report(2, beat(2), offset_s=None)
    assert moves(found) == [("within", "active", "ok")]
    assert [e.message for e in only(EpisodeOpened, found)] == ["alert.clock.ahead"]


def test_an_agent_that_has_caught_up_says_how_far_off_its_own_clock_is() -> None:
    device = Reporting()
    assert device.report(1, beat(1), offset_s=7200.0, caught_up=False) == []  # of a clock that may be right by now
    assert opened(device.report(2, beat(2), offset_s=7200.0)) == [("clock", "active")]
    assert device.report(3, beat(3), offset_s=None) == []  # not measured yet
    assert moves(device.report(4, beat(4), offset_s=0.2)) == [("within", "active", "ok")]


# out of reach ---------------------------------------------------------------------------------------------------------


def test_equipment_out_of_its_agents_reach_for_long_enough_opens_what_its_silence_would() -> None:
    device = Reporting(model(silence_s=3600.0))
    device.presence.equipment_connected = False
    found = device.report(1, beat(1))
    assert opened(found) == [("connection", "pending")]
    assert tickets(found) == []
    assert device.due() == 601
    device.report(500, beat(500))
    found = device.tick(601)
    assert moves(found) == [("held", "pending", "active")]
    assert tickets(found) == ["connection"]
    device.presence.equipment_connected = True
    assert moves(device.report(700, beat(700))) == [("within", "active", "ok")]


def test_a_restart_of_the_equipment_is_no_alert() -> None:
    device = Reporting()
    device.presence.equipment_connected = False
    device.report(1, beat(1))
    device.presence.equipment_connected = True
    found = device.report(100, beat(100))
    assert moves(found) == [("within", "pending", "ok")]
    assert tickets(device.effects) == []


def test_a_model_that_judges_no_silence_gets_no_ticket_of_it() -> None:
    device = Reporting(model(silence_s=None))
    device.presence.equipment_connected = False
    device.report(1, beat(1))
    found = device.tick(601)
    assert moves(found) == [("held", "pending", "active")]
    assert tickets(found) == []


def test_an_agent_that_can_not_tell_opens_nothing_and_ends_what_it_told() -> None:
    device = Reporting()
    assert device.report(1, beat(1)) == []
    device.presence.equipment_connected = False
    device.report(2, beat(2))
    device.presence.equipment_connected = None
    found = device.report(3, beat(3))
    assert [e.message for e in found if hasattr(e, "message")] == ["alert.connection.untold"]
    assert not device.state.entries


def test_of_a_silent_agent_nobody_knows_whether_it_reaches_the_equipment() -> None:
    device = Reporting()
    device.presence.equipment_connected = False
    device.report(1, beat(1))
    assert moves(device.tick(181)) == [("silent", "pending", "no-data")]
    device.presence.equipment_connected = True  # an old word must not end it while the device is silent
    assert device.due() is None
    assert device.tick(200) == []
    found = device.report(300, beat(300))
    assert moves(found) == [("heard", "active", "ok"), ("back", "no-data", "pending"), ("within", "pending", "ok")]


def test_a_device_that_is_silent_already_is_not_out_of_reach_beside() -> None:
    device = Reporting()
    device.tick(180)
    device.presence.equipment_connected = False
    assert device.due() is None
    assert device.tick(181) == []


def test_faults_are_judged_while_the_equipment_is_out_of_reach() -> None:
    """What the agent still hears of it, on another way, counts."""
    device = Reporting()
    device.presence.equipment_connected = False
    device.report(1, beat(1))
    assert opened(device.report(2, fault("E1", 2))) == [("fault:E1", "active")]


def test_every_model_of_the_catalog_has_the_rules_of_every_device() -> None:
    engine = AlertEngine(models=load().models)
    for key in (*load().models, "of no catalog"):
        device = Reporting(device=replace(DEVICE, model=key))
        device.engine = engine
        device.state = engine.fresh(device.device, Lane.LIVE)
        device.presence = Presence(
            seen_ms=ms(0), conflict_ms=ms(1), restarted_ms=ms(1), unjudged_ms=ms(1), equipment_connected=False
        )
        found = {rule for rule, _ in opened(device.report(1, beat(1), offset_s=7200.0))}
        assert found == {"identity", "identity:numbers", "unjudged", "clock", "connection"}
