"""The verdict doesn't depend on how facts were cut into reports, batches and arrivals (ADR 0021)."""

from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened, LateSummary
from alerts.plan import SILENCE
from catalog.model import Clear, Model
from ingest.ports import Effect
from tests.unit.alerts.device import MODEL, Reporting, birth, code, fault, model, ms, reading
from tests.unit.alerts.oracle import Episode, Fact, episodes
from wire.items import Item, Readings

LATE_S = 300
LAG_S = 60
MUTE: Model = model(signals=list(MODEL.signals.values()), faults=list(MODEL.faults.values()), silence_s=None)
"""As MODEL, but its silence is nobody's concern."""
HEARD: Model = model(
    signals=[each for each in MODEL.signals.values() if each.stands is None], faults=list(MODEL.faults.values())
)
"""As MODEL, without what depends on whether the device is heard: a value that stands."""
PLAIN: Model = model(
    signals=[each for each in MODEL.signals.values() if each.stands is None],
    faults=[code("E1"), code("E2", clear=Clear(by=("OK2",))), code("OK2", clear=Clear(by=("E2",)))],
    silence_s=None,
)
"""Without anything that ends by time alone."""
SOURCES = {"E2": "door", "OK2": "door"}
"""Codes that end each other come from one source."""


@dataclass(frozen=True)
class Told:
    """A fact of ``gap`` seconds after the one before it."""

    gap: int
    name: str
    value: float = 0.0
    state: str = ""
    count: int = 1


readings = st.builds(
    Told,
    gap=st.sampled_from([0, 0, 1, 5, 10, 20, 59, 70, 120, 121, 250, 300, 301]),
    name=st.sampled_from(["temp", "load", "volt", "calm", "plain"]),
    value=st.sampled_from([0.0, 10.5, 12.0, 13.5, 20.0, 40.0, 50.0, 85.0, 95.0]),
)
codes = st.builds(
    Told,
    gap=st.sampled_from([0, 0, 1, 2, 5, 10, 20, 59, 60, 61, 100, 299, 360]),
    name=st.sampled_from(["E1", "E1", "E2", "OK2", "E3", "E3", "X9"]),
    state=st.sampled_from(["active", "active", "cleared", "event"]),
    count=st.sampled_from([1, 1, 1, 3]),
)


CHATTER = [
    Told(gap, name, state=state)
    for gap, name, state in (
        (0, "E1", "active"),
        (5, "E1", "cleared"),
        (5, "E2", "active"),
        (5, "E1", "active"),
        (5, "E1", "cleared"),
        (5, "E2", "cleared"),
        (5, "E2", "active"),
        (5, "E1", "active"),
        (5, "E1", "cleared"),
        (100, "E1", "active"),
        (300, "E1", "cleared"),
    )
]
"""A code that comes and goes while another does."""
QUIET = [Told(gap, "OK2", state="active") for gap in (0, 2, 5, 309)]
"""A code that ends by itself chatters, is quiet for long enough and comes again, all told at once."""


def facts_of(told: list[Told]) -> list[Fact]:
    """In the order of their time. A folded fault began when the fact before it was: nothing is in between."""
    at, found = 0, []
    for each in told:
        before, at = at, at + each.gap
        folds = each.count > 1 and each.state != "cleared" and each.gap <= LATE_S - LAG_S
        first = before if folds else at
        found.append(Fact(each.name, ms(at), each.value, each.state, ms(first), each.count))
    return found


class Cut:
    """Facts in reports, reports in steps. Sources are read up to ``LAG_S`` late, links take any time; a report comes
    after the one before it, and each fact within ``late_s`` of its own time."""

    def __init__(self, facts: list[Fact], chance: Random, *, late_s: float = LATE_S) -> None:
        self._lag = {source: chance.choice([0, 0, 1, LAG_S]) for source in map(_source, facts)}
        self._facts = sorted(facts, key=self._entered)
        self.steps: list[list[tuple[float, list[Item]]]] = []
        arrived = until = 0.0
        report: list[Fact] = []
        for index, fact in enumerate(self._facts):
            report.append(fact)
            limit = min(_s(each.first) + late_s for each in [*report, *self._facts[index:]])
            following = self._facts[index + 1 : index + 2]
            if following and chance.random() < 0.5 and self._entered(following[0]) <= limit:
                continue
            soonest = max(arrived, self._entered(fact))
            arrived = min(limit, soonest + chance.choice([0.0, 0.0, 0.3, 1.0]) * max(0.0, limit - soonest))
            items = items_of(report, chance)
            if self.steps and chance.random() < 0.3 and arrived <= until:  # else the first of them would come too late
                self.steps[-1].append((arrived, items))
                until = min(until, limit)
            else:
                self.steps.append([(arrived, items)])
                until = limit
            report = []

    def caught_up(self, arrived: float) -> bool:
        """Whether all that was entered by then has arrived."""
        came = sum(len(_rows(items)) for step in self.steps for at, items in step if at <= arrived)
        return came >= sum(1 for fact in self._facts if self._entered(fact) <= arrived)

    def _entered(self, fact: Fact) -> float:
        return _s(fact.at) + self._lag[_source(fact)]


