from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import mean, stdev

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.model import Model
from sim.analyzer.events import Condition, Control, Event, Measured, Notice, Sample, Stock
from sim.analyzer.faults import NONE, SCENARIOS
from sim.analyzer.life import AnalyzerLife
from sim.analyzer.menu import MENU
from sim.analyzer.state import ON_BOARD, AnalyzerState

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def quiet(model: Model, *, seed: int = 1, start: datetime = MONDAY, state: AnalyzerState | None = None) -> AnalyzerLife:
    return AnalyzerLife(seed=seed, start=start, model=model, state=state, faults_per_day=0)


def notices(events: list[Event], code: str) -> list[tuple[str, datetime]]:
    return [(event.state, event.at) for event in events if isinstance(event, Notice) and event.code == code]


def measured(events: list[Event]) -> dict[str, list[float]]:
    """All that a monitoring system could see, by name."""
    seen: dict[str, list[float]] = {}
    for event in events:
        if isinstance(event, Measured):
            for name, value in event.values:
                seen.setdefault(name, []).append(value)
        elif isinstance(event, Control):
            for result in event.results:
                seen.setdefault(f"z.{result.test}", []).append((result.value - result.target) / result.deviation)
        elif isinstance(event, Sample):
            seen.setdefault("mishaps", []).append(float(bool(event.codes)))
    return seen


def test_the_same_seed_lives_the_same_life_however_often_one_looks(analyzer: Model) -> None:
    def life(seed: int) -> AnalyzerLife:
        return AnalyzerLife(seed=seed, start=MONDAY, model=analyzer, faults_per_day=3, fault_scale=0.05)

    once, often, other = life(7), life(7), life(8)
    whole = once.step(MONDAY + DAY)
    pieces = [event for minute in range(24 * 60 + 1) for event in often.step(MONDAY + timedelta(minutes=minute))]
    assert whole == pieces
    assert len(whole) > 300
    assert whole != other.step(MONDAY + DAY)


def test_events_come_in_the_order_of_time(analyzer: Model) -> None:
    life = AnalyzerLife(seed=3, start=MONDAY, model=analyzer, faults_per_day=6, fault_scale=0.1)
    times = [event.at for event in life.step(MONDAY + 5 * DAY)]
    assert times == sorted(times)


def test_a_fault_on_demand_changes_nobodys_arrival(analyzer: Model) -> None:
    calm, troubled = quiet(analyzer), quiet(analyzer)
    troubled.inject("CLR-TMP-01", MONDAY)
    both = [[e.patient for e in life.step(MONDAY + DAY) if isinstance(e, Sample)] for life in (calm, troubled)]
    assert both[0] == both[1]
    assert len(both[0]) > 100


def test_mornings_are_busy_and_weekends_are_not(analyzer: Model) -> None:
    samples = [e for e in quiet(analyzer).step(MONDAY + 14 * DAY) if isinstance(e, Sample)]
    by_hour = [sum(e.at.hour == hour and e.at.weekday() < 5 for e in samples) for hour in range(24)]
    assert by_hour[9] > 4 * by_hour[17] > 0
    weekend = sum(e.at.weekday() >= 5 for e in samples) / 4
    assert weekend < 0.6 * sum(e.at.weekday() < 5 for e in samples) / 10


# What it says, healthy ------------------------------------------------------------------------------------------------


def test_a_calm_week_breaks_no_limit_that_would_open_a_ticket(analyzer: Model) -> None:
    for seed in range(3):
        for name, values in measured(quiet(analyzer, seed=seed).step(MONDAY + 7 * DAY)).items():
            for rule in analyzer.signals[name].rules if name in analyzer.signals else ():
                worst = max(values) if rule.op == "above" else min(values)
                beyond = worst > rule.raise_at if rule.op == "above" else worst < rule.raise_at
                assert not (rule.ticket and beyond), (name, worst)


def test_the_bath_stays_at_37_degrees_and_drifts_a_little(analyzer: Model) -> None:
    bath = measured(quiet(analyzer).step(MONDAY + DAY))["bath.temperature"]
    assert 36.95 < mean(bath) < 37.05
    assert 0.01 < stdev(bath) < 0.06


