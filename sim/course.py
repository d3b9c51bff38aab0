"""What the lives of all simulated equipment share: things that happen in the order of time, and faults that come."""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

S = TypeVar("S")
E = TypeVar("E", bound=Struct)

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


class Episode(Struct, Generic[S], kw_only=True, eq=False):
    """A fault from its first sign to its end."""

    scenario: S
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
