import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from agent.clock import DRIFT, SAMPLE_AGE_MS, SLACK_MS, STEP_MS, Clock, Now, Offset, Segment, Step, measure

BOOT = "this-boot"


def at(elapsed: int, *, ahead: int = 0) -> Now:
    """The moment `elapsed` ms after the machine's start, which was at 1,000,000 ms of its wall clock + `ahead`."""
    return Now(wall=1_000_000 + ahead + elapsed, elapsed=elapsed)


def fresh(now: Now | None = None) -> Clock:
    return Clock(segments=[], now=now or at(0), machine=BOOT)


def answer(clock: Clock, *, offset: int, trip: int, held: float, elapsed: int, ahead: int = 0) -> None:
    """A round trip that ends now, with the same delay both ways."""
    now = at(elapsed, ahead=ahead)
    server = now.wall - trip // 2 + offset
    clock.answered(sent=now.wall - trip - int(held), server=server, held=held, segment=clock.peek(now).segment, now=now)


@given(
    offset=st.integers(-(10**10), 10**10),
    up=st.integers(0, 60_000),
    down=st.integers(0, 60_000),
    held=st.integers(0, 10**7),
)
def test_delivery_16_the_offset_is_true_within_its_uncertainty_whatever_the_ways(
    offset: int, up: int, down: int, held: int
) -> None:
    sent = 10**12
    found = measure(sent=sent, received=sent + up + held + down, server=sent + up + held + offset, held=held)
    assert found is not None
    assert abs(found.ms - offset) <= found.uncertainty


def test_an_answer_before_the_question_is_no_measure() -> None:
    assert measure(sent=100, received=150, server=0, held=60) is None
    assert measure(sent=100, received=150, server=0, held=50.5) == Offset(ms=-150, uncertainty=1)  # its own rounding


def test_the_best_of_the_young_samples_counts() -> None:
    clock = fresh()
    assert clock.correction(0) is None
    answer(clock, offset=7000, trip=800, held=0, elapsed=1000)
    answer(clock, offset=6900, trip=20, held=500, elapsed=2000)
    answer(clock, offset=9000, trip=4000, held=0, elapsed=3000)
    assert clock.correction(0) == 6900
    later = 2000 + SAMPLE_AGE_MS + 1
    answer(clock, offset=6800, trip=1000, held=0, elapsed=later)
    assert clock.correction(0) == 6800


def test_an_offset_within_its_uncertainty_is_none() -> None:
    clock = fresh()
    answer(clock, offset=40, trip=100, held=0, elapsed=1000)
    assert clock.correction(0) == 0
    answer(clock, offset=40, trip=20, held=0, elapsed=2000)
    assert clock.correction(0) == 40


@pytest.mark.parametrize("step", [STEP_MS, -STEP_MS, 3_600_000, -86_400_000])
def test_a_step_begins_a_segment_and_tells_the_offset_of_the_one_before(step: int) -> None:
    clock = fresh()
    assert clock.moment(at(5000)).segment == 0
    moment = clock.moment(at(6000, ahead=step))
    assert moment.segment == 1
    assert moment.steps == (Step(segment=1, step_ms=step),)
    assert [segment.number for segment in moment.segments] == [0, 1]
    answer(clock, offset=100_000, trip=20, held=0, elapsed=7000, ahead=step)
    assert clock.correction(1) == 100_000
    # Before the step the device's clock showed `step` less, so it wanted `step` more.
    assert clock.correction(0) == 100_000 + step


def test_a_segment_measured_before_a_step_tells_the_one_after() -> None:
    clock = fresh()
    answer(clock, offset=5000, trip=10, held=0, elapsed=1000)
    clock.moment(at(2000, ahead=30_000))
    assert clock.correction(1) == -25_000
    assert clock.correction(0) == 5000


def test_slewing_and_jitter_are_no_steps() -> None:
    clock = fresh()
    for turn in range(1, 100):
        assert clock.moment(at(turn * 1000, ahead=turn * (STEP_MS - 1))).segment == 0


def test_each_step_is_handed_out_once_and_again_if_it_was_not_kept() -> None:
    clock = fresh()
    begun = clock.moment(at(0))
    assert begun.steps == (Step(segment=0, step_ms=None),)  # so that the first segment is stored too
    first = clock.moment(at(1000, ahead=5000))
    assert len(first.steps) == 1
    assert clock.moment(at(1001, ahead=5000)).steps == ()
    clock.give_back(first)
    assert clock.peek(at(1002, ahead=5000)).steps == ()
    second = clock.moment(at(1003, ahead=-5000))
    assert [step.step_ms for step in second.steps] == [5000, -10_000]


