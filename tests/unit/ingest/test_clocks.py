"""A slow clock is told from a queue: the one stays, the other drains (delivery 16)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clocks import NEAR_MS, STEADY_MS, Clock, hear
from wire.items import Fault, Readings
from wire.report import Report

NOW = 1_795_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def report(at: int, *items: int) -> Report:
    return Report(at=at, items=[Fault(at=item, code="E", state="event") for item in items or (at,)])


def told(clock: Clock, arrivals: list[tuple[int, int]]) -> tuple[Clock, list[int]]:
    """After reports of (made by the client's clock, received): what is believed, and the offset used for each."""
    used = []
    for made, received in arrivals:
        clock, offset = hear(clock, report(made), received)
        used.append(offset)
    return clock, used


def steady(
    offset: int, *, every: int = MINUTE, count: int = 5, start: int = NOW, delay: int = 50
) -> list[tuple[int, int]]:
    """Reports of a clock that is ``offset`` behind ours, sent as they are made."""
    return [(start + n * every - offset, start + n * every + delay) for n in range(count)]


def backlog(offset: int, *, of: int, every: int = MINUTE, pace: int = 100, start: int = NOW) -> list[tuple[int, int]]:
    """Reports made every ``every`` ms in the ``of`` ms before ``start``, sent one each ``pace`` ms from then."""
    return [(start - of + n * every - offset, start + n * pace) for n in range(of // every)]


@pytest.mark.parametrize("offset", [0, 1_000, -1_000])
def test_a_clock_that_is_right_needs_nothing(offset: int) -> None:
    clock, used = told(Clock(), steady(offset))
    assert (clock, set(used)) == (Clock(offset_ms=0), {0})


@pytest.mark.parametrize("offset", [4 * MINUTE, 2 * HOUR, 30 * DAY])
def test_a_slow_clock_is_believed_once_it_is_steady(offset: int) -> None:
    clock, used = told(Clock(), steady(offset))
    assert used == [0, 0, offset + 50, offset + 50, offset + 50]
    assert clock.offset_ms == offset + 50


@pytest.mark.parametrize("offset", [-4 * MINUTE, -5 * HOUR, -400 * DAY, NOW, -(253_402_300_000_000 - NOW)])
def test_what_no_queue_can_explain_is_put_right_from_the_first_report_on(offset: int) -> None:
    """A clock ahead of ours, of 1970, of the year 9999."""
    arrivals = steady(offset)
    clock, used = told(Clock(), arrivals)
    assert [made + used_ms for (made, _), used_ms in zip(arrivals, used, strict=True)] == [at for _, at in arrivals]
    assert clock.offset_ms == offset + 50


def test_a_client_that_held_back_two_hours_is_no_slow_clock() -> None:
    clock, used = told(Clock(), backlog(0, of=2 * HOUR) + steady(0, start=NOW + 12_000))
    assert set(used) == {0}
    assert clock == Clock(offset_ms=0)


def test_a_slow_clock_and_a_backlog_are_told_apart() -> None:
    clock, _ = told(Clock(), steady(2 * HOUR, start=NOW - DAY))
    held = backlog(2 * HOUR, of=3 * HOUR)
    clock, used = told(clock, held)
    assert set(used) == {2 * HOUR + 50}, "what was held back is late, and by no more than it is"
    clock, _ = told(clock, steady(2 * HOUR, start=NOW + MINUTE))
    assert clock == Clock(offset_ms=2 * HOUR + 50)


@pytest.mark.parametrize("before", [4 * MINUTE, 2 * HOUR, -2 * HOUR, NOW])
def test_a_clock_put_right_midway(before: int) -> None:
    clock, _ = told(Clock(), steady(before))
    clock, used = told(clock, steady(0, start=NOW + HOUR, every=10_000))
    assert clock == Clock(offset_ms=0)
    if before != -4 * MINUTE:
        assert max(map(abs, used)) <= 50, (
            "it shows at once: nothing comes before it is made, or waits just as long as it was ahead"
        )
    assert used[-1] in (0, 50)


def test_a_clock_put_back_is_believed_once_it_is_steady() -> None:
    clock, _ = told(Clock(), steady(0))
    clock, used = told(clock, steady(HOUR, start=NOW + HOUR))
    assert used[0] == 0
    assert clock.offset_ms == HOUR + 50


def test_one_nonsense_time_changes_no_belief() -> None:
    for nonsense in (0, NOW + DAY, 253_402_300_799_999, NOW - HOUR):
        clock, _ = told(Clock(), steady(0))
        clock, _ = told(clock, [(nonsense, NOW + HOUR), *steady(0, start=NOW + HOUR + 1)])
        assert clock == Clock(offset_ms=0)


@pytest.mark.parametrize("at", [0, NOW - DAY, 253_402_300_799_999])
def test_a_report_without_a_time_of_its_own_has_that_of_what_it_tells(at: int) -> None:
    clock, offset = hear(Clock(), report(at, NOW - 100), NOW)
    assert abs(offset) <= NEAR_MS
    assert clock == Clock(offset_ms=0)


def test_a_report_named_after_its_first_reading_is_no_slow_clock() -> None:
    clock = Clock()
    for n in range(10):
        end = NOW + n * 10 * MINUTE
        item = Readings(at=end - 600_000, metric=["a", "a"], value=[1, 2], dt=[0, 599_900])
        clock, offset = hear(clock, Report(at=end - 600_000, items=[item]), end)
        assert offset == 0
    assert clock == Clock(offset_ms=0)


@given(
    offset=st.integers(-400 * DAY, 300 * DAY),
    of=st.integers(0, 3 * DAY),
    every=st.integers(1_000, 10 * MINUTE),
    speed=st.floats(1.5, 1000),
    jitter=st.lists(st.integers(0, NEAR_MS // 2), min_size=1, max_size=7),
    cuts=st.sets(st.integers(0, 400), max_size=3),
)
def test_whatever_was_held_back_only_the_true_offset_is_ever_believed(
    offset: int, of: int, every: int, speed: float, jitter: list[int], cuts: set[int]
) -> None:
    """Over backlogs, jitter, and processes of ours that begin anew from what was believed."""
    of = min(of, 300 * every)
    held = backlog(offset, of=of, every=every, pace=int(every / speed))
    after = held[-1][1] + every if held else NOW
    count = max(cuts, default=0) + STEADY_MS // every + 8  # a process that begins anew needs as long again
    arrivals = held + steady(offset, every=every, count=count, start=after, delay=0)
    clock = Clock()
    for n, (made, received) in enumerate(arrivals):
        if n in cuts:
            clock = Clock(offset_ms=clock.offset_ms)
        late = jitter[n % len(jitter)]
        clock, used = hear(clock, report(made), received + late)
        for belief in (clock.offset_ms, used):
            assert belief is None or belief == 0 or offset - 1 <= belief, "nothing comes before it is made"
        assert clock.offset_ms in (None, 0) or abs((clock.offset_ms or 0) - offset) <= 2 * NEAR_MS
    assert clock.offset_ms is not None
    assert abs(clock.offset_ms - offset) <= NEAR_MS * 3 // 2
