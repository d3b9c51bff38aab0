"""Whatever happens to a device, what the database has open is what its states have open, and each of it can end."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.effects import Episode, EpisodeChanged, EpisodeOpened
from catalog.load import load
from catalog.messages import render
from ingest.ports import HandOver, OpenAlert
from tests.unit.alerts.device import Reporting, beat, fault, ms, reading, temp
from wire.items import Item
from wire.topics import Lane

CATALOG = load()
codes = st.sampled_from(["E1", "E2", "OK2", "E3", "ZZ"])
values = st.sampled_from([5.0, 40.0, 85.0, 99.0])
ages = st.sampled_from([0.0, 0.0, 0.0, 20.0, 400.0])
facts = st.one_of(
    st.tuples(st.just("fault"), codes, ages, st.sampled_from(["active", "cleared", "event"])),
    st.tuples(st.just("reading"), st.sampled_from(["temp", "load", "volt"]), ages, values),
    st.tuples(st.just("beat"), st.just(""), ages, st.just(None)),
)
steps = st.one_of(
    st.tuples(
        st.just("report"),
        st.sampled_from(Lane),
        st.tuples(st.lists(facts, min_size=1, max_size=3), st.booleans(), st.sampled_from([0, 0, 3])),
    ),
    st.tuples(st.just("tick"), st.just(Lane.LIVE), st.just(())),
    st.tuples(st.just("lost"), st.sampled_from(Lane), st.just(())),
    st.tuples(st.just("load"), st.sampled_from(Lane), st.just(())),
    st.tuples(st.just("retired"), st.just(Lane.LIVE), st.booleans()),
    st.tuples(
        st.sampled_from(["conflict_ms", "restarted_ms", "unjudged_ms", "clock_offset_ms", "equipment_connected"]),
        st.just(Lane.LIVE),
        st.booleans(),
    ),
)
histories = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 50.0, 200.0, 700.0]), steps), max_size=25)


class World:
    """A device in both lanes, and the alerts that the recorder would have written."""

    def __init__(self) -> None:
        self.lanes = {lane: Reporting(lane=lane) for lane in Lane}
        self.rows: dict[UUID, OpenAlert] = {}
        self.retired = False
        self.now = 0.0

    @property
    def open(self) -> list[OpenAlert]:
        return [row for row in self.rows.values() if row.condition != "ok"]

    def tell(self, lane: Lane, effects: list[Any]) -> None:
        for effect in effects:
            if isinstance(effect, HandOver):
                self.tell(Lane.LIVE, self.lanes[Lane.LIVE].apply(self.now, effect.applied))
                continue
            if isinstance(effect, Episode | EpisodeChanged):
                for lang in ("zh", "en"):
                    assert not set("‹›{}") & set(render(effect.message, effect.params, lang, CATALOG))
            if isinstance(effect, EpisodeOpened):
                assert effect.alert_id not in self.rows, "an id of before"
                assert effect.rule not in {row.rule for row in self.open if row.lane is lane}, "open twice"
                self.rows[effect.alert_id] = OpenAlert(
                    id=effect.alert_id,
                    lane=lane,
                    rule=effect.rule,
                    condition=effect.condition,
                    occurred_ms=effect.occurred_ms,
                    count=effect.count,
                )
            elif isinstance(effect, EpisodeChanged):
                row = self.rows[effect.alert_id]
                assert row.condition == effect.from_state
                self.rows[effect.alert_id] = replace(row, condition=effect.to_state)

    def check(self) -> None:
        entries = {e.id: e.condition.value for one in self.lanes.values() for e in one.state.entries.values()}
        assert entries == {row.id: row.condition for row in self.open}

    def settle(self) -> None:
        """Tick as often as something is due, as ingest does."""
        live = self.lanes[Lane.LIVE]
        for _ in range(5):
            self.tell(Lane.LIVE, live.tick(self.now))
            due = live.due()
            if due is None or due > self.now:
                return
        raise AssertionError(f"again and again at {self.now}")

    def do(self, what: str, lane: Lane, how: Any) -> None:
        one = self.lanes[lane]
        if what == "report":
            made, caught_up, gap = how
            self.tell(lane, one.report(self.now, *map(self.item, made), caught_up=caught_up, gap=gap))
        elif what in ("lost", "load"):
            state = None if what == "lost" else one.engine.unpack(one.device, lane, one.engine.pack(one.state))
            one.state = one.engine.adopt(one.device, lane, state, self.open)
            self.tell(lane, one.tick(self.now))
        elif what == "retired":
            for each, device in self.lanes.items():
                device.device = replace(device.device, retired=how)
                self.tell(each, device.tick(self.now))
            if how:
                assert self.open == []
        elif what == "tick":
            self.tell(lane, one.tick(self.now))
        elif what == "clock_offset_ms":
            one.presence.clock_offset_ms = 7_200_000 if how else 10
        elif what == "equipment_connected":
            one.presence.equipment_connected = how
        else:
            setattr(one.presence, what, ms(self.now))

    def item(self, made: tuple[str, str, float, Any]) -> Item:
        kind, name, age, value = made
        at = self.now - age
        if kind == "fault":
            return fault(name, at, value)
        if kind == "beat":
            return beat(at)
        return temp(value, at) if name == "temp" else reading(name, value, at)


@settings(max_examples=400)
@given(history=histories)
def test_the_states_and_the_database_never_drift_apart(history: list[tuple[float, tuple[str, Lane, Any]]]) -> None:
    world = World()
    for pause, (what, lane, how) in history:
        world.now += pause
        world.do(what, lane, how)
        world.settle()
        world.check()


@pytest.mark.parametrize("lane", Lane)
def test_a_state_lost_again_and_again_ends_each_alert_once(lane: Lane) -> None:
    world = World()
    for number in range(5):
        world.now = number * 10.0
        world.do("report", lane, ([("reading", "load", 0.0, 99.0), ("fault", "E1", 0.0, "active")], True, 0))
        for each in Lane:
            world.do("lost", each, ())
        world.check()
    assert len(world.rows) == 2
    world.do("report", lane, ([("reading", "load", 0.0, 5.0), ("fault", "E1", 0.0, "cleared")], True, 0))
    assert world.open == []


def test_a_state_that_is_lost_with_nothing_open_gives_no_id_a_second_time() -> None:
    world = World()
    once = ([("fault", "E1", 0.0, "active"), ("fault", "E1", 0.0, "cleared")], True, 0)
    world.do("report", Lane.LIVE, once)
    world.do("lost", Lane.LIVE, ())
    world.do("report", Lane.LIVE, once)
    assert len(world.rows) == 2
