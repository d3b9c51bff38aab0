from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import mean, stdev

import msgspec
import pytest

from catalog.model import Model
from sim.course import combined
from sim.events import Event, Exposure, LogLine, Status, Step
from sim.faults import NONE, SCENARIOS, Effects
from sim.life import CALIBRATION_DUE, TUBE_LIFE, DrLife
from sim.state import LifeState

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def quiet(model: Model, *, seed: int = 1, start: datetime = MONDAY, state: LifeState | None = None) -> DrLife:
    return DrLife(seed=seed, start=start, model=model, state=state, faults_per_day=0)


def exposures(events: list[Event]) -> list[Exposure]:
    return [event for event in events if isinstance(event, Exposure)]


def log_lines(events: list[Event], code: str) -> list[tuple[str, datetime]]:
    return [(event.state, event.at) for event in events if isinstance(event, LogLine) and event.code == code]


def test_the_same_seed_lives_the_same_life_however_often_one_looks(model: Model) -> None:
    def life(seed: int) -> DrLife:
        return DrLife(seed=seed, start=MONDAY, model=model, faults_per_day=2)

    once, often, other = life(7), life(7), life(8)
    whole = once.step(MONDAY + DAY)
    pieces = [event for minute in range(24 * 60 + 1) for event in often.step(MONDAY + timedelta(minutes=minute))]
    assert whole == pieces
    assert len(whole) > 100
    assert whole != other.step(MONDAY + DAY)


def test_events_come_in_the_order_of_time(model: Model) -> None:
    times = [event.at for event in DrLife(seed=3, start=MONDAY, model=model, faults_per_day=6).step(MONDAY + 5 * DAY)]
    assert times == sorted(times)


def test_a_fault_on_demand_changes_nobodys_arrival(model: Model) -> None:
    calm, troubled = quiet(model), quiet(model)
    troubled.inject("AEC-CAL-01", MONDAY)
    assert [(e.at, e.protocol) for e in exposures(calm.step(MONDAY + DAY)) if not e.aborted] == [
        (e.at, e.protocol) for e in exposures(troubled.step(MONDAY + DAY)) if not e.aborted
    ]


def test_a_week_has_busy_mornings_a_lunch_dip_nights_and_weekends(model: Model) -> None:
    found: Counter[tuple[bool, int]] = Counter()
    for seed in range(3):
        for exposure in exposures(quiet(model, seed=seed).step(MONDAY + 14 * DAY)):
            found[exposure.at.weekday() >= 5, exposure.at.hour] += 1
    workday = {hour: found[False, hour] for hour in range(24)}
    assert workday[12] < workday[10] / 2
    assert workday[12] < workday[14] / 2
    assert 0 < workday[3] < workday[10] / 10
    per_workday = sum(workday.values()) / (10 * 3)
    per_weekend_day = sum(found[True, hour] for hour in range(24)) / (4 * 3)
    assert 100 < per_workday < 300
    assert per_weekend_day < per_workday * 0.6


def test_the_detector_warms_up_in_the_morning_and_stays_below_its_limits(model: Model) -> None:
    morning = exposures(quiet(model).step(MONDAY + timedelta(hours=6)))
    early = mean(e.temperature for e in morning if e.at.hour == 7)
    late = mean(e.temperature for e in morning if e.at.hour == 11)
    assert early + 3 < late < 37


def test_counters_only_grow_and_calibration_starts_one_anew(model: Model) -> None:
    life = quiet(model)
    before = exposures(life.step(MONDAY + DAY))
    numbers = [e.number for e in before]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [e.since_calibration - e.number for e in before] == [before[0].since_calibration - numbers[0]] * len(numbers)
    life.service(MONDAY + DAY)
    after = exposures(life.step(MONDAY + 2 * DAY))
    assert after[0].number == numbers[-1] + 1
    assert after[0].since_calibration == 1
    assert after[0].calibrated_at == MONDAY + DAY


