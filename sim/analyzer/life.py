"""The life of one simulated analyzer: pure, seeded, driven by the time that is passed in; see `sim.life`."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from catalog.model import Model
from sim.analyzer.events import (
    Condition,
    Control,
    ControlResult,
    Event,
    Flag,
    Level,
    Measured,
    Notice,
    Result,
    Sample,
    State,
    Stock,
)
from sim.analyzer.faults import NONE, SCENARIOS, Effects
from sim.analyzer.menu import BUSIEST, MENU, MenuItem, samples_per_hour
from sim.analyzer.state import CL_SLOPE, K_SLOPE, NA_SLOPE, AnalyzerState, fresh_bottle, newborn
from sim.course import Life, NoticeState

_QUICK: Final = timedelta(minutes=2)
_SLOW: Final = timedelta(minutes=20)
_REMIND: Final = timedelta(hours=1)
"""How often it tells again what is still wrong, what it is doing, and what is on board."""
_IDLE: Final = timedelta(minutes=15)
_ISE: Final = timedelta(hours=8)
_SHIFTS: Final = (timedelta(hours=6, minutes=50), timedelta(hours=14, minutes=30), timedelta(hours=22, minutes=30))
_ROUNDS: Final = (timedelta(hours=6, minutes=40), timedelta(hours=14))
"""When the staff replaces what runs out."""
_WEEKLY: Final = timedelta(hours=15)
"""On Sundays: cuvettes are washed, tests are calibrated."""
_TURNAROUND: Final = timedelta(minutes=9)
_SHORT: Final = 0.08
_REPLACED: Final = 0.3
"""Shares of a bottle at which it is told to be short, and at which a round replaces it."""
_LAMP_DEAD: Final = 60.0
_ENZYME: Final = 1.6
"""Standard deviations of a control by which an enzyme's result moves, a tenth of a Cel: 6 to 10 % a Cel (k)."""
_LEVELS: Final[dict[str, Level]] = {"critical": "C", "major": "S", "minor": "W", "warning": "W"}
_WORST_FIRST: Final[tuple[Level, ...]] = ("C", "S", "W")


