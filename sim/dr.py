"""A simulated DR at work: its life on the wall's clock, images, performed procedure steps and dose reports by the
network, faults in the log."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta, Struct, field
from pydicom.dataset import Dataset

from catalog.model import Model
from sim.events import Exposure, Step
from sim.image import identity, image, uid
from sim.life import DrLife
from sim.log import LogFile, going_on_when_full, lines
from sim.pace import Pace, PlannedFault, first_moment
from sim.pending import Pending, ReportPending, StepPending, Study, Waiting
from sim.report import report
from sim.sender import Sender
from sim.state import LifeState
from sim.steps import attributes

_SAVE_EVERY: Final = timedelta(seconds=1)
_LONGEST_WAIT_S: Final = 0.5


class DrConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated DR.

    `host`, `port`, `called`, `calling`: the agent's storage SCP and the AE titles. `log`: its log file. `state`: a file
    that keeps its counters and what is unsent over a restart. `speed`: simulated seconds per second. `hour`: local time
    of the day at which its life begins; None: the wall's, also when it goes on after a restart. `faults_per_day`,
    `fault_scale`: as `DrLife` takes them. `keep`: whether one association serves many images.
    """

    name: str
    port: Annotated[int, Meta(ge=1, le=65_535)]
    log: str
    seed: int
    host: str = "127.0.0.1"
    called: str = "STETH"
    calling: str = "SIMDR"
    model: str = "generic-dr"
    state: str | None = None
    speed: Annotated[float, Meta(gt=0, le=100_000)] = 1.0
    hour: Annotated[float, Meta(ge=0, lt=24)] | None = None
    faults_per_day: Annotated[float, Meta(ge=0)] = 0.02
    fault_scale: Annotated[float, Meta(gt=0)] = 1.0
    faults: tuple[PlannedFault, ...] = ()
    keep: bool = True


class _Saved(Struct, kw_only=True):
    life: LifeState
    calibrated_at: datetime
    """What the equipment's clock showed at `life.calibrated_at`."""
    waiting: list[Waiting] = field(name="queue", default_factory=list)
    studies: list[Study] = []
    """Those that have begun and not ended."""
    last: ReportPending | None = None
    """The dose report that was made last."""


