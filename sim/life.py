"""The life of one simulated DR: pure, seeded, driven by the time that is passed in.

Everything is an entry in a queue ordered by time, so what happens doesn't depend on how often one looks.
"""

import math
import random
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from catalog.model import Model
from sim.course import Life, NoticeState
from sim.events import Event, Exposure, LogLine, Measured, Reason, Status, Step, StepStatus
from sim.faults import NONE, SCENARIOS, Effects
from sim.protocols import BUSIEST, PROTOCOLS, Protocol, dap, patients_per_hour
from sim.state import LifeState, newborn

CALIBRATION_DUE: Final = 20_000
"""Exposures after which a calibration is due (k)."""
TUBE_LIFE: Final = 150_000
"""Exposures that a tube is expected to last (k); later ones make arcs ever likelier."""
_INSPECTION: Final = timedelta(days=120)
_PANEL: Final = timedelta(seconds=300)
"""How often the panel reports itself."""
_DEFECTS: Final = 50
"""A growth of the defect map that the panel reports at once, and not only on the next day."""
_MOST_ARCS: Final = 15
"""Arcs of a day at which the generator locks itself."""
_ARC: Final = "GEN-ARC-01"
_ARCING: Final = "GEN-ARC-02"
_TUBE_OLD: Final = "TUB-AGE-01"
_DUE: Final = "DET-CAL-01"
_POWER_ON: Final = timedelta(hours=7)
_POWER_OFF: Final = timedelta(hours=21)
_ABORTED: Final = 0.004
"""Exposures that are aborted without any fault: somebody let go of the switch."""
_REJECTED: Final = 0.08
"""Exposures whose image is rejected at the console and taken again (k; published rates are 3 to 12 %)."""
_REFUSED: Final = 0.015
"""Studies that end early because of the patient, before the first exposure or behind one."""
_DOUBTFUL: Final = 0.6
"""Share of a fault's full size from which the detector says that it isn't nominal."""
_DONE: Final = timedelta(seconds=25)
"""From a study's last exposure to the end of its performed procedure step: looked at, and closed."""
_GAP: Final = timedelta(seconds=20)
"""The least time between two exposures: image, next position."""


class _Study(Struct, eq=False):
    """A patient's: ``left``: exposures that are still planned, ``reason``: why it will be broken off."""

    patient: int
    thickness: float
    left: int = 0
    reason: Reason | None = None