def test_an_answer_to_a_question_from_before_a_step_is_not_used() -> None:
    clock = fresh()
    clock.moment(at(1000, ahead=60_000))
    clock.answered(sent=1_000_500, server=1_000_900, held=0, segment=0, now=at(1001, ahead=60_000))
    assert clock.correction(0) is None
    assert clock.correction(1) is None


def reopened(clock: Clock, now: Now, machine: str | None = BOOT) -> Clock:
    return Clock(segments=list(clock.segments()), now=now, machine=machine)


def test_a_restart_on_the_same_boot_goes_on() -> None:
    clock = fresh()
    answer(clock, offset=5000, trip=10, held=0, elapsed=1000)
    again = reopened(clock, at(90_000))
    moment = again.moment(at(90_001))
    assert (moment.segment, moment.steps) == (0, ())
    assert again.correction(0) == 5000


def test_a_clock_set_while_the_agent_was_off_is_a_step_of_known_size() -> None:
    again = reopened(fresh(), at(90_000, ahead=-7000))
    assert again.moment(at(90_001, ahead=-7000)).steps == (Step(segment=1, step_ms=-7000),)


@pytest.mark.parametrize("machine", ["next-boot", None])
def test_after_a_reboot_nobody_knows_how_far_the_clock_was_set(machine: str | None) -> None:
    clock = fresh()
    answer(clock, offset=5000, trip=10, held=0, elapsed=1000)
    again = reopened(clock, at(10, ahead=99), machine)
    assert again.moment(at(11, ahead=99)).steps == (Step(segment=1, step_ms=None),)
    assert again.correction(0) == 5000
    assert again.correction(1) is None
    answer(again, offset=300, trip=10, held=0, elapsed=500, ahead=99)
    assert again.correction(1) == 300
    assert again.correction(0) == 5000


def test_the_servers_time_is_our_own_until_the_offset_is_known() -> None:
    clock = fresh()
    assert clock.server_ms(at(5000)) == 1_005_000
    answer(clock, offset=-2000, trip=10, held=0, elapsed=5000)
    assert clock.server_ms(at(6000)) == 1_004_000


def test_segments_that_no_report_needs_are_forgotten_but_never_the_current() -> None:
    clock = fresh()
    for turn in range(1, 4):
        clock.moment(at(turn * 1000, ahead=turn * 60_000))
    clock.forget_before(2)
    assert [segment.number for segment in clock.segments()] == [2, 3]
    clock.forget_before(99)
    assert [segment.number for segment in clock.segments()] == [3]
    assert clock.correction(0) is None


def test_a_chain_with_an_unknown_step_ends_there() -> None:
    known = Segment(number=0, base=0, machine=BOOT, offset=Offset(ms=5.0, uncertainty=1.0))
    broken = Segment(number=1, base=0, machine="other", step=None)
    clock = Clock(segments=[known, broken], now=Now(wall=0, elapsed=0), machine="other")
    assert clock.correction(0) == 5
    assert clock.correction(1) is None


DAY_MS = 86_400_000


@pytest.mark.parametrize("days", [1, -1])
def test_a_server_whose_clock_was_set_is_believed_at_once_and_at_once_again(days: int) -> None:
    """A best sample of before would be kept for a quarter of an hour by its small uncertainty."""
    clock = fresh()
    answer(clock, offset=40, trip=4, held=0, elapsed=1_000)
    answer(clock, offset=40 + days * DAY_MS, trip=900, held=0, elapsed=2_000)
    assert clock.correction(0) == 40 + days * DAY_MS
    answer(clock, offset=40, trip=2_000, held=0, elapsed=26_000)
    assert clock.correction(0) == 0  # within ± 1 s
    answer(clock, offset=40, trip=30, held=0, elapsed=27_000)
    assert clock.correction(0) == 40


def test_samples_that_agree_within_what_they_know_forget_nothing() -> None:
    clock = fresh()
    answer(clock, offset=5_000, trip=10, held=0, elapsed=1_000)
    answer(clock, offset=5_950, trip=2_000, held=0, elapsed=2_000)
    assert clock.correction(0) == 5_000


def test_a_sample_counts_for_less_as_it_ages() -> None:
    clock = fresh()
    answer(clock, offset=5_000, trip=10, held=0, elapsed=0)
    answer(clock, offset=5_040, trip=100, held=0, elapsed=60_000)
    assert clock.correction(0) == 5_000
    answer(clock, offset=5_060, trip=100, held=0, elapsed=120_000)
    assert clock.correction(0) == 5_060  # ± 51 against ± 66 by now


