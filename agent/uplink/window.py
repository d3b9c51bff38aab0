"""What to send next on a lane: in order, within the window, again when nothing moves (delivery 5, 11).

No clock and no socket here: ``now`` is monotonic seconds, ``jitter`` a number in 0..1 that the caller draws.
"""

from collections import deque
from typing import Final

from msgspec import Struct

from wire.limits import MAX_BODY, WINDOW_REPORTS

RESEND_S: Final = 5.0
RESEND_MAX_S: Final = 60.0
WINDOW_BYTES: Final = MAX_BODY
LULL_S: Final = 1.0
"""A backlog of live reports that moved less long ago keeps bulk back: else the newest fault, which is the last of them,
would wait for half of both."""


class Want(Struct, frozen=True, kw_only=True):
    """Reports from number ``seq`` on, at most ``reports`` of together ``size`` bytes; the first may be larger when
    ``alone``: nothing else is under way, so that a report beyond the window's bytes still passes."""

    seq: int
    reports: int
    size: int
    alone: bool


class Window:
    """One lane of one connection. Closed until ``open``: before the answer to the birth nothing is sent."""

    def __init__(self) -> None:
        self._flight: deque[tuple[int, int]] = deque()
        self._flight_bytes = 0
        self._next = 0
        self._obeyed: int | None = None
        self._progress_at = 0.0
        self._wait = RESEND_S
        self._not_before = 0.0
        self.resends = 0
        """Times in a row that the timer sent again without an acknowledgement that moved anything."""

    @property
    def is_open(self) -> bool:
        """Whether the birth was answered for this lane."""
        return self._next > 0

    @property
    def next(self) -> int:
        """The number to send next; 0: closed."""
        return self._next

    @property
    def in_flight(self) -> int:
        """Reports sent and not acknowledged."""
        return len(self._flight)

    def open(self, lowest: int, *, now: float) -> None:
        """The birth was answered: send from the lowest number held."""
        self._restart(lowest, now=now)
        self._wait = RESEND_S
        self._not_before = 0.0
        self.resends = 0

    def close(self) -> None:
        """A new birth will be answered before anything else is sent."""
        self._restart(0, now=0.0)

    def want(self, *, highest: int, now: float, credit: int) -> Want | None:
        """What may be sent now; ``highest``: number held, ``credit``: publishes that the broker still takes."""
        reports = min(WINDOW_REPORTS - len(self._flight), credit)
        size = WINDOW_BYTES - self._flight_bytes
        if not self.is_open or self._next > highest or now < self._not_before or reports <= 0 or size <= 0:
            return None
        return Want(seq=self._next, reports=reports, size=size, alone=not self._flight)

    def sent(self, seq: int, size: int, *, now: float) -> None:
        """A report was handed to the connection."""
        if not self._flight:
            self._progress_at = now
        self._flight.append((seq, size))
        self._flight_bytes += size
        self._next = seq + 1

    def acked(self, upto: int, *, now: float) -> None:
        """Everything up to this number is committed."""
        moved = False
        while self._flight and self._flight[0][0] <= upto:
            self._flight_bytes -= self._flight.popleft()[1]
            moved = True
        if upto >= self._next:
            self._next = upto + 1
            moved = True
        if moved:
            self._progress_at = now
            self._wait = RESEND_S
            self.resends = 0

    def busy_until(self, *, highest: int) -> float:
        """Until when this lane needs the connection for itself: it has more than is under way, and gets on. 0: no."""
        return self._progress_at + LULL_S if self._flight and self._next <= highest else 0.0

    def back(self, seq: int, *, mark: int, lowest: int, now: float) -> bool:
        """The server asks to go back to ``seq``. Obeyed once per mark (delivery 5); the timer does the rest."""
        if not self.is_open or mark == self._obeyed or seq >= self._next:
            return False
        self._obeyed = mark
        self._restart(max(seq, lowest), now=now)
        return True

    def restart(self, lowest: int, *, now: float) -> None:
        """All again from ``lowest``, without a pause: what is held changed its numbers."""
        if self.is_open:
            self._restart(lowest, now=now)

    def refused(self, *, lowest: int, now: float, jitter: float) -> None:
        """The broker refused a publish: no delivery (delivery 12). All again, after a pause that doubles."""
        self._restart(lowest, now=now)
        self._not_before = now + self._pause(jitter)

    def due(self) -> float | None:
        """When ``expire`` wants to be called; None: nothing is under way."""
        if self._flight:
            return self._progress_at + self._wait
        return self._not_before or None

    def expire(self, *, lowest: int, now: float, jitter: float) -> bool:
        """True if nothing moved for so long that all is sent again from ``lowest``."""
        if now >= self._not_before:
            self._not_before = 0.0
        if not self._flight or now < self._progress_at + self._wait:
            return False
        self._pause(jitter)
        self._restart(lowest, now=now)
        self.resends += 1
        return True

    def _pause(self, jitter: float) -> float:
        pause = self._wait
        # Jitter of up to a quarter, so that devices that stalled together don't come back together.
        self._wait = min(self._wait * 2, RESEND_MAX_S) * (0.75 + jitter / 4)
        return pause

    def _restart(self, lowest: int, *, now: float) -> None:
        self._flight.clear()
        self._flight_bytes = 0
        self._next = lowest
        self._progress_at = now