class Dr:
    """The parts of one DR together, a context manager that closes its log. `now`: the wall's clock, aware local time.

    Raises OSError when the log can't be written or the state can't be read, ValueError for a state that isn't one and
    for a fault that the model doesn't have.
    """

    def __init__(self, *, config: DrConfig, model: Model, now: Callable[[], datetime]) -> None:
        self._config = config
        self._now = now
        self._identity = identity(config.seed)
        self._state_file = None if config.state is None else Path(config.state)
        saved = self._load()
        wall = now()
        start = saved.life.at if saved is not None and config.hour is not None else first_moment(wall, config.hour)
        self.life = DrLife(
            seed=config.seed,
            start=start,
            model=model,
            state=None if saved is None else saved.life,
            faults_per_day=config.faults_per_day,
            fault_scale=config.fault_scale,
        )
        self._pace = Pace(wall=wall, simulated=start, speed=config.speed)
        self._calibrated = (
            self.life.state.calibrated_at,
            self._pace.wall(self.life.state.calibrated_at) if saved is None else saved.calibrated_at,
        )
        for fault in config.faults:
            lasts = None if fault.lasts_s is None else fault.lasts_s * config.speed
            self.life.inject(fault.code, start, lead_s=fault.after_s * config.speed, lasts_s=lasts)
        self._saved_at = wall
        self._asked = threading.Event()
        self.sender = Sender(
            host=config.host,
            port=config.port,
            called=config.called,
            calling=config.calling,
            make=self._make,
            keep=config.keep,
            waiting=() if saved is None else saved.waiting,
        )
        self._studies = {} if saved is None else {study.patient: study for study in saved.studies}
        self._report = None if saved is None else saved.last
        if self._report is not None:  # some make the last one anew when they start: its events are the same
            self._tell(msgspec.structs.replace(self._report, at=wall, number=self._report.number + 1))
        self._log = LogFile(path=Path(config.log))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def tick(self, wall: datetime) -> None:
        """Live until `wall`: log what happened, queue what is to be sent."""
        for event in self.life.step(self._pace.simulated(wall)):
            at = self._pace.wall(event.at)
            self._log.write(lines(event, at=at, seed=self._config.seed))
            if isinstance(event, Exposure):
                self._exposed(Pending(exposure=event, at=at, calibrated_at=self._calibration(event.calibrated_at)))
            elif isinstance(event, Step):
                self._stepped(event, at)
        if self._asked.is_set():
            self._asked.clear()
            self.life.service(self._pace.simulated(wall))
        if wall - self._saved_at >= _SAVE_EVERY:
            self._saved_at = wall
            self.save()

    def mend(self) -> None:
        """An engineer is there: whatever is wrong ends with the next look. From any thread."""
        self._asked.set()

    def run(self, stop: threading.Event) -> None:
        """Live until `stop`. Raises OSError when the log or the state can't be written."""
        with ThreadPoolExecutor(1, thread_name_prefix=f"{self._config.name}-sender") as pool:
            sending = pool.submit(self.sender.run)
            try:
                while not (stop.is_set() or sending.done()):
                    wall = self._now()
                    self.tick(wall)
                    until_next = (self._pace.wall(self.life.next_at()) - wall).total_seconds()
                    stop.wait(min(_LONGEST_WAIT_S, max(0.005, until_next)))
            finally:
                self.sender.stop()
        sending.result()
        self.save()

    def _exposed(self, pending: Pending) -> None:
        study = self._studies.get(pending.exposure.patient)
        if study is not None:
            study.exposures.append(pending)
        if not pending.exposure.rejected:
            self.sender.add(pending)

    def _stepped(self, step: Step, at: datetime) -> None:
        if step.status == "IN PROGRESS":
            instance = str(uid(self._identity.serial, "step", step.patient, at))
            study = self._studies[step.patient] = Study(patient=step.patient, instance=instance, began=at)
            self.sender.add(StepPending(study=study, at=at, status=step.status))
        elif (ended := self._studies.pop(step.patient, None)) is not None:
            self.sender.add(StepPending(study=ended, at=at, status=step.status, reason=step.reason))
            if ended.exposures:
                self._tell(ReportPending(study=ended, at=at))

    def _tell(self, pending: ReportPending) -> None:
        self._report = pending
        self.sender.add(pending)

    def _make(self, pending: Waiting) -> Dataset:
        match pending:
            case Pending(exposure=exposure, at=at, calibrated_at=calibrated_at):
                return image(exposure, identity=self._identity, at=at, calibrated_at=calibrated_at)
            case StepPending():
                return attributes(pending, identity=self._identity)
            case ReportPending():
                return report(pending, identity=self._identity)

    def _calibration(self, simulated: datetime) -> datetime:
        if self._calibrated[0] != simulated:
            self._calibrated = (simulated, self._pace.wall(simulated))
        return self._calibrated[1]

    def _load(self) -> _Saved | None:
        if self._state_file is None or not self._state_file.exists():
            return None
        try:
            return msgspec.json.decode(self._state_file.read_bytes(), type=_Saved)
        except msgspec.DecodeError as error:
            why = f"{self._state_file} is no state of a DR ({error}): remove it, and a new life begins"
            raise ValueError(why) from error

    def save(self) -> None:
        """Keep over a restart what it remembers; on a full disk the next time. Raises OSError."""
        if self._state_file is None:
            return
        saved = _Saved(
            life=self.life.state,
            calibrated_at=self._calibration(self.life.state.calibrated_at),
            waiting=self.sender.waiting(),
            studies=list(self._studies.values()),
            last=self._report,
        )
        fresh = self._state_file.with_suffix(".new")
        with going_on_when_full():
            fresh.write_bytes(msgspec.json.encode(saved))
            fresh.replace(self._state_file)