def test_an_aborted_exposure_gives_less_and_is_repeated(model: Model) -> None:
    life = quiet(model)
    life.inject("SAF-SWT-01", MONDAY, lead_s=86_400)
    taken = exposures(life.step(MONDAY + DAY))
    aborted = [number for number, e in enumerate(taken) if e.aborted]
    assert len(aborted) > 5
    for number in aborted[:-1]:
        again = [
            e
            for e in taken[number + 1 : number + 12]
            if (e.patient, e.protocol) == (taken[number].patient, taken[number].protocol)
        ]
        assert again
    assert mean(taken[number].deviation_index for number in aborted) < -2


@pytest.mark.parametrize(
    ("code", "states"),
    [("DET-TEMP-01", ["active", "cleared"]), ("IRAY-1042", ["event"]), ("PACS-STO-01", ["active", "cleared"])],
)
def test_a_fault_on_demand_is_in_the_log_when_asked_and_clears(model: Model, code: str, states: list[str]) -> None:
    life = quiet(model)
    assert life.inject(code, MONDAY, lead_s=600, lasts_s=1200)
    assert not life.inject(code, MONDAY)
    found = log_lines(life.step(MONDAY + timedelta(hours=1)), code)
    moments = [MONDAY + timedelta(seconds=600), MONDAY + timedelta(seconds=1800)]
    assert found == list(zip(states, moments, strict=False))
    assert life.inject(code, MONDAY + timedelta(hours=1))


def test_a_fault_that_the_model_does_not_have_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="generic-dr has no fault XXX-01"):
        quiet(model).inject("XXX-01", MONDAY)


def test_service_ends_what_is_active_and_stops_what_is_coming(model: Model) -> None:
    life = quiet(model)
    life.inject("GEN-KV-01", MONDAY, lead_s=60)
    life.inject("DET-PIX-01", MONDAY, lead_s=36_000)
    life.step(MONDAY + timedelta(hours=1))
    assert life.state.active == ["GEN-KV-01"]
    life.service(MONDAY + timedelta(hours=1))
    events = life.step(MONDAY + DAY)
    assert log_lines(events, "GEN-KV-01") == [("cleared", MONDAY + timedelta(hours=1))]
    assert log_lines(events, "DET-PIX-01") == []
    assert life.state.active == []


def test_a_fault_that_stops_the_equipment_stops_exposures_until_it_is_mended(model: Model) -> None:
    life = quiet(model)
    start, end = MONDAY + timedelta(hours=3), MONDAY + timedelta(hours=5)
    life.inject("DET-LINK-01", MONDAY, lead_s=3 * 3600, lasts_s=2 * 3600)
    taken = exposures(life.step(MONDAY + timedelta(hours=8)))
    assert [e for e in taken if start <= e.at < end] == []
    assert [e for e in taken if e.at < start]
    assert [e for e in taken if e.at >= end]


def steps(events: list[Event]) -> list[Step]:
    return [event for event in events if isinstance(event, Step)]


def test_every_study_is_a_performed_step_around_its_exposures(model: Model) -> None:
    events = quiet(model).step(MONDAY + 2 * DAY)
    told = steps(events)
    begun = {step.patient: step.at for step in told if step.status == "IN PROGRESS"}
    ended = {step.patient: step.at for step in told if step.status != "IN PROGRESS"}
    assert len(begun) + len(ended) == len(told)
    assert len(begun) > 100
    assert begun.keys() >= ended.keys()
    for exposure in exposures(events):
        assert begun[exposure.patient] < exposure.at
        assert exposure.at < ended.get(exposure.patient, MONDAY + 2 * DAY)


def test_some_studies_end_early_and_some_images_are_rejected_and_taken_again(model: Model) -> None:
    events = quiet(model).step(MONDAY + 60 * DAY)
    ended = [step for step in steps(events) if step.status != "IN PROGRESS"]
    reasons = Counter(step.reason for step in ended)
    assert {step.status for step in ended if step.reason is None} == {"COMPLETED"}
    assert {step.status for step in ended if step.reason is not None} == {"DISCONTINUED"}
    assert set(reasons) == {None, "patient"}
    assert 0.008 < reasons["patient"] / len(ended) < 0.025
    taken = exposures(events)
    rejected = [number for number, exposure in enumerate(taken[:-40]) if exposure.rejected]
    assert 0.06 < len(rejected) / len(taken) < 0.1
    for number in rejected:
        again = [(each.patient, each.protocol) for each in taken[number + 1 : number + 12]]
        assert (taken[number].patient, taken[number].protocol) in again
    assert not any(exposure.rejected and exposure.aborted for exposure in taken)