def test_controls_run_each_shift_on_two_levels_and_are_in_control(analyzer: Model) -> None:
    runs = [e for e in quiet(analyzer, start=MONDAY + HOUR).step(MONDAY + 8 * DAY) if isinstance(e, Control)]
    assert len(runs) == 2 * (3 * 7 + 3)
    assert {(run.level, len(run.results)) for run in runs} == {(1, len(MENU)), (2, len(MENU))}
    scores = [(r.value - r.target) / r.deviation for run in runs for r in run.results]
    assert abs(mean(scores)) < 0.5
    assert 0.6 < stdev(scores) < 1.3
    assert sum(bool(r.codes) for run in runs for r in run.results) <= 3


def test_the_lamp_ages_and_the_electrodes_do(analyzer: Model) -> None:
    life = quiet(analyzer)
    before = measured(life.step(MONDAY + HOUR))
    life.step(MONDAY + 30 * DAY)
    after = measured(life.step(MONDAY + 31 * DAY))
    assert mean(after["photometer.lamp_energy"]) < 0.9 * mean(before["photometer.lamp_energy"])
    assert after["photometer.lamp_hours"][-1] == pytest.approx(before["photometer.lamp_hours"][0] + 31 * 24, abs=1)
    assert mean(after["ise.na.slope"]) < mean(before["ise.na.slope"]) - 0.4
    assert mean(after["ise.cl.slope"]) > mean(before["ise.cl.slope"]) + 0.4


def test_a_lamp_that_nobody_replaces_is_told_of_and_a_new_one_burns_bright(analyzer: Model) -> None:
    life = quiet(analyzer)
    life.state.lamp_hours = 2340
    events = life.step(MONDAY + 4 * DAY)
    energy = measured(events)["photometer.lamp_energy"]
    assert [state for state, _ in notices(events, "PHO-LMP-01")][:1] == ["active"]
    assert notices(events, "PHO-LMP-01")[-1][0] == "cleared"
    assert min(energy) < 60.2
    assert energy[-1] > 95


def test_a_reagent_runs_short_then_out_and_is_replaced(analyzer: Model) -> None:
    life = quiet(analyzer, start=MONDAY + 2 * HOUR)
    life.state.bottles["GLU"].left = 27
    events = life.step(MONDAY + 6 * HOUR)
    (short,) = [e for e in events if isinstance(e, Notice) and e.code == "RGT-SHT-01" and e.words == "GLU"]
    (empty,) = [e for e in events if isinstance(e, Notice) and e.code == "RGT-EMP-01" and e.words == "GLU"]
    assert short.at < empty.at
    late = [e for e in events if isinstance(e, Sample) and e.at > empty.at]
    assert late
    assert not any(result.test == "GLU" for sample in late for result in sample.results)
    life.step(MONDAY + 9 * HOUR)  # the round at 14 o'clock
    assert life.state.bottles["GLU"].left > 200
    stock = [e for e in life.step(MONDAY + 12 * HOUR) if isinstance(e, Stock)][-1]
    assert {supply.substance for supply in stock.supplies} == {
        *(t.name for t in MENU if t.bottle),
        "ISE",
        "DET",
        "CD80",
    }


@pytest.mark.parametrize("why", ["expiry", "on board"])
def test_a_reagent_past_its_time_is_told_once_and_not_used(analyzer: Model, why: str) -> None:
    life = quiet(analyzer, start=MONDAY + 2 * HOUR)
    bottle = life.state.bottles["ALT"]
    if why == "expiry":
        bottle.expires = MONDAY.date() - DAY
    else:
        bottle.opened_at = MONDAY - ON_BOARD
    events = life.step(MONDAY + 5 * HOUR)
    assert len([e for e in events if isinstance(e, Notice) and (e.code, e.words) == ("RGT-EXP-01", "ALT")]) == 1
    assert not any(r.test == "ALT" for e in events if isinstance(e, Sample) for r in e.results)


