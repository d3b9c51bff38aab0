"""Reconciles a loaded state with what has changed: a device that is retired and comes back, a database with other
open alerts."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from msgspec.structs import replace

from alerts.effects import EpisodeActive, EpisodeChanged, EpisodeOpened
from alerts.engine import AlertEngine
from alerts.episode import Condition
from alerts.state import State
from catalog.model import UNKNOWN_CODE
from ingest.ports import OpenAlert
from tests.unit.alerts.device import (
    DEVICE,
    MODEL,
    Reporting,
    beat,
    birth,
    fault,
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
from wire.topics import Lane


def retire(device: Reporting, *, retired: bool = True) -> None:
    device.device = replace(device.device, retired=retired)


# retired --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", Lane)
def test_every_open_episode_of_a_retired_device_ends_as_retired(lane: Lane) -> None:
    device = Reporting(lane=lane)
    device.report(0, reading("load", 99, 0), temp(50, 0), fault("E1", 0), fault("ZZ", 0))
    device.presence.conflict_ms = device.presence.unjudged_ms = ms(1)
    device.presence.equipment_connected = False
    device.report(1, beat(1), offset_s=7200.0)
    open_before = set(device.state.entries)
    retire(device)
    found = device.tick(2)
    assert {(e.event, e.to_state, e.message) for e in only(EpisodeChanged, found)} == {
        ("device-retired", "ok", "alert.device_retired")
    }
    assert {e.params["rule"] for e in only(EpisodeChanged, found)} == open_before
    assert len(found) == len(open_before) == (8 if lane is Lane.LIVE else 2)


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.OK])
def test_whatever_its_condition(condition: Condition) -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    [(key, entry)] = device.state.entries.items()
    device.state = replace(device.state, entries={key: replace(entry, condition=condition)})
    retire(device)
    assert moves(device.tick(1)) == [("device-retired", condition.value, "ok")]


def test_nothing_of_a_retired_device_is_judged_and_nothing_is_due() -> None:
    """Seen: a ticket twelve seconds after the device was retired, and another for its silence."""
    device = Reporting()
    device.report(0, temp(50, 0))
    retire(device)
    device.tick(1)
    before = device.state
    assert device.due() is None
    device.presence.conflict_ms = ms(2)
    device.presence.equipment_connected = False
    assert device.report(2, fault("E1", 2), reading("load", 99, 2), offset_s=7200.0) == []
    assert device.tick(9000) == []
    assert device.state is before


def test_late_facts_that_waited_are_dropped_with_it() -> None:
    device = Reporting()
    device.report(9000, fault("E1", 0), caught_up=False)
    assert device.state.held
    retire(device)
    assert device.tick(9001) == []
    assert not device.state.held
    assert device.due() is None


@pytest.mark.parametrize("restarted", [False, True])
def test_a_device_that_is_active_again_starts_fresh(restarted: bool) -> None:
    device = Reporting()
    device.report(0, fault("E1", 0), fault("E1", 1, "cleared"), fault("E2", 0))
    device.presence.conflict_ms = ms(1)
    device.report(1, beat(1))
    retire(device)
    device.tick(10)
    ids = {e.alert_id for e in only(EpisodeOpened, device.effects)}
    retire(device, retired=False)
    month = 30 * 86_400.0
    if restarted:  # a process that loads it when it is active again
        device.state = device.engine.adopt(device.device, Lane.LIVE, device.state, [])
        assert device.due() is not None, "or its silence would never be judged"
    assert device.tick(month) == [], "neither silent for a month, nor a rival of a month ago"
    assert device.due() == month + 180
    found = device.report(month + 1, fault("E2", month + 1), fault("E1", month + 1))
    assert opened(found) == [("fault:E2", "active"), ("fault:E1", "active")]
    assert not ids & {e.alert_id for e in only(EpisodeOpened, found)}
    assert tickets(found) == ["fault:E2", "fault:E1"]


def test_what_it_said_before_is_no_news_when_it_is_back() -> None:
    device = Reporting()
    device.presence.equipment_connected = False
    device.presence.clock_offset_ms = 7_200_000
    device.report(1, beat(1), offset_s=None)
    retire(device)
    device.tick(10)
    retire(device, retired=False)
    assert device.tick(5000) == []
    assert device.due() == 5180
    found = device.report(5001, beat(5001), offset_s=None)
    assert sorted(opened(found)) == [("clock", "active"), ("connection", "pending")]


def test_one_that_never_reports_again_is_silent_from_then_on() -> None:
    device = Reporting()
    retire(device)
    device.tick(10)
    retire(device, retired=False)
    device.tick(5000)
    assert opened(device.tick(5180)) == [("silence", "active")]


# a state that isn't the database's ------------------------------------------------------------------------------------


@dataclass
class Rows:
    """The open alerts of a device, as the database would have them after what it told."""

    device: Reporting

    def open(self) -> list[OpenAlert]:
        found: dict[UUID, OpenAlert] = {}
        for effect in self.device.effects:
            if isinstance(effect, EpisodeOpened):
                found[effect.alert_id] = OpenAlert(
                    id=effect.alert_id,
                    lane=self.device.lane,
                    rule=effect.rule,
                    condition=effect.condition,
                    occurred_ms=effect.occurred_ms,
                    count=effect.count,
                    value=float(effect.params.get("value", 0.0)),
                )
            elif isinstance(effect, EpisodeChanged):
                found[effect.alert_id] = replace(found[effect.alert_id], condition=effect.to_state, count=effect.count)
        return [each for each in found.values() if each.condition != "ok"]


def adopt(device: Reporting, state: State | None, rows: list[OpenAlert]) -> None:
    device.state = device.engine.adopt(device.device, device.lane, state, rows)


def test_a_state_that_has_what_the_database_has_open_stays_the_very_same() -> None:
    device = Reporting()
    device.report(0, temp(50, 0), fault("E1", 0), fault("E3", 0))
    before = device.state
    adopt(device, before, Rows(device).open())
    assert device.state is before
    assert device.engine.adopt(DEVICE, Lane.LIVE, State(), []) == State()


def test_episodes_whose_state_is_lost_go_on_under_their_ids_and_end() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0, count=3), fault("E3", 0), reading("load", 99, 0), fault("ZZ", 0), temp(50, 0))
    ids = {e.rule: e.alert_id for e in only(EpisodeOpened, device.effects)}
    adopt(device, None, Rows(device).open())
    assert device.due() is not None
    assert device.due() < 0  # type: ignore[operator] # at once: its timers begin with the next step
    assert device.tick(5) == []
    found = device.report(
        20, fault("E1", 20, "cleared"), fault("E1", 20), reading("load", 10, 20), reading("load", 99, 20)
    )
    assert [(e.alert_id, e.to_state, e.count) for e in only(EpisodeChanged, found)] == [
        (ids["fault:E1"], "ok", 3),
        (ids["limit:busy"], "ok", 1),
    ]
    assert opened(found) == [("fault:E1", "active"), ("limit:busy", "active")]
    assert not set(ids.values()) & {e.alert_id for e in only(EpisodeOpened, found)}
    device.report(300, birth(300))
    assert device.tick(364) == []
    [over] = only(EpisodeChanged, device.tick(365))
    assert (over.event, over.at_ms) == ("hold-elapsed", ms(65))  # a minute after it was taken up


def test_what_repeats_of_a_lost_state_is_the_same_episode() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0, count=3), temp(50, 0))
    adopt(device, None, Rows(device).open())
    found = device.report(10, fault("E1", 10), temp(50, 10))
    assert opened(found) == []
    assert device.state.entries["fault:E1"].count == 4


def test_what_was_over_before_does_not_end_what_was_taken_over() -> None:
    device = Reporting()
    device.report(100, fault("E1", 100))
    adopt(device, None, Rows(device).open())
    assert moves(device.report(101, fault("E1", 50, "cleared"))) == []
    assert set(device.state.entries) == {"fault:E1"}


def test_silence_that_was_taken_over_ends_when_the_device_is_heard() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    device.tick(180)
    adopt(device, None, Rows(device).open())
    device.tick(181)
    assert moves(device.report(300, beat(300))) == [("heard", "active", "ok"), ("back", "no-data", "active")]


def test_a_rule_that_is_gone_ends_with_the_next_step() -> None:
    device = Reporting()
    device.report(0, reading("load", 99, 0), temp(50, 0))
    rows = Rows(device).open()
    device.engine = AlertEngine(models={"dr": model(signals=[signal("load", limit("busy"))])})
    adopt(device, None, rows)
    found = device.tick(1)
    assert [(e.event, e.params["rule"]) for e in only(EpisodeChanged, found)] == [("retired", "limit:hot")]
    assert set(device.state.entries) == {"limit:busy"}


def test_of_unknown_codes_that_are_over_no_text_is_kept_and_of_open_ones_until_they_end() -> None:
    device = Reporting(model(faults=[]))
    device.report(0, fault("ZHANG-SAN", 0), fault(UNKNOWN_CODE, 0))
    device.report(5, fault("ZHANG-SAN", 5, "cleared"), fault("LI-SI", 5))
    assert set(device.state.entries) == {"fault:LI-SI", f"fault:{UNKNOWN_CODE}"}
    assert {"fault:ZHANG-SAN", "fault:LI-SI"} <= device.state.judged.keys(), "as a former version left it"
    device.engine = AlertEngine(models={"dr": MODEL})
    device.tick(6)
    assert {key for key in device.state.judged if key.startswith("fault:")} == {"fault:LI-SI", f"fault:{UNKNOWN_CODE}"}
    assert "fault:ZHANG-SAN" not in device.state.opens


@pytest.mark.parametrize("silent", [False, True])
def test_a_code_that_comes_to_be_known_is_judged_as_what_it_is(silent: bool) -> None:
    """Of a corrected model, or a newer catalog. Seen: a critical fault stayed an unknown code, without a ticket."""
    device = Reporting(model(faults=[]))
    device.report(0, fault("E1", 0))
    device.report(5, fault("E1", 5), fault("ZZ", 5))
    if silent:
        device.tick(200)
    before = dict(device.state.entries)
    device.engine = AlertEngine(models={"dr": MODEL})
    at = 201 if silent else 10
    found = device.tick(at)
    over = [e for e in only(EpisodeChanged, found) if e.event == "merged"]
    assert [(e.alert_id, e.to_state) for e in over] == [(before["fault:E1"].id, "ok")]
    [begun] = only(EpisodeOpened, found)
    known = Reporting()
    known.report(0, fault("E1", 0))
    [usual] = only(EpisodeOpened, known.effects)
    assert (begun.severity, begun.family, begun.message) == (usual.severity, usual.family, usual.message)
    assert (begun.occurred_ms, begun.count) == (ms(0), 2)
    assert len(only(EpisodeActive, found)) == 1, "its ticket"
    assert device.state.entries["fault:E1"].condition is (Condition.NO_DATA if silent else Condition.ACTIVE)
    assert device.state.entries["fault:ZZ"].id == before["fault:ZZ"].id
    assert device.tick(at + 1) == []


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.OK])
@pytest.mark.parametrize("rule", ["fault:E1", "fault:ZZ", "fault:*", "limit:hot", "silence", "identity", "nonsense"])
def test_whatever_is_open_there_is_taken_over_and_judged(rule: str, condition: Condition) -> None:
    row = OpenAlert(id=UUID(int=7), lane=Lane.LIVE, rule=rule, condition=condition, occurred_ms=ms(0), count=1)
    device = Reporting()
    adopt(device, None, [row])
    device.tick(1)
    device.report(2, beat(2), temp(20, 2), fault("E1", 2, "cleared"))
    retire(device)
    device.tick(3)
    ended = [e.alert_id for e in only(EpisodeChanged, device.effects) if e.to_state == "ok"]
    assert ended.count(row.id) == 1


def test_an_episode_that_the_database_has_not_open_is_dropped_and_the_next_fact_opens_another() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0), fault("E2", 0), reading("load", 99, 0))
    kept = [row for row in Rows(device).open() if row.rule == "fault:E2"]
    adopt(device, device.state, kept)
    assert set(device.state.entries) == {"fault:E2"}
    assert device.tick(1) == []
    found = device.report(2, fault("E1", 2), fault("E2", 2), reading("load", 99, 2))
    assert opened(found) == [("fault:E1", "active"), ("limit:busy", "active")]
    assert tickets(found) == ["fault:E1", "limit:busy"]


def test_two_alerts_of_one_rule_become_one() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    [mine] = Rows(device).open()
    other = replace(mine, id=UUID(int=9), lane=Lane.BULK, occurred_ms=ms(-50))
    adopt(device, device.state, [mine, other])
    found = device.tick(1)
    assert [(e.alert_id, e.event, e.message) for e in only(EpisodeChanged, found)] == [
        (other.id, "merged", "alert.merged")
    ]
    assert device.state.entries["fault:E1"].id == mine.id
    adopt(device, device.state, [mine])
    assert device.tick(2) == []


# one state of a fault, whatever lane --------------------------------------------------------------------------------


def test_a_fault_open_in_the_bulk_lane_of_a_former_program_is_the_live_lanes() -> None:
    bulk, live = Reporting(lane=Lane.BULK), Reporting()
    bulk.report(0, reading("load", 99, 0))
    [limit_row] = Rows(bulk).open()
    row = OpenAlert(id=UUID(int=7), lane=Lane.BULK, rule="fault:E1", condition="active", occurred_ms=ms(0), count=1)
    entry = replace(bulk.state.entries["limit:busy"], id=row.id)
    bulk.state = replace(bulk.state, entries={**bulk.state.entries, "fault:E1": entry})
    adopt(bulk, bulk.state, [row, limit_row])
    assert set(bulk.state.entries) == {"limit:busy"}
    adopt(live, live.state, [row, limit_row])
    assert set(live.state.entries) == {"fault:E1"}
    found = live.report(5, fault("E1", 5, "cleared"))
    assert [(e.alert_id, e.to_state) for e in only(EpisodeChanged, found)] == [(row.id, "ok")]