def test_equipment_that_fails_breaks_a_study_off_and_begins_none(model: Model) -> None:
    found: Counter[str | None] = Counter()
    for seed in range(12):
        life = quiet(model, seed=seed)
        failed, mended = MONDAY + timedelta(hours=4), MONDAY + timedelta(hours=6)
        life.inject("GEN-ROT-01", MONDAY, lead_s=4 * 3600, lasts_s=2 * 3600)
        events = steps(life.step(MONDAY + timedelta(hours=9)))
        assert not [step for step in events if step.status == "IN PROGRESS" and failed <= step.at < mended]
        found.update(step.reason for step in events if failed <= step.at < mended)
    assert found["equipment"] > 3


def test_a_study_that_was_under_way_when_the_equipment_was_cut_off_ends_with_its_next_start(model: Model) -> None:
    life = quiet(model)
    at = next(step.at for step in steps(life.step(MONDAY + DAY))) + timedelta(seconds=1)
    life = quiet(model)
    (begun,) = steps(life.step(at))
    state = msgspec.json.decode(msgspec.json.encode(life.state), type=LifeState)
    again = quiet(model, start=at + timedelta(hours=1), state=state)
    first = steps(again.step(at + timedelta(hours=1)))[0]
    assert (first.patient, first.status, first.reason) == (begun.patient, "DISCONTINUED", "unknown")
    assert begun.patient not in again.state.steps


def readings(events: list[Event]) -> dict[str, list[float]]:
    """What a monitoring system could see, by name."""
    seen: dict[str, list[float]] = {}
    for event in events:
        if isinstance(event, Exposure):
            protocol = event.protocol
            for name, value in {
                "kv": event.kv / protocol.kv,
                "ma": event.ma / protocol.ma,
                "dap": event.dap
                / event.mas
                / event.kv**2.1
                / (protocol.field[0] * protocol.field[1])
                * protocol.distance**2,
                "deviation": event.deviation_index,
                "aborted": float(event.aborted),
                "temperature": event.temperature,
                "sensitivity": event.sensitivity,
                "active": event.active_ms,
            }.items():
                seen.setdefault(name, []).append(value)
        elif isinstance(event, Status):
            seen.setdefault(event.name, []).append(event.value)
    return seen


@pytest.mark.parametrize("code", sorted(SCENARIOS))
def test_each_fault_shows_in_the_readings_before_it_is_in_the_log(model: Model, code: str) -> None:
    """In the second half of its lead a reading is visibly not what it is in the same life without the fault."""
    calm, ill = quiet(model, start=MONDAY + timedelta(hours=2)), quiet(model, start=MONDAY + timedelta(hours=2))
    ill.inject(code, MONDAY + timedelta(hours=2), lead_s=2 * 86_400)
    half, end = MONDAY + timedelta(hours=26), MONDAY + timedelta(hours=50)
    calm.step(half)
    ill.step(half)
    usual, found = readings(calm.step(end)), ill.step(end)
    seen = readings(found)

    def differs(name: str) -> bool:
        if name == "generator.arcs":  # a count of the day, not a sample
            return max(seen[name]) >= max(usual[name]) + 5
        before, now = usual[name], seen[name]
        if min(len(now), len(before)) < 20:
            return abs(now[-1] - before[-1]) > 0.2 * before[-1]
        apart = abs(mean(now) - mean(before)) > 4 * stdev(before) / len(now) ** 0.5
        return apart or stdev(now) > 1.3 * stdev(before)

    # Counters run apart for a reason of their own: who is exposed less has fewer.
    names = sorted(seen.keys() & usual.keys() - {"tube.exposures_total"})
    assert [name for name in names if differs(name)], {name: (mean(usual[name]), mean(seen[name])) for name in names}
    at = MONDAY + timedelta(hours=50)
    assert [moment for _, moment in log_lines(found, code)] == [at]


