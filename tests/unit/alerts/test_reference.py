"""For any interleaving of facts, late ones too, of ticks and of silence, the engine tells what a plain one tells."""

from dataclasses import dataclass
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened, LateSummary
from ingest.ports import Effect
from tests.unit.alerts.device import CLOCK0, MODEL, Reporting, fault, ms, reading
from tests.unit.alerts.reference import Fact, Reference, Told
from wire.items import Fault, Readings

AGES = [0, 0, 0, 1, 5, 20, 59, 70, 250, 300, 301, 400, 900, 4000]
WAITS = [0, 0, 1, 4, 10, 30, 45, 61, 100, 170, 180, 181, 400, 2000]


@dataclass(frozen=True)
class Act:
    """``wait`` seconds pass, of which the partition's clock sees ``clock``; then a report of items, or a tick."""

    wait: int
    clock_stands: bool
    items: tuple[tuple[str, int, float, str, int, int], ...]
    """Name, age in seconds, value, state of a fault or "", count, span of a folded fault in seconds."""
    caught_up: bool


values = st.tuples(
    st.sampled_from(["temp", "load", "volt", "plain"]),
    st.sampled_from(AGES),
    st.sampled_from([0.0, 10.5, 12.0, 13.5, 20.0, 40.0, 50.0, 85.0, 95.0]),
    st.just(""),
    st.just(1),
    st.just(0),
)
codes = st.tuples(
    st.sampled_from(["E1", "E2", "OK2", "E3", "X9"]),
    st.sampled_from(AGES),
    st.just(0.0),
    st.sampled_from(["active", "active", "cleared", "event"]),
    st.sampled_from([1, 1, 3]),
    st.sampled_from([0, 0, 2, 100]),
)
acts = st.builds(
    Act,
    wait=st.sampled_from(WAITS),
    clock_stands=st.sampled_from([False, False, False, True]),
    items=st.lists(values | codes, max_size=4).map(tuple),
    caught_up=st.booleans(),
)


def told(effects: list[Effect], rules: dict[UUID, str]) -> tuple[dict[str, list[Told]], list[Told]]:
    """What was told of each rule, in order, and the summaries."""
    found: dict[str, list[Told]] = {}
    summaries: list[Told] = []
    for effect in effects:
        match effect:
            case EpisodeOpened():
                assert effect.alert_id not in rules, "a new episode has a new identity"
                rules[effect.alert_id] = effect.rule
                line: Told = ("opened", effect.condition, effect.occurred_ms, effect.count, effect.late)
            case EpisodeActive():
                line = ("active", effect.occurred_ms)
            case EpisodeChanged():
                line = ("moved", effect.from_state, effect.to_state, effect.at_ms, effect.count)
            case EpisodeAgain():
                continue
            case LateSummary():
                summaries.append((effect.count, effect.first_ms, effect.last_ms))
                continue
            case _:
                raise AssertionError(effect)
        found.setdefault(rules[effect.alert_id], []).append(line)
    return found, summaries


def item_of(now: int, item: tuple[str, int, float, str, int, int]) -> tuple[Fault | Readings, Fact]:
    name, age, value, state, count, span = item
    at = now - age
    if not state:
        return reading(name, value, at), Fact(name=name, first=ms(at), last=ms(at), value=value)
    spelled = fault(name, at, state, count=count, first=at - span, last=at)  # type: ignore[arg-type] # one of the literals
    first = at if state == "cleared" else at - span
    return spelled, Fact(name=name, first=ms(first), last=ms(at), state=state, count=count)


@settings(max_examples=250, deadline=None)
@given(script=st.lists(acts, max_size=25))
@example(script=[Act(0, False, (("temp", 0, 50.0, "", 1, 0),), True), Act(300, False, (), True)])
def test_the_engine_tells_what_the_reference_tells(script: list[Act]) -> None:
    device, plain = Reporting(), Reference(MODEL, silence_ms=180_000)
    rules: dict[UUID, str] = {}
    now, clock = 100_000, 0
    device.hear(now, clock)
    plain.seen, plain.seen_clock = ms(now), CLOCK0
    for act in script:
        now += act.wait
        clock += 0 if act.clock_stands else act.wait
        plain.set_time(ms(now), CLOCK0 + clock * 1000)
        if act.items:
            pairs = [item_of(now, item) for item in act.items]
            effects = device.report(now, *[item for item, _ in pairs], caught_up=act.caught_up, clock=clock)
            plain.hear()
            plain.report([fact for _, fact in pairs], caught_up=act.caught_up)
        else:
            effects = device.tick(now, clock)
        plain.tick()
        found, summaries = told(effects, rules)
        assert found == {key: machine.told for key, machine in plain.machines.items() if machine.told}
        assert summaries == plain.summaries
        assert {key: (e.condition.value, e.occurred_ms, e.count) for key, e in device.state.entries.items()} == {
            key: (machine.open.condition, machine.open.occurred, machine.open.count)
            for key, machine in plain.machines.items()
            if machine.open is not None
        }
