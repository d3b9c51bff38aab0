"""What the lives of all simulated equipment share: things that happen in the order of time, and faults that come.

A scenario's effects grow from nothing to their full size while the fault is coming (its lead), stay while it is
active, and end with the service that clears it.
"""

import heapq
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from catalog.model import Model

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

E = TypeVar("E", bound=Struct)
"""The effects of a kind of equipment: numbers, of which 0 does nothing."""

NoticeState = Literal["active", "cleared", "event"]

Happening = Callable[[datetime], None]


class Agenda:
    """What is going to happen, by time; of two at the same time the one that was planned first."""

    def __init__(self) -> None:
        self._queue: list[tuple[datetime, int, Happening]] = []
        self._order = 0

    def add(self, at: datetime, happen: Happening) -> None:
        """Plan something."""
        self._order += 1
        heapq.heappush(self._queue, (at, self._order, happen))

    def due(self, now: datetime) -> Iterator[tuple[datetime, Happening]]:
        """What happens until `now`, in order; what is planned meanwhile takes its place among it."""
        while self._queue and self._queue[0][0] <= now:
            at, _, happen = heapq.heappop(self._queue)
            yield at, happen

    def next_at(self) -> datetime:
        """When something may happen next."""
        return self._queue[0][0]


class Scenario(Struct, Generic[E], frozen=True):
    """A fault with its precursors. `words`: what the maker writes behind the code; `lead_s`: how long it shows before;
    `lasts_s`: until it is mended; `stops`: no work is done meanwhile; `nominal`: what a detector says of itself;
    `weight`: how frequent."""

    code: str
    words: str
    lead_s: float
    lasts_s: float
    effects: E
    stops: bool = False
    nominal: bool = True
    weight: float = 1.0


class Episode(Struct, Generic[E], kw_only=True, eq=False):
    """A fault from its first sign to its end."""

    scenario: Scenario[E]
    begins: datetime
    strikes: datetime
    ends: datetime
    over: bool = False

    def share(self, at: datetime) -> float:
        """How much of its effects shows: the square of the lead's progress, so that it comes faster and faster."""
        if self.over:
            return 0.0
        lead = (self.strikes - self.begins).total_seconds()
        progress = 1.0 if lead <= 0 else (at - self.begins).total_seconds() / lead
        return min(1.0, max(0.0, progress)) ** 2

    def struck(self, at: datetime) -> bool:
        """Whether it is there, and no more only coming."""
        return not self.over and at >= self.strikes


def combined(none: E, shares: list[tuple[E, float]]) -> E:
    """The sum of effects, each at its share (0..1) of its full size; `none`: those of no fault."""
    if not shares:
        return none
    kind = type(none)
    return kind(
        **{
            name: sum(float(getattr(effects, name)) * share for effects, share in shares)
            for name in kind.__struct_fields__
        }
    )


class State(Protocol):
    """What equipment remembers while it is off. `active`: fault codes that were told as active and not as cleared."""

    at: datetime
    active: list[str]

    def settle(self, at: datetime) -> None:
        """Age until `at`."""


S = TypeVar("S", bound=State)
V = TypeVar("V")