# What it says, ill ----------------------------------------------------------------------------------------------------


def test_a_fault_on_demand_is_told_when_asked_again_each_hour_and_ends(analyzer: Model) -> None:
    life = quiet(analyzer)
    assert life.inject("WTR-SUP-01", MONDAY, lead_s=600, lasts_s=7200)
    assert not life.inject("WTR-SUP-01", MONDAY)
    found = notices(life.step(MONDAY + 4 * HOUR), "WTR-SUP-01")
    start, end = MONDAY + timedelta(minutes=10), MONDAY + timedelta(minutes=130)
    assert found == [("active", start), ("active", MONDAY + HOUR), ("active", MONDAY + 2 * HOUR), ("cleared", end)]
    assert life.inject("WTR-SUP-01", MONDAY + 4 * HOUR)


def test_a_fault_without_a_scenario_comes_without_precursors_and_an_unknown_one_is_refused(analyzer: Model) -> None:
    life = quiet(analyzer)
    assert life.inject("INS-CVR-01", MONDAY)
    assert notices(life.step(MONDAY), "INS-CVR-01") == [("active", MONDAY)]
    with pytest.raises(ValueError, match="generic-analyzer has no fault GEN-KV-01"):
        life.inject("GEN-KV-01", MONDAY)


def test_a_fault_that_stops_the_analyzer_stops_it_and_is_seen_in_its_state(analyzer: Model) -> None:
    life = quiet(analyzer)
    life.inject("PRB-CRS-01", MONDAY, lead_s=3 * 3600, lasts_s=2 * 3600)
    events = life.step(MONDAY + 8 * HOUR)
    start, end = MONDAY + 3 * HOUR, MONDAY + 5 * HOUR
    samples = [e.at for e in events if isinstance(e, Sample)]
    assert [at for at in samples if start <= at < end] == []
    assert [at for at in samples if at < start]
    assert [at for at in samples if at >= end]
    states = [(e.state, e.level) for e in events if isinstance(e, Condition) and start <= e.at < end]
    assert set(states) == {("PA", "C")}
    before = [(e.state, e.level) for e in events if isinstance(e, Condition) and e.at < start]
    assert set(before) == {("ID", "N"), ("OP", "N")}


def test_what_happens_to_samples_is_hung_on_them(analyzer: Model) -> None:
    life = quiet(analyzer)
    life.inject("PRB-CLT-02", MONDAY, lead_s=6 * 3600)
    samples = [e for e in life.step(MONDAY + 6 * HOUR) if isinstance(e, Sample)]
    clotted = [e for e in samples if "PRB-CLT-01" in e.codes]
    assert len(clotted) > 5
    assert all(not e.results for e in clotted)
    assert life.state.clots == len(clotted)


def test_enzymes_follow_the_bath_and_others_do_not(analyzer: Model) -> None:
    life = quiet(analyzer)
    life.inject("BTH-TMP-01", MONDAY, lead_s=0, lasts_s=86_400)
    seen = measured(life.step(MONDAY + DAY))
    assert mean(seen["z.ALT"]) > mean(seen["z.GLU"]) + 5
    assert mean(seen["bath.temperature"]) > 37.8


@pytest.fixture(scope="module")
def second_day(analyzer: Model) -> dict[str, list[float]]:
    """What is measured on the second day of a life in which nothing breaks."""
    calm = quiet(analyzer)
    calm.step(MONDAY + DAY)
    return measured(calm.step(MONDAY + 2 * DAY))


@pytest.mark.parametrize("code", sorted(code for code, found in SCENARIOS.items() if found.effects != NONE))
def test_each_fault_shows_in_the_readings_before_it_is_told(
    analyzer: Model, second_day: dict[str, list[float]], code: str
) -> None:
    """In the second half of its lead a reading is visibly not what it is in the same life without the fault."""
    ill = quiet(analyzer)
    ill.inject(code, MONDAY, lead_s=2 * 86_400)
    ill.step(MONDAY + DAY)
    usual, seen = second_day, measured(ill.step(MONDAY + 2 * DAY))

    def differs(name: str) -> bool:
        before, now = usual[name], seen[name]
        apart = abs(mean(now) - mean(before)) > 4 * stdev(before) / len(before) ** 0.5
        return apart or stdev(now) > 1.5 * stdev(before) > 0

    names = seen.keys() & usual.keys() - {"photometer.lamp_hours", "tests.total", "syringe.cycles"}
    assert [name for name in sorted(names) if differs(name)]