class DrLife(Life[LifeState, Event, Effects]):
    """A DR from `start` on, or of an earlier life to go on from (`state`): see `sim.course.Life`."""

    def __init__(
        self,
        *,
        seed: int,
        start: datetime,
        model: Model,
        state: LifeState | None = None,
        faults_per_day: float = 0.02,
        fault_scale: float = 1.0,
    ) -> None:
        chance = random.Random(f"{seed}/life")
        state = newborn(chance, start) if state is None else state
        self._busy = chance.uniform(0.7, 1.1)
        # Each matter has dice of its own: a fault on demand must not change who comes when. What was exposed before
        # counts, else a life that goes on would repeat itself.
        self._arrivals, self._technique, troubles = (
            random.Random(f"{seed}/{matter}/{state.total}") for matter in ("arrivals", "technique", "troubles")
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
            momentary={code for code, fault in model.faults.items() if fault.clear and fault.clear.after_s is not None},
        )
        self._free_at = start
        self._defects = state.defects
        for patient in state.steps:
            self._events.append(Step(at=start, patient=patient, status="DISCONTINUED", reason="unknown"))
        state.steps = []
        self._seed = seed
        self._plan_arrival(start)
        self._plan_power(start)
        self._agenda.add(start, self._report_panel)
        self._agenda.add(_midnight(start), self._new_day)
        self._agenda.add(_midnight(start) + timedelta(days=chance.uniform(5, 120), hours=17), self._inspect)
        self._plan_trouble(start)

    def service(self, now: datetime) -> None:
        """An engineer mends everything and calibrates the detector. Call `step(now)` first."""
        super().service(now)
        self._calibrate(now)

    # What happens ------------------------------------------------------------------------------------------------

    def _arrive(self, at: datetime) -> None:
        self._plan_arrival(at)
        dice = self._arrivals
        if dice.random() * BUSIEST > patients_per_hour(at):
            return
        self.state.patients += 1
        study = _Study(self.state.patients, dice.lognormvariate(0.0, 0.18))
        first = dice.choices(PROTOCOLS, [protocol.weight for protocol in PROTOCOLS])[0]
        others = [p for p in PROTOCOLS if p.part == first.part and p is not first]
        wanted = [first, *(p for p in others if dice.random() < (0.2 if first.part == "CHEST" else 0.7))]
        when = max(at, self._free_at)
        self._agenda.add(when, lambda now: self._begin(study, now))
        own = random.Random(f"{self._seed}/study/{study.patient}")
        stays = len(wanted)
        if own.random() < _REFUSED:
            stays, study.reason = own.randrange(len(wanted)), "patient"
        for number, protocol in enumerate(wanted):
            when += timedelta(seconds=dice.uniform(30, 80))
            rejected = own.random() < _REJECTED
            if number < stays:
                self._plan_exposure(when, protocol, study, rejected=rejected)
        if not study.left:
            self._agenda.add(when, lambda now: self._finish(study, now))
        self._free_at = when + _GAP

    def _begin(self, study: _Study, at: datetime) -> None:
        if not self._stopped(at):  # nobody begins a study with equipment that is down
            self.state.steps.append(study.patient)
            self._events.append(Step(at=at, patient=study.patient, status="IN PROGRESS"))

    def _finish(self, study: _Study, at: datetime) -> None:
        if study.patient in self.state.steps:
            self.state.steps.remove(study.patient)
            status: StepStatus = "COMPLETED" if study.reason is None else "DISCONTINUED"
            self._events.append(Step(at=at, patient=study.patient, status=status, reason=study.reason))

    def _expose(self, at: datetime, protocol: Protocol, study: _Study, *, rejected: bool) -> None:
        study.left -= 1
        if self._stopped(at):
            study.reason = "equipment"
        else:
            self._taken(at, protocol, study, rejected=rejected)
        if not study.left:
            self._agenda.add(at + _DONE, lambda now: self._finish(study, now))

    def _taken(self, at: datetime, protocol: Protocol, study: _Study, *, rejected: bool) -> None:
        dice = self._technique
        effects = self._effects(at)
        exposure = self._technique_of(at, protocol, study, effects, rejected=rejected)
        self._events.append(exposure)
        self._status(at, "tube.heat", min(150.0, round(self.state.heat_percent + effects.heat, 1)))
        self._status(at, "tube.exposures_total", self.state.tube_exposures)
        arcs = 0.0015 * (1 + (self.state.tube_exposures / 120_000) ** 4) + effects.arcs
        if dice.random() < 1 - math.exp(-arcs):
            self.state.arcs += 1
            self._notice(at, _ARC, "event", "arc detected, retried")
            self._status(at, "generator.arcs", self.state.arcs)
            if self.state.arcs == _MOST_ARCS:
                self.inject(_ARCING, at, lead_s=0)
        if exposure.aborted or exposure.rejected:
            again = at + timedelta(seconds=dice.uniform(30, 60))
            self._plan_exposure(again, protocol, study, rejected=rejected and exposure.aborted)
        if self.state.since_calibration == CALIBRATION_DUE:
            self.inject(_DUE, at, lasts_s=3 * 86_400)
        if self.state.tube_exposures == TUBE_LIFE:
            self.inject(_TUBE_OLD, at, lasts_s=30 * 86_400)

    def _technique_of(
        self, at: datetime, protocol: Protocol, study: _Study, effects: Effects, *, rejected: bool
    ) -> Exposure:
        dice, state = self._technique, self.state
        kv_factor = min(1.2, max(0.7, 1 + effects.kv + dice.gauss(0, 0.003 + effects.kv_spread)))
        ma_factor = min(1.5, max(0.3, 1 + effects.ma + dice.gauss(0, 0.005 + effects.ma_spread)))
        output = max(0.2, 1 + effects.output)
        mas = max(1.0, dice.uniform(*protocol.mas) * study.thickness)
        # At the detector: mAs times output times kV to the power 3.5 (behind a patient; general knowledge).
        dose = kv_factor**3.5 * output
        if protocol.automatic:
            wanted = min(1 / dose, 1.6)  # the control exposes longer, until its backup limit
            mas *= wanted
            dose *= wanted
        else:
            mas *= ma_factor
            dose *= ma_factor
        aborted = dice.random() < _ABORTED + effects.aborted
        if aborted:
            part = dice.uniform(0.15, 0.7)
            mas, dose = max(1.0, mas * part), dose * part
        kv, ma = protocol.kv * kv_factor, protocol.ma * ma_factor
        sensitivity = state.sensitivity_now * max(0.1, 1 + effects.sensitivity)
        spread = (0.7 if protocol.automatic else 1.3) + effects.deviation_spread
        deviation = 10 * math.log10(dose * max(0.1, 1 + effects.sensitivity)) + effects.deviation
        deviation = min(30.0, max(-30.0, deviation + dice.gauss(0, spread)))
        index = round(protocol.target * 10 ** (deviation / 10), 1)
        since = max(1.0, (at - state.last_exposure_at).total_seconds())
        ms = 1000 * mas / ma
        state.expose(kv=kv, mas=mas, at=at)
        doubts = [e.scenario.words for e in self._episodes if not e.scenario.nominal and e.share(at) >= _DOUBTFUL]
        return Exposure(
            at=at,
            number=state.total,
            since_calibration=state.since_calibration,
            calibrated_at=state.calibrated_at,
            protocol=protocol,
            patient=study.patient,
            automatic=protocol.automatic,
            aborted=aborted,
            kv=round(kv, 1),
            ma=round(ma, 1),
            ms=round(ms, 2),
            mas=round(mas, 3),
            dap=round(dap(protocol, kv=kv, mas=mas * output) * max(0.2, 1 + effects.dap), 4),
            exposure_index=index,
            target_index=protocol.target,
            deviation_index=round(10 * math.log10(index / protocol.target), 2),
            temperature=round(state.panel + effects.temperature + dice.gauss(0, 0.1), 1),
            sensitivity=round(sensitivity, 2),
            since_last_s=round(since, 1),
            active_ms=round((420 + ms + dice.uniform(0, 60)) * max(0.5, 1 + effects.active), 1),
            nominal=not doubts,
            why="; ".join(doubts),
            rejected=rejected and not aborted,
        )

    def _notice(self, at: datetime, code: str, state: NoticeState, words: str) -> None:
        self._events.append(LogLine(at=at, code=code, state=state, words=words))

    def _mended(self, code: str) -> None:
        if code == _DUE:
            self._calibrate(self.state.at)
        elif code == _TUBE_OLD or (code == _ARCING and self.state.tube_exposures > TUBE_LIFE):
            self.state.tube_exposures = 0  # a new tube
            self.state.arcs = 0

    def _calibrate(self, at: datetime) -> None:
        self.state.since_calibration = 0
        self.state.calibrated_at = at.replace(microsecond=0)

    def _inspect(self, at: datetime) -> None:
        self.service(at)
        self._agenda.add(at + _INSPECTION, self._inspect)

    def _report_panel(self, at: datetime) -> None:
        state = self.state
        if state.powered:
            state.battery -= 0.45
            if state.battery < 30:
                state.battery = 97.0  # swapped for a full one
            effects = self._effects(at)
            self._status(at, "detector.battery", max(0, math.floor(state.battery * (1 + effects.battery))))
            if abs(state.defects + round(effects.defects) - self._defects) >= _DEFECTS:
                self._report_defects(at)
        else:
            state.battery = min(100.0, state.battery + 4.0)  # in the charger
        self._agenda.add(at + _PANEL, self._report_panel)

    def _report_defects(self, at: datetime) -> None:
        self._defects = self.state.defects + round(self._effects(at).defects)
        self._status(at, "detector.defect_pixels", self._defects)

    def _new_day(self, at: datetime) -> None:
        state = self.state
        state.arcs = 0
        if self._technique.random() < 0.3:
            state.defects += 1
        self._status(at, "generator.arcs", 0)
        self._report_defects(at)
        self._agenda.add(_midnight(at), self._new_day)

    def _switch(self, at: datetime, *, on: bool) -> None:
        self.state.powered = on
        self._plan_power(at)

    # What is planned ---------------------------------------------------------------------------------------------

    def _plan_arrival(self, at: datetime) -> None:
        hours = self._arrivals.expovariate(BUSIEST * self._busy)
        self._agenda.add(at + timedelta(hours=hours), self._arrive)

    def _plan_exposure(self, at: datetime, protocol: Protocol, study: _Study, *, rejected: bool) -> None:
        study.left += 1
        self._agenda.add(at, lambda now: self._expose(now, protocol, study, rejected=rejected))

    def _plan_power(self, at: datetime) -> None:
        day = _midnight(at) - timedelta(days=1)
        on = not self.state.powered
        clock = day + (_POWER_ON if on else _POWER_OFF)
        self._agenda.add(clock if clock > at else clock + timedelta(days=1), lambda now: self._switch(now, on=on))

    def _status(self, at: datetime, name: Measured, value: float) -> None:
        self._events.append(Status(at=at, name=name, value=value))


def _midnight(at: datetime) -> datetime:
    """The end of the day of `at`."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
