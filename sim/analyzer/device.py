"""A simulated analyzer at work: its life on the wall's clock, messages by the network, and the log of the HL7 one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import msgspec
from msgspec import Meta, Struct

from catalog.model import Model
from sim.analyzer.astm import AstmWriter
from sim.analyzer.courier import Courier
from sim.analyzer.dialogue import Dialogue
from sim.analyzer.e1381 import Transfer
from sim.analyzer.hl7 import Hl7Writer
from sim.analyzer.life import AnalyzerLife
from sim.analyzer.mllp import Exchange
from sim.analyzer.state import AnalyzerState
from sim.log import LogFile, going_on_when_full
from sim.pace import Pace, PlannedFault, first_moment

_SAVE_EVERY: Final = timedelta(seconds=1)
_LONGEST_WAIT_S: Final = 0.5


class AnalyzerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated analyzer.

    `host`, `port`: where the agent listens for it. `protocol`: "astm" (E1381 over TCP) or "hl7" (MLLP). `log`: the log
    file that the HL7 one writes, in `encoding`. `state`: a file that keeps its wear and unsent messages over a restart.
    The others: as of `sim.dr.DrConfig`.
    """

    name: str
    protocol: Literal["astm", "hl7"]
    port: Annotated[int, Meta(ge=1, le=65_535)]
    seed: int
    host: str = "127.0.0.1"
    model: str = "generic-analyzer"
    log: str | None = None
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    state: str | None = None
    speed: Annotated[float, Meta(gt=0, le=100_000)] = 1.0
    hour: Annotated[float, Meta(ge=0, lt=24)] | None = None
    faults_per_day: Annotated[float, Meta(ge=0)] = 0.02
    fault_scale: Annotated[float, Meta(gt=0)] = 1.0
    faults: tuple[PlannedFault, ...] = ()


class _Saved(Struct, kw_only=True):
    life: AnalyzerState
    waiting: list[str]
    """Messages that aren't acknowledged."""


class Analyzer:
    """The parts of one analyzer together, a context manager that closes its log. `now`: the wall's clock, aware local
    time.

    Raises OSError when the log can't be written or the state can't be read, ValueError for a state that isn't one, for
    a fault that the model doesn't have, and for an HL7 analyzer without a log.
    """

    def __init__(self, *, config: AnalyzerConfig, model: Model, now: Callable[[], datetime]) -> None:
        if config.protocol == "hl7" and config.log is None:
            raise ValueError(f"{config.name}: an analyzer that speaks HL7 needs a log file")
        self._config = config
        self._now = now
        self._state_file = None if config.state is None else Path(config.state)
        saved = self._load()
        wall = now()
        start = saved.life.at if saved is not None and config.hour is not None else first_moment(wall, config.hour)
        self.life = AnalyzerLife(
            seed=config.seed,
            start=start,
            model=model,
            state=None if saved is None else saved.life,
            faults_per_day=config.faults_per_day,
            fault_scale=config.fault_scale,
        )
        self._pace = Pace(wall=wall, simulated=start, speed=config.speed)
        for fault in config.faults:
            lasts = None if fault.lasts_s is None else fault.lasts_s * config.speed
            self.life.inject(fault.code, start, lead_s=fault.after_s * config.speed, lasts_s=lasts)
        self._saved_at = wall
        self._asked = threading.Event()
        self._writer = self._made_writer(model, wall)
        self.courier = Courier(
            host=config.host,
            port=config.port,
            dialogue=_dialogue(config.protocol),
            waiting=() if saved is None else (message.encode() for message in saved.waiting),
        )
        self._log = None if config.log is None else LogFile(path=Path(config.log), encoding=config.encoding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.close()

    def tick(self, wall: datetime) -> None:
        """Live until `wall`: queue the messages, log what happened."""
        for event in self.life.step(self._pace.simulated(wall)):
            at = self._pace.wall(event.at)
            for message in self._writer.messages(event, at=at):
                self.courier.add(message)
            if self._log is not None and isinstance(self._writer, Hl7Writer):
                self._log.write(self._writer.log(event, at=at))
        if self._asked.is_set():
            self._asked.clear()
            self.life.service(self._pace.simulated(wall))
        if wall - self._saved_at >= _SAVE_EVERY:
            self._saved_at = wall
            self._save()

    def mend(self) -> None:
        """An engineer is there: whatever is wrong ends with the next look. From any thread."""
        self._asked.set()

    def run(self, stop: threading.Event) -> None:
        """Live until `stop`. Raises OSError when the log or the state can't be written."""
        with ThreadPoolExecutor(1, thread_name_prefix=f"{self._config.name}-courier") as pool:
            sending = pool.submit(self.courier.run)
            try:
                while not (stop.is_set() or sending.done()):
                    wall = self._now()
                    self.tick(wall)
                    until_next = (self._pace.wall(self.life.next_at()) - wall).total_seconds()
                    stop.wait(min(_LONGEST_WAIT_S, max(0.005, until_next)))
            finally:
                self.courier.stop()
        sending.result()
        self._save()

    def _made_writer(self, model: Model, wall: datetime) -> AstmWriter | Hl7Writer:
        if self._config.protocol == "astm":
            return AstmWriter(model=model, seed=self._config.seed)
        # A control id is never given twice: not by another analyzer, and not by this one after a restart.
        first, number = f"{self._config.seed}-{int(wall.timestamp() * 1000):x}", 0

        def ids() -> str:
            nonlocal number
            number += 1
            return f"{first}-{number}"

        return Hl7Writer(model=model, seed=self._config.seed, ids=ids)

    def _load(self) -> _Saved | None:
        if self._state_file is None or not self._state_file.exists():
            return None
        try:
            return msgspec.json.decode(self._state_file.read_bytes(), type=_Saved)
        except msgspec.DecodeError as error:
            why = f"{self._state_file} is no state of an analyzer ({error}): remove it, and a new life begins"
            raise ValueError(why) from error

    def _save(self) -> None:
        if self._state_file is None:
            return
        saved = _Saved(life=self.life.state, waiting=[message.decode() for message in self.courier.waiting()])
        fresh = self._state_file.with_suffix(".new")
        with going_on_when_full():
            fresh.write_bytes(msgspec.json.encode(saved))
            fresh.replace(self._state_file)


def _dialogue(protocol: Literal["astm", "hl7"]) -> Callable[[bytes], Dialogue]:
    return Transfer if protocol == "astm" else Exchange