@pytest.mark.parametrize("code", sorted(SCENARIOS))
def test_the_detector_says_that_it_is_not_nominal_exactly_for_faults_of_its_own(model: Model, code: str) -> None:
    life = quiet(model, start=MONDAY + timedelta(hours=2))
    life.inject(code, MONDAY + timedelta(hours=2), lead_s=6 * 3600, lasts_s=3600)
    taken = exposures(life.step(MONDAY + DAY))
    doubtful = [e for e in taken if not e.nominal]
    assert bool(doubtful) != SCENARIOS[code].nominal
    assert all(MONDAY + timedelta(hours=6) < e.at < MONDAY + timedelta(hours=9, seconds=1) for e in doubtful)
    assert code.startswith(("DET-", "IRAY-")) or SCENARIOS[code].nominal


def test_every_scenario_is_a_fault_of_the_catalog(model: Model) -> None:
    assert set(SCENARIOS) <= set(model.faults)
    assert len(SCENARIOS) >= 25


def test_faults_break_out_by_themselves_now_and_then(model: Model) -> None:
    life = DrLife(seed=5, start=MONDAY, model=model, faults_per_day=3, fault_scale=0.05)
    events = life.step(MONDAY + 10 * DAY)
    begun = [e for e in events if isinstance(e, LogLine) and e.state != "cleared" and e.code in SCENARIOS]
    assert 15 < len(begun) < 45
    assert len({e.code for e in begun}) > 8
    assert not exposures(quiet(model).step(MONDAY + DAY))[0].aborted


def test_a_life_goes_on_where_it_was_saved_and_does_not_repeat_itself(model: Model) -> None:
    life = quiet(model)
    life.inject("MOT-POS-01", MONDAY, lead_s=0, lasts_s=10 * 86_400)
    first = exposures(life.step(MONDAY + DAY))
    state = msgspec.json.decode(msgspec.json.encode(life.state), type=LifeState)
    again = DrLife(seed=1, start=MONDAY + DAY, model=model, state=state, faults_per_day=0)
    events = again.step(MONDAY + 2 * DAY)
    assert log_lines(events, "MOT-POS-01") == [("cleared", MONDAY + DAY)]
    second = exposures(events)
    assert second[0].number == first[-1].number + 1
    assert second[0].patient > first[-1].patient
    assert [e.protocol.name for e in second[:20]] != [e.protocol.name for e in first[:20]]


def test_calibration_falls_due_and_is_made(model: Model) -> None:
    life = quiet(model)
    life.state.since_calibration = CALIBRATION_DUE - 3
    events = life.step(MONDAY + 5 * DAY)
    assert [state for state, _ in log_lines(events, "DET-CAL-01")] == ["active", "cleared"]
    assert life.state.since_calibration < 2000


def test_an_old_tube_arcs_until_the_generator_locks_itself_and_the_tube_is_replaced(model: Model) -> None:
    life = quiet(model)
    life.state.tube_exposures = 3 * TUBE_LIFE
    events = life.step(MONDAY + 4 * DAY)
    assert len(log_lines(events, "GEN-ARC-01")) >= 15
    assert [state for state, _ in log_lines(events, "GEN-ARC-02")][:2] == ["active", "cleared"]
    assert life.state.tube_exposures < TUBE_LIFE


def test_a_tube_reaches_its_expected_age(model: Model) -> None:
    life = quiet(model)
    life.state.tube_exposures = TUBE_LIFE - 2
    assert log_lines(life.step(MONDAY + DAY), "TUB-AGE-01")[0][0] == "active"


def test_sensitivity_drifts_over_months(model: Model) -> None:
    life = quiet(model)
    first = mean(e.sensitivity for e in exposures(life.step(MONDAY + DAY)))
    life.step(MONDAY + 179 * DAY)
    last = mean(e.sensitivity for e in exposures(life.step(MONDAY + 180 * DAY)))
    assert 0.97 * first < last < 0.998 * first


def test_effects_add_up_by_their_shares() -> None:
    total = combined(NONE, [(Effects(kv=-0.1, heat=10), 0.5), (Effects(kv=-0.02), 1.0)])
    assert total.kv == pytest.approx(-0.07)
    assert total.heat == pytest.approx(5)
    assert combined(NONE, []) == Effects()
