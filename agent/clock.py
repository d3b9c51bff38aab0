"""The device's clock against the server's: offset by round trip, and steps (delivery 16, ADR 0017).

*Offset* is the server's clock less the device's (ms): what ingest adds to a device's time. A *segment* is a piece of
the device's clock between two steps. *Elapsed* is a clock of the machine that no one sets and that goes on in sleep.
All pure but for a lock: readings of clocks are passed in.

A measure is true within its uncertainty as long as the clocks only drift. So two that exclude one another tell that the
server's clock was set in between (the device's own steps are seen): the newer one counts, and the older ones are
forgotten, whatever their uncertainty, also those of segments before.
"""

import threading
from collections import deque
from typing import Any, Final

from msgspec import Struct, structs

STEP_MS: Final = 1_000
"""A jump of wall time against elapsed time from here on is a step; NTP slews by 0.5 ms a second at most."""
SAMPLES: Final = 32
SAMPLE_AGE_MS: Final = 900_000
DRIFT: Final = 500e-6
"""How fast two clocks may part that nobody sets: adjtime(3) slews by 500 ppm at most, quartz is off by 100."""
SLACK_MS: Final = 100.0
"""Measures that exclude one another by less are no sign of anything; ingest leaves offsets below 500 ms alone."""


class Now(Struct, frozen=True, kw_only=True):
    """Both clocks at one moment: ``wall`` ms since 1970 UTC, ``elapsed`` ms."""

    wall: int
    elapsed: int


class Offset(Struct, frozen=True, kw_only=True):
    """Server less device, ms, true within ± ``uncertainty`` ms."""

    ms: float
    uncertainty: float

    def excludes(self, other: "Offset", *, apart_ms: int) -> bool:
        """Whether no drift explains both; they were measured ``apart_ms`` of elapsed time from one another."""
        room = self.uncertainty + other.uncertainty + DRIFT * abs(apart_ms) + SLACK_MS
        return abs(self.ms - other.ms) > room


class Segment(Struct, frozen=True, kw_only=True):
    """``base``: wall less elapsed when last looked at. ``machine``: names the boot of the machine whose elapsed time
    this is; None: unknown. ``step``: how far the clock jumped from the segment before to this one; None: unknown (the
    machine was off between). ``offset``: measured in this segment, at ``measured`` of elapsed time (None: unknown)."""

    number: int
    base: int
    machine: str | None
    step: int | None = None
    offset: Offset | None = None
    measured: int | None = None


class Step(Struct, frozen=True, kw_only=True):
    """A new segment began; ``step_ms`` is None where no one knows how far the clock jumped."""

    segment: int
    step_ms: int | None


class Moment(Struct, frozen=True, kw_only=True):
    """Now, as reports carry it: ``at`` ms of the device's clock, in ``segment``. ``steps``: not yet told, handed to
    exactly one moment; ``segments``: to be stored, given with steps only."""

    at: int
    segment: int
    steps: tuple[Step, ...] = ()
    segments: tuple[Segment, ...] = ()


class _Sample(Struct, frozen=True):
    elapsed: int
    offset: Offset

    def doubt(self, elapsed: int) -> float:
        """Its uncertainty by now."""
        return self.offset.uncertainty + DRIFT * (elapsed - self.elapsed)


def measure(*, sent: int, received: int, server: int, held: float) -> Offset | None:
    """One round trip: published at ``sent`` and answered at ``received`` (device's clock), the answer left the server
    at ``server`` (its clock) after it had kept the question for ``held`` ms. None: impossible figures.

    The answer's way back is somewhere in 0..trip, so the middle is off by half of it at most (RFC 5905 section 8, with
    the server's two times folded into one and the time between).
    """
    trip = received - sent - held
    if trip < -1:
        return None
    half = max(trip, 0.0) / 2
    return Offset(ms=server - (received - half), uncertainty=half + 1.0)