def _source(fact: Fact) -> str:
    return SOURCES.get(fact.name, fact.name)


def _s(at_ms: int) -> float:
    return (at_ms - ms(0)) / 1000


def _rows(items: list[Item]) -> list[str]:
    return [name for item in items for name in (item.metric if isinstance(item, Readings) else [""])]


def items_of(report: list[Fact], chance: Random) -> list[Item]:
    """In any order, unless two facts of one time depend on it; readings alone or in columns."""
    told = list(report)
    if len({fact.first for fact in told}) == len(told) and chance.random() < 0.5:
        chance.shuffle(told)
    items: list[Item] = []
    for fact in told:
        at = _s(fact.at)
        if fact.state:
            items.append(fault(fact.name, at, fact.state, count=fact.count, first=_s(fact.first), last=at))  # type: ignore[arg-type] # one of the literals
        elif items and isinstance(items[-1], Readings) and chance.random() < 0.5:
            row = items[-1]
            items[-1] = Readings(
                at=row.at,
                metric=[*row.metric, fact.name],
                value=[*row.value, fact.value],
                dt=[*(row.dt or [0] * len(row.metric)), fact.at - row.at],
            )
        else:
            items.append(reading(fact.name, fact.value, at))
    return items


def run(of: Model, parts: Cut, chance: Random) -> tuple[list[Effect], float]:
    """What the device's life led to, and when it was over."""
    device = Reporting(of)
    wall, clock, drift = 0.0, 0.0, chance.choice([1.0, 1.0, 0.7])

    def advance(to: float) -> None:
        nonlocal wall, clock
        clock += max(0.0, to - wall) * (0.0 if chance.random() < 0.1 else drift)
        wall = max(wall, to)

    for step in parts.steps:
        now = max(step[-1][0], wall)
        for _ in range(chance.choice([0, 0, 1, 3])):
            advance(wall + chance.random() * (now - wall))
            device.tick(wall, clock)
        advance(now)
        device.batch(wall, *step, clock=clock, caught_up=parts.caught_up)
    last = wall + 200_000
    for beat in range(12):
        wall, clock = last + 100 * beat, clock + (200_000 if beat == 0 else 100)
        device.report(wall, birth(wall), clock=clock)
        device.tick(wall, clock)
    return device.effects, last


def verdict(effects: list[Effect]) -> list[Episode]:
    """The episodes that were told, but silence."""
    found: dict[UUID, Episode] = {}
    for effect in effects:
        match effect:
            case EpisodeOpened():
                assert effect.alert_id not in found, "a new episode has a new identity"
                held = effect.condition == "active"
                found[effect.alert_id] = Episode(effect.rule, effect.occurred_ms, held, effect.count)
            case EpisodeActive():
                found[effect.alert_id].held = True
                found[effect.alert_id].worst = float(effect.params.get("value", 0.0))
            case EpisodeAgain():
                found[effect.alert_id].count = effect.count
                found[effect.alert_id].worst = float(effect.params.get("value", 0.0))
            case EpisodeChanged():
                found[effect.alert_id].count = effect.count
                if effect.to_state == "ok":
                    found[effect.alert_id].ended = effect.at_ms
            case LateSummary():
                pass
            case _:
                raise AssertionError(effect)
    return sorted((each for each in found.values() if each.rule != SILENCE), key=_key)


def _key(each: Episode) -> tuple[str, int, int]:
    return each.rule, each.began, each.ended or 0


@pytest.mark.parametrize("of", [MUTE, HEARD], ids=["mute", "heard"])
@settings(max_examples=300, deadline=None)
@given(told=st.lists(readings | codes, max_size=30), chance=st.randoms(use_true_random=False))
@example(told=CHATTER, chance=Random(1))
@example(told=QUIET, chance=Random(0))
def test_the_verdict_is_that_of_the_facts_in_the_order_of_their_time(
    of: Model, told: list[Told], chance: Random
) -> None:
    facts = facts_of(told)
    effects, last = run(of, Cut(facts, chance), chance)
    assert verdict(effects) == sorted(episodes(of, facts, until=ms(last)), key=_key)


@settings(max_examples=300, deadline=None)
@given(told=st.lists(readings | codes, max_size=30), chance=st.randoms(use_true_random=False))
def test_of_what_came_late_only_what_was_over_is_told_otherwise(told: list[Told], chance: Random) -> None:
    """It is counted in a summary, not told one by one. Nothing comes and goes quickly here, nothing ends by time alone:
    history doesn't chatter, and an end that was told can't be taken back."""
    facts = facts_of([replace(each, gap=max(each.gap, 31), count=1) for each in told if each.name not in ("E3", "X9")])
    effects, last = run(PLAIN, Cut(facts, chance, late_s=50_000), chance)
    expected = episodes(PLAIN, facts, until=ms(last))
    found = [each for each in verdict(effects) if each.held]
    over = sum(effect.count for effect in effects if isinstance(effect, LateSummary))
    assert over + len(found) == sum(1 for each in expected if each.held)
    known = {(each.rule, each.began, each.ended) for each in expected if each.held}
    assert {(each.rule, each.began, each.ended) for each in found} <= known
    assert {each for each in known if each[2] is None} <= {(each.rule, each.began, each.ended) for each in found}