class Life(Generic[S, V, E]):
    """Equipment with its state, what happens (events) and its faults. The same arguments and the same calls give the
    same events.

    `start`: aware, its zone a fixed offset; hours of the day are in it. `state`: faults that are active in it end at
    `start`. `scenarios`: the faults that break out by themselves, `faults_per_day` of them, by the dice `troubles`;
    `none`: the effects of no fault. `fault_scale`: their leads and durations against what their scenarios say, so that
    a demonstration needn't wait for days. `momentary`: codes of faults that are told once, and never as active.
    """

    def __init__(
        self,
        *,
        start: datetime,
        model: Model,
        state: S,
        scenarios: Mapping[str, Scenario[E]],
        none: E,
        troubles: random.Random,
        faults_per_day: float,
        fault_scale: float,
        momentary: Collection[str] = (),
    ) -> None:
        self.state = state
        self._model = model
        self._scenarios = scenarios
        self._none = none
        self._troubles = troubles
        self._faults_per_day = faults_per_day
        self._fault_scale = fault_scale
        self._momentary = momentary
        self._agenda = Agenda()
        self._events: list[V] = []
        self._episodes: list[Episode[E]] = []
        state.at = start
        for code in state.active:
            self._notice(start, code, "cleared", "after restart")
        state.active = []

    def step(self, now: datetime) -> list[V]:
        """What happened until `now`, in the order of time."""
        for at, happen in self._agenda.due(now):
            self.state.settle(at)
            happen(at)
        events, self._events = self._events, []
        return events

    def next_at(self) -> datetime:
        """When something may happen next."""
        return self._agenda.next_at()

    def inject(self, code: str, now: datetime, *, lead_s: float | None = None, lasts_s: float | None = None) -> bool:
        """Let the fault `code` come: it shows from `now`, is told `lead_s` later and ends after `lasts_s` more.

        None: as its scenario says. A code without a scenario comes without precursors. False, and nothing done, while
        the same fault is there already. Raises ValueError for a code that the model doesn't have. `step(now)` first.
        """
        if code not in self._model.faults:
            raise ValueError(f"{self._model.key} has no fault {code}")
        if any(episode.scenario.code == code for episode in self._episodes):
            return False
        scenario = self._scenarios.get(code) or Scenario(code, "", 0, 7200, self._none)
        strikes = now + timedelta(seconds=scenario.lead_s if lead_s is None else lead_s)
        ends = strikes + timedelta(seconds=scenario.lasts_s if lasts_s is None else lasts_s)
        episode = Episode(scenario=scenario, begins=now, strikes=strikes, ends=ends)
        self._episodes.append(episode)
        self._agenda.add(strikes, lambda at: self._strike(episode, at))
        self._agenda.add(ends, lambda at: self._end(episode, at))
        return True

    def service(self, now: datetime) -> None:
        """An engineer mends everything. Call `step(now)` first."""
        for episode in list(self._episodes):
            self._end(episode, now)

    def _notice(self, at: datetime, code: str, state: NoticeState, words: str) -> None:
        """Tell of a fault."""
        raise NotImplementedError

    def _turned(self, at: datetime) -> None:
        """A fault came or went."""

    def _mended(self, code: str) -> None:
        """What was exchanged or set right with a fault, at the time of the state."""
        raise NotImplementedError

    def _strike(self, episode: Episode[E], at: datetime) -> None:
        if episode.over:
            return
        scenario = episode.scenario
        state: NoticeState = "event" if scenario.code in self._momentary else "active"
        if state == "active":
            self.state.active.append(scenario.code)
        self._notice(at, scenario.code, state, scenario.words)
        self._turned(at)

    def _end(self, episode: Episode[E], at: datetime) -> None:
        if episode.over:
            return
        episode.over = True
        self._episodes.remove(episode)
        code = episode.scenario.code
        self._mended(code)
        if code in self.state.active:
            self.state.active.remove(code)
            self._notice(at, code, "cleared", "after service")
            self._turned(at)

    def _trouble(self, at: datetime) -> None:
        scenarios = list(self._scenarios.values())
        chosen = self._troubles.choices(scenarios, [scenario.weight for scenario in scenarios])[0]
        scale = self._fault_scale
        self.inject(chosen.code, at, lead_s=chosen.lead_s * scale, lasts_s=chosen.lasts_s * scale)
        self._plan_trouble(at)

    def _plan_trouble(self, at: datetime) -> None:
        if self._faults_per_day > 0:
            self._agenda.add(at + timedelta(days=self._troubles.expovariate(self._faults_per_day)), self._trouble)

    def _effects(self, at: datetime) -> E:
        return combined(self._none, [(episode.scenario.effects, episode.share(at)) for episode in self._episodes])

    def _stopped(self, at: datetime) -> bool:
        return any(episode.scenario.stops and episode.struck(at) for episode in self._episodes)