def test_a_segment_measured_while_the_server_was_wrong_is_told_by_the_one_after() -> None:
    clock = fresh()
    answer(clock, offset=DAY_MS, trip=10, held=0, elapsed=1_000)
    clock.moment(at(2_000, ahead=30_000))
    answer(clock, offset=-25_000, trip=10, held=0, elapsed=3_000, ahead=30_000)
    assert clock.correction(1) == -25_000
    assert clock.correction(0) == 5_000
    assert reopened(clock, at(4_000, ahead=30_000)).correction(0) == 5_000


def test_what_a_segment_measured_stands_while_nothing_excludes_it() -> None:
    """A report of then that is sent again is corrected as it was."""
    clock = fresh()
    answer(clock, offset=5_000, trip=10, held=0, elapsed=1_000)
    clock.moment(at(2_000, ahead=30_000))
    answer(clock, offset=-24_950, trip=10, held=0, elapsed=3_000, ahead=30_000)
    assert clock.correction(0) == 5_000


def test_a_machine_that_was_halted_is_no_server_that_was_set() -> None:
    """Its elapsed time stood still; so the wall clock that was put right seems to have stepped."""
    clock = fresh()
    answer(clock, offset=5_000, trip=10, held=0, elapsed=1_000)
    clock.moment(at(2_000, ahead=DAY_MS))
    answer(clock, offset=5_000, trip=10, held=0, elapsed=3_000, ahead=DAY_MS)
    assert clock.correction(0) == clock.correction(1) == 5_000


def test_a_segment_of_the_former_agent_is_read() -> None:
    stored = msgspec.msgpack.encode(
        {"number": 3, "base": 5, "machine": BOOT, "step": None, "offset": {"ms": 7000.0, "uncertainty": 2.0}}
    )
    segment = msgspec.msgpack.decode(stored, type=Segment)
    clock = Clock(segments=[segment], now=Now(wall=5, elapsed=0), machine=BOOT)
    assert clock.correction(3) == 7_000


class Clocks(RuleBasedStateMachine):
    """True clocks: the device's drifts and is set by some seconds, the server's by some days; round trips of any ways
    measure. What the agent makes of it is true within what the newest answer can know."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 1_000.0
        self.drifted = 0.0
        """Of the server's clock against the device's elapsed time, ms."""
        self.ppm = 0.0
        self.server = 0
        self.device = 0
        self.segments = {0: 0}
        """Segment → how far the device's clock was set then."""
        self.clock = Clock(segments=[], now=self.now(), machine=BOOT)

    def now(self) -> Now:
        return Now(wall=10**9 + self.device + round(self.elapsed), elapsed=round(self.elapsed))

    def truth(self, device: int) -> float:
        return self.server + self.drifted - device

    def passes(self, ms: float) -> None:
        self.elapsed += ms
        self.drifted += ms * self.ppm * 1e-6

    @rule(ms=st.integers(0, 300_000), ppm=st.integers(-400, 400))
    def time_goes_on(self, ms: int, ppm: int) -> None:
        self.ppm = ppm
        self.passes(ms)
        self.clock.moment(self.now())

    @rule(days=st.integers(-3, 3).filter(bool))
    def the_server_is_set(self, days: int) -> None:
        self.server += days * DAY_MS

    @rule(seconds=st.integers(-30, 30).filter(lambda s: abs(s) > 1))
    def the_device_is_set(self, seconds: int) -> None:
        self.device += seconds * 1_000
        moment = self.clock.moment(self.now())
        self.segments[moment.segment] = self.device

    @rule()
    def the_agent_is_started_again(self) -> None:
        self.clock = reopened(self.clock, self.now())

    @rule(up=st.integers(0, 5_000), held=st.integers(0, 20_000), down=st.integers(0, 5_000))
    def an_answer_comes(self, up: int, held: int, down: int) -> None:
        sent = self.now()
        segment = self.clock.peek(sent).segment
        self.passes(up + held)
        server = round(self.now().wall + self.truth(self.device))
        self.passes(down)
        now = self.now()
        self.clock.answered(sent=sent.wall, server=server, held=held, segment=segment, now=now)
        # Half the trip and rounding for the newest, which excludes the best by no more than both and the drift of a
        # quarter of an hour; an older segment's measure is older, by as much drift as there was.
        known = 2 * ((up + down) / 2 + 4) + 5_004 + SLACK_MS
        for number, device in self.segments.items():
            found = self.clock.offset(number)
            assert found is not None
            aged = SAMPLE_AGE_MS if number == segment else now.elapsed
            assert abs(found.ms - self.truth(device)) <= known + 2 * DRIFT * aged


Clocks.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestClocks = Clocks.TestCase