def test_every_scenario_is_a_fault_of_the_catalog_over_all_that_can_break(analyzer: Model) -> None:
    assert set(SCENARIOS) <= set(analyzer.faults)
    families = {analyzer.faults[code].family for code in SCENARIOS}
    assert {"photometer", "bath", "cuvette", "probe.clot", "probe.crash", "probe.level", "water", "waste"} < families
    assert {"vacuum", "syringe", "ise", "barcode", "detergent", "instrument", "lis"} < families


def test_faults_break_out_by_themselves_now_and_then(analyzer: Model) -> None:
    life = AnalyzerLife(seed=5, start=MONDAY, model=analyzer, faults_per_day=3, fault_scale=0.05)
    begun = [e.code for e in life.step(MONDAY + 10 * DAY) if isinstance(e, Notice) and e.words != "still there"]
    begun = [code for code in begun if code in SCENARIOS]
    assert 30 < len(begun) < 90, "each begins and ends"
    assert len(set(begun)) > 8


@pytest.mark.parametrize(
    ("code", "worn", "mended"),
    [
        ("PHO-LMP-02", lambda state: state.lamp_hours, 1.0),
        ("ISE-SLP-01", lambda state: state.electrode_days, 0.1),
        ("CUV-BLK-02", lambda state: state.masked, 0),
        ("WTR-CON-01", lambda state: state.conductivity, 0.11),
    ],
)
def test_what_was_worn_is_new_after_the_service(
    analyzer: Model, code: str, worn: Callable[[AnalyzerState], float], mended: float
) -> None:
    life = quiet(analyzer)
    life.state.masked = 3
    before = worn(life.state)
    life.inject(code, MONDAY, lead_s=0, lasts_s=3600)
    life.step(MONDAY + timedelta(minutes=90))
    assert worn(life.state) <= mended < before


def test_a_life_goes_on_where_it_was_saved_and_does_not_repeat_itself(analyzer: Model) -> None:
    life = quiet(analyzer)
    life.inject("VAC-LOW-01", MONDAY, lead_s=0, lasts_s=10 * 86_400)
    first = life.step(MONDAY + DAY)
    state = msgspec.json.decode(msgspec.json.encode(life.state), type=AnalyzerState)
    events = quiet(analyzer, start=MONDAY + DAY, state=state).step(MONDAY + 2 * DAY)
    assert notices(events, "VAC-LOW-01") == [("cleared", MONDAY + DAY)]
    totals = [measured(part)["tests.total"] for part in (first, events)]
    assert totals[0][-1] <= totals[1][0]
    patients = [[e.patient for e in part if isinstance(e, Sample)] for part in (first, events)]
    assert max(patients[0]) < min(patients[1])
    assert measured(first)["z.GLU"][:4] != measured(events)["z.GLU"][:4]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), codes=st.sets(st.sampled_from(sorted(SCENARIOS)), max_size=12))
def test_every_value_lies_in_its_signals_range(analyzer: Model, seed: int, codes: set[str]) -> None:
    life = quiet(analyzer, seed=seed)
    for code in sorted(codes):
        life.inject(code, MONDAY, lead_s=4 * 3600, lasts_s=3600)
    events = life.step(MONDAY + 9 * HOUR)
    for event in events:
        for name, value in event.values if isinstance(event, Measured) else ():
            signal = analyzer.signals[name]
            assert signal.min <= value <= signal.max, (name, value)
        for result in event.results if isinstance(event, Sample | Control) else ():
            assert result.value > 0
    assert life.state.active == []