class AnalyzerLife(Life[AnalyzerState, Event, Effects]):
    """An analyzer from `start` on, or of an earlier life to go on from (`state`): see `sim.course.Life`."""

    def __init__(
        self,
        *,
        seed: int,
        start: datetime,
        model: Model,
        state: AnalyzerState | None = None,
        faults_per_day: float = 0.02,
        fault_scale: float = 1.0,
    ) -> None:
        chance = random.Random(f"{seed}/analyzer")
        state = newborn(chance, start) if state is None else state
        self._busy = chance.uniform(0.7, 1.1)
        # Each matter has dice of its own, and what was measured before counts: see DrLife.
        self._arrivals, self._chemistry, troubles, self._body = (
            random.Random(f"{seed}/{matter}/{state.tests}") for matter in ("samples", "chemistry", "troubles", "body")
        )
        super().__init__(
            start=start,
            model=model,
            state=state,
            scenarios=SCENARIOS,
            none=NONE,
            troubles=troubles,
            faults_per_day=faults_per_day,
            fault_scale=fault_scale,
        )
        self._condition: tuple[State, Level] | None = None
        self._worked_at = start - _IDLE
        self._every(start, _REMIND, self._remind)
        self._every(start, _QUICK, self._quick)
        self._every(start, _SLOW, self._slow)
        self._every(start, _ISE, self._check)
        for clock in _SHIFTS:
            self._daily(start, clock, self._controls)
        for clock in _ROUNDS:
            self._daily(start, clock, self._round)
        self._daily(start, timedelta(), self._new_day)
        self._daily(start, _WEEKLY, self._maintain)
        # A newcomer needn't wait for the next shift.
        self._agenda.add(start + timedelta(minutes=3), self._controls)
        self._plan_arrival(start)
        self._plan_trouble(start)

    def service(self, now: datetime) -> None:
        """An engineer mends everything, cleans, calibrates and refills. Call `step(now)` first."""
        super().service(now)
        self.state.drift = 0.0
        self.state.blank, self.state.masked = 0.03, 0
        self._round(now)

    # Samples and controls ----------------------------------------------------------------------------------------

    def _arrive(self, at: datetime) -> None:
        self._plan_arrival(at)
        dice = self._arrivals
        if dice.random() * BUSIEST > samples_per_hour(at):
            return
        self.state.patients += 1
        patient = self.state.patients
        wanted = [test for test in MENU if dice.random() < test.weight]
        self._agenda.add(at + _TURNAROUND, lambda now: self._measure(now, patient, wanted))

    def _measure(self, at: datetime, patient: int, wanted: list[MenuItem]) -> None:
        if self._stopped(at):
            return
        dice, state, effects = self._chemistry, self.state, self._effects(at)
        self._worked_at = at
        state.waste = min(99.0, state.waste + 0.08)
        for name in ("DET", "CD80"):
            self._portion(name, at)
        code = self._mishap(effects)
        if code is not None:
            self._events.append(Sample(at=at, patient=patient, codes=(code,), results=()))
            return
        done = [test for test in wanted if self._portion(test.name if test.bottle else "ISE", at)]
        state.tests += len(done)
        state.syringe_cycles += len(done)
        results = tuple(_result(dice, test) for test in done)
        if results:
            self._events.append(Sample(at=at, patient=patient, codes=(), results=results))

    def _mishap(self, effects: Effects) -> str | None:
        dice, state = self._chemistry, self.state
        for code, probability in (
            ("PRB-CLT-01", 0.003 + effects.clots),
            ("PRB-LVL-02", 0.004 + effects.shorts),
            ("BAR-SMP-01", 0.002 + effects.unread),
        ):
            if dice.random() < probability:
                state.clots += code == "PRB-CLT-01"
                state.shorts += code == "PRB-LVL-02"
                return code
        return None

    def _portion(self, name: str, at: datetime) -> bool:
        """Takes a portion of a reagent, and tells what there is to tell of it, once a bottle."""
        bottle = self.state.bottles[name]
        taken = self.state.use(name, at)
        code = None
        if not bottle.fit(at):
            code = "RGT-EXP-01"
        elif bottle.left < _SHORT * bottle.tests:
            code = "DTG-SHT-01" if name in ("DET", "CD80") else "RGT-SHT-01"
        if code is not None and not bottle.told:
            bottle.told = True
            self._notice(at, code, "event", name)
        if not taken and bottle.left == 0 and bottle.fit(at):
            bottle.left = -1
            self._notice(at, "RGT-EMP-01", "event", name)
        return taken

    def _controls(self, at: datetime) -> None:
        if self._stopped(at):
            return
        for level in (1, 2):
            results = tuple(self._control(at, test, level) for test in MENU)
            self._events.append(Control(at=at, level=level, results=results))

    def _control(self, at: datetime, test: MenuItem, level: int) -> ControlResult:
        state, effects = self.state, self._effects(at)
        target, deviation = test.controls[level - 1]
        score = self._chemistry.gauss(0, 0.8 + effects.imprecision) + state.drift + effects.bias
        if test.enzyme:
            score += _ENZYME * 10 * (state.bath + effects.bath)
        return ControlResult(
            test=test.name,
            value=round(max(0.01, target + score * deviation), 3),
            target=target,
            deviation=deviation,
            unit=test.unit,
            codes=("QCF-OUT-01",) if abs(score) > 3 else (),
        )

    # What it measures of itself ----------------------------------------------------------------------------------

    def _quick(self, at: datetime) -> None:
        dice, state, effects = self._body, self.state, self._effects(at)
        state.bath = 0.8 * state.bath + dice.gauss(0, 0.018)
        bath = 37.0 + state.bath + effects.bath + dice.gauss(0, 0.004 + effects.bath_spread)
        self._tell(at, ("bath.temperature", min(79.0, bath), 3))
        self._turned(at)

    def _slow(self, at: datetime) -> None:
        dice, state, effects = self._body, self.state, self._effects(at)
        lamp = max(0.0, state.lamp_energy + effects.lamp + dice.gauss(0, 0.1))
        self._tell(
            at,
            ("photometer.lamp_energy", lamp, 2),
            ("photometer.lamp_hours", state.lamp_hours, 0),
            ("cooler.temperature", 5.0 + effects.cooler + dice.gauss(0, 0.3), 1),
            ("water.conductivity", max(0.01, state.conductivity + effects.conductivity + dice.gauss(0, 0.01)), 3),
            ("water.pressure", max(0.0, 180 * (1 + effects.pressure) + dice.gauss(0, 2)), 1),
            ("waste.level", min(100.0, state.waste + effects.waste), 0),
            ("vacuum.pressure", min(0.0, -72 + effects.vacuum + dice.gauss(0, 0.6)), 1),
            ("probe.clots", state.clots, 0),
            ("probe.shorts", state.shorts, 0),
            ("syringe.cycles", state.syringe_cycles, 0),
            ("tests.total", state.tests, 0),
        )
        if lamp < _LAMP_DEAD and not self._troubled("PHO-LMP"):
            self.inject("PHO-LMP-01", at, lead_s=0)

    def _check(self, at: datetime) -> None:
        """Blanks, dark reading and the calibration of the ISE module."""
        dice, state, effects = self._body, self.state, self._effects(at)
        share = state.slope_share + effects.slope
        self._tell(
            at,
            ("photometer.dark", dice.gauss(12, 1.5), 0),
            ("cuvette.blank", max(0.0, state.blank + effects.blank + dice.gauss(0, 0.002)), 4),
            ("cuvette.masked", state.masked + round(effects.masked), 0),
            ("ise.na.slope", NA_SLOPE * share + dice.gauss(0, 0.15), 2),
            ("ise.k.slope", K_SLOPE * share + dice.gauss(0, 0.15), 2),
            ("ise.cl.slope", CL_SLOPE * share + dice.gauss(0, 0.15), 2),
        )

    def _remind(self, at: datetime) -> None:
        for code in self.state.active:
            self._notice(at, code, "active", "still there")
        self._events.append(Stock(at=at, supplies=self.state.supplies()))
        self._condition = None
        self._turned(at)

    def _turned(self, at: datetime) -> None:
        """Tells what it is doing and how worried it is, when that changed."""
        state: State = "OP" if at - self._worked_at < _IDLE else "ID"
        if self._stopped(at):
            state = "PA"
        levels = {self._level(code) for code in self.state.active}
        level: Level = next((one for one in _WORST_FIRST if one in levels), "N")
        if self._condition != (state, level):
            self._condition = state, level
            self._events.append(Condition(at=at, state=state, level=level))

    # The staff, the engineer and what breaks -----------------------------------------------------------------------

    def _round(self, at: datetime) -> None:
        for name, bottle in self.state.bottles.items():
            if bottle.left < _REPLACED * bottle.tests or not bottle.fit(at):
                self.state.bottles[name] = fresh_bottle(self._body, bottle.tests, at)
        if self.state.waste > 40:
            self.state.waste = 3.0
        self._events.append(Stock(at=at, supplies=self.state.supplies()))

    def _new_day(self, _: datetime) -> None:
        state = self.state
        state.clots = state.shorts = 0
        state.drift += self._body.gauss(0, 0.1)
        state.blank += self._body.uniform(0, 0.002)

    def _maintain(self, at: datetime) -> None:
        if at.weekday() == 6:
            self.state.drift = 0.0
            self.state.blank = max(0.03, self.state.blank - 0.02)

    def _mended(self, code: str) -> None:
        state = self.state
        match code[:7]:
            case "PHO-LMP":
                state.lamp_hours = 0.0
            case "CUV-BLK":
                state.blank, state.masked = 0.03, 0
            case "ISE-SLP":
                state.electrode_days = 0.0
            case "WTR-CON":
                state.conductivity = 0.1
            case _:
                pass  # mended without anything new

    # What is planned ---------------------------------------------------------------------------------------------

    def _every(self, at: datetime, period: timedelta, happen: Callable[[datetime], None]) -> None:
        def again(now: datetime) -> None:
            happen(now)
            self._agenda.add(now + period, again)

        self._agenda.add(at, again)

    def _daily(self, start: datetime, clock: timedelta, happen: Callable[[datetime], None]) -> None:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight + clock
        self._every(first if first > start else first + timedelta(days=1), timedelta(days=1), happen)

    def _plan_arrival(self, at: datetime) -> None:
        self._agenda.add(at + timedelta(hours=self._arrivals.expovariate(BUSIEST * self._busy)), self._arrive)

    def _tell(self, at: datetime, *values: tuple[str, float, int]) -> None:
        self._events.append(
            Measured(at=at, values=tuple((name, round(value, digits)) for name, value, digits in values))
        )

    def _notice(self, at: datetime, code: str, state: NoticeState, words: str) -> None:
        level = "N" if state == "cleared" else self._level(code)
        self._events.append(Notice(at=at, code=code, state=state, words=words, level=level))

    def _level(self, code: str) -> Level:
        fault = self._model.faults.get(code)
        return "W" if fault is None else _LEVELS[fault.severity]

    def _troubled(self, prefix: str) -> bool:
        return any(episode.scenario.code.startswith(prefix) for episode in self._episodes)


def _result(dice: random.Random, test: MenuItem) -> Result:
    mean, deviation = test.usual
    value = round(max(mean / 10, dice.gauss(mean, deviation)), 2)
    beyond = (value - mean) / deviation
    flag: Flag = "H" if beyond > 2 else "L" if beyond < -2 else "N"
    return Result(test=test.name, value=value, unit=test.unit, flag=flag, readings=_curve(dice))


def _curve(dice: random.Random) -> tuple[int, ...]:
    """A reaction as the photometer sees it, counts: two readings before the sample is in, then a rise."""
    start, height = round(dice.gauss(-20, 3)), dice.uniform(40, 260)
    rise = [round(start + height * (1 - 0.93**step) + dice.gauss(0, 1)) for step in range(1, 61)]
    return (start, start, *rise)