class Clock:
    """The segments of one outbox. May be used from any thread."""

    def __init__(self, *, segments: list[Segment], now: Now, machine: str | None) -> None:
        """``segments``: as stored, oldest first. Opening begins a new one unless the machine and its clock went on."""
        self._lock = threading.Lock()
        self._segments = {segment.number: segment for segment in segments}
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)
        self._machine = machine
        self._current = 0
        self._untold: list[Step] = []
        base = now.wall - now.elapsed
        if not segments:
            self._begin(0, base, None)
            return
        last = segments[-1]
        self._current = last.number
        if machine is None or machine != last.machine:
            self._begin(last.number + 1, base, None)
        elif abs(base - last.base) >= STEP_MS:
            self._begin(last.number + 1, base, base - last.base)

    def segments(self) -> tuple[Segment, ...]:
        """All segments, oldest first, to be stored."""
        with self._lock:
            return self._sorted()

    def moment(self, now: Now) -> Moment:
        """Compare the two clocks (a step begins a new segment) and say where we are."""
        base = now.wall - now.elapsed
        with self._lock:
            segment = self._segments[self._current]
            if abs(base - segment.base) >= STEP_MS:
                self._begin(segment.number + 1, base, base - segment.base)
            elif base != segment.base:
                self._store(segment, base=base)
            steps, self._untold = tuple(self._untold), []
            return Moment(
                at=max(now.wall, 0),
                segment=self._current,
                steps=steps,
                segments=self._sorted() if steps else (),
            )

    def peek(self, now: Now) -> Moment:
        """As ``moment``, and the steps stay untold: for what doesn't go through the outbox."""
        moment = self.moment(now)
        self.give_back(moment)
        return Moment(at=moment.at, segment=moment.segment)

    def give_back(self, moment: Moment) -> None:
        """The steps of this moment could not be stored: hand them to another."""
        with self._lock:
            self._untold[:0] = moment.steps

    def answered(self, *, sent: int, server: int, held: float, segment: int, now: Now) -> None:
        """An acknowledgement echoed what was sent at ``sent`` in ``segment``; used if the clock didn't step since."""
        offset = measure(sent=sent, received=now.wall, server=server, held=held)
        with self._lock:
            if offset is None or segment != self._current:
                return
            if (best := self._best(now.elapsed)) is not None and offset.excludes(
                best.offset, apart_ms=now.elapsed - best.elapsed
            ):
                self._samples.clear()
            newest = _Sample(now.elapsed, offset)
            self._samples.append(newest)
            best = self._best(now.elapsed) or newest
            self._store(self._segments[self._current], offset=best.offset, measured=best.elapsed)
            self._forget_excluded(newest)

    def offset(self, segment: int) -> Offset | None:
        """The offset of a segment: measured in it, or told by a neighbour's and the steps between; None: unknown."""
        with self._lock:
            return self._later(segment) or self._earlier(segment)

    def correction(self, segment: int) -> int | None:
        """What is reported: the offset in whole ms, 0 where it doesn't exceed its own uncertainty; None: unknown."""
        offset = self.offset(segment)
        if offset is None:
            return None
        return round(offset.ms) if abs(offset.ms) > offset.uncertainty else 0

    def server_ms(self, now: Now) -> int:
        """The server's time, or our own while the offset is unknown."""
        return now.wall + (self.correction(self._current) or 0)

    def forget_before(self, segment: int) -> None:
        """No report needs the segments before this one any more."""
        with self._lock:
            for number in [number for number in self._segments if number < min(segment, self._current)]:
                del self._segments[number]

    def _best(self, elapsed: int) -> _Sample | None:
        young = [sample for sample in self._samples if elapsed - sample.elapsed <= SAMPLE_AGE_MS]
        return min(young, key=lambda sample: sample.doubt(elapsed), default=None)

    def _forget_excluded(self, newest: _Sample) -> None:
        """What the newest measure excludes in the segments before this one is forgotten: then the steps tell it.

        Not if it is excluded only by the step: then elapsed time stood still (a virtual machine that was halted).
        """
        moved = 0
        segment = self._segments[self._current]
        while segment.step is not None and (before := self._segments.get(segment.number - 1)) is not None:
            moved += segment.step
            if before.offset is not None and before.measured is not None:
                apart = newest.elapsed - before.measured
                now_ = Offset(ms=newest.offset.ms + moved, uncertainty=newest.offset.uncertainty)
                if now_.excludes(before.offset, apart_ms=apart) and newest.offset.excludes(
                    before.offset, apart_ms=apart
                ):
                    self._store(before, offset=None, measured=None)
            segment = before

    def _sorted(self) -> tuple[Segment, ...]:
        return tuple(self._segments[number] for number in sorted(self._segments))

    def _begin(self, number: int, base: int, step: int | None) -> None:
        self._current = number
        self._segments[number] = Segment(number=number, base=base, machine=self._machine, step=step)
        self._samples.clear()
        self._untold.append(Step(segment=number, step_ms=step))

    def _store(self, segment: Segment, **changes: Any) -> None:
        self._segments[segment.number] = structs.replace(segment, **changes)

    def _later(self, number: int) -> Offset | None:
        """Walk towards the present. A clock that jumped forward by the step is ahead by it: the offset before the
        step is the one after it plus the step."""
        moved = 0
        segment = self._segments.get(number)
        while segment is not None:
            if segment.offset is not None:
                return Offset(ms=segment.offset.ms + moved, uncertainty=segment.offset.uncertainty)
            segment = self._segments.get(segment.number + 1)
            if segment is None or segment.step is None:
                return None
            moved += segment.step
        return None

    def _earlier(self, number: int) -> Offset | None:
        moved = 0
        segment = self._segments.get(number)
        while segment is not None and segment.step is not None:
            moved -= segment.step
            segment = self._segments.get(segment.number - 1)
            if segment is not None and segment.offset is not None:
                return Offset(ms=segment.offset.ms + moved, uncertainty=segment.offset.uncertainty)
        return None
