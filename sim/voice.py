"""How a device of the fleet numbers, holds and sends again, as a pure state machine per lane (delivery 3-6, 11)."""

from collections import deque
from enum import Enum
from typing import Final

from msgspec import Struct

from wire.codec import digest
from wire.commands import Ack
from wire.ids import Epoch
from wire.limits import MAX_BODY, WINDOW_REPORTS
from wire.report import Numbers

FIRST_PATIENCE_S: Final = 5.0
LONGEST_PATIENCE_S: Final = 60.0


class Heard(Enum):
    """What an acknowledgement meant."""

    PROGRESS = "progress"
    NOTHING = "nothing"
    """It says what was known already."""
    BACK = "back"
    """Everything held is sent again from the number that it asked for."""
    STRANGER = "stranger"
    """The mark isn't ours: its digest differs, it lies beyond what we sent, or another epoch came after ours was
    confirmed. An agent would start a new epoch (delivery 6); the generator stops this lane and reports it."""


class Held(Struct, frozen=True):
    """A report that isn't confirmed yet."""

    seq: int
    body: bytes


class ClosedLane:
    """One lane of a device that honours acknowledgements: it keeps each report until it is confirmed."""

    def __init__(self, *, epoch: Epoch) -> None:
        self.epoch = epoch
        self.open = False
        """Whether the birth was answered for this lane: nothing is sent before."""
        self.broken = False
        self.confirmed = 0
        self.sent_again = 0
        self._last = 0
        self._held: deque[Held] = deque()
        self._bytes = 0
        self._to_send: deque[Held] = deque()
        self._obeyed = -1
        self._patience = FIRST_PATIENCE_S
        self._due: float | None = None

    @property
    def room(self) -> bool:
        """Whether another report may enter: the window bounds what is unacknowledged (delivery 11)."""
        return self.open and not self.broken and len(self._held) < WINDOW_REPORTS and self._bytes < MAX_BODY

    @property
    def unconfirmed(self) -> int:
        """Reports that aren't confirmed."""
        return len(self._held)

    @property
    def to_send(self) -> bool:
        """Whether something waits to be published."""
        return bool(self._to_send)

    def add(self, body: bytes) -> int:
        """A new report; returns its number."""
        self._last += 1
        held = Held(self._last, body)
        self._held.append(held)
        self._bytes += len(body)
        self._to_send.append(held)
        return self._last

    def next(self, *, now: float, now_ms: int) -> tuple[Numbers, bytes]:
        """The next report to publish. `now`: monotonic seconds."""
        held = self._to_send.popleft()
        if self._due is None:
            self._due = now + self._patience
        numbers = Numbers(epoch=self.epoch, seq=held.seq, floor=self._held[0].seq, head=self._last, sent_ms=now_ms)
        return numbers, held.body

    def hear(self, ack: Ack, *, now: float) -> Heard:
        """What the server acknowledged."""
        if ack.epoch != self.epoch:
            if ack.epoch and self.confirmed:
                return self._break()
            self.open |= ack.hello
            return Heard.NOTHING
        if ack.seq > self._last:
            return self._break()
        self.open |= ack.hello
        heard = Heard.NOTHING
        if ack.seq > self.confirmed:
            while self._held and self._held[0].seq < ack.seq:
                self._drop()
            if self._held and self._held[0].seq == ack.seq:
                # Empty where the server moved its mark over numbers that never came.
                if ack.digest not in ("", digest(self._held[0].body).hex()):
                    return self._break()
                self._drop()
            self.confirmed = ack.seq
            self._patience = FIRST_PATIENCE_S
            self._due = now + self._patience if self._held else None
            while self._to_send and self._to_send[0].seq <= ack.seq:
                self._to_send.popleft()
            heard = Heard.PROGRESS
        if ack.back is not None and self._obeyed != ack.seq:
            self._obeyed = ack.seq
            self._again()
            return Heard.BACK
        return heard

    def wake(self, *, now: float) -> bool:
        """True when there was no progress for too long: everything held is sent again."""
        if self._due is None or now < self._due or self.broken:
            return False
        self._patience = min(self._patience * 2, LONGEST_PATIENCE_S)
        self._due = now + self._patience
        self._again()
        return True

    def _again(self) -> None:
        self.sent_again += len(self._held) - len(self._to_send)
        self._to_send = deque(self._held)

    def _drop(self) -> None:
        self._bytes -= len(self._held.popleft().body)

    def _break(self) -> Heard:
        self.broken = True
        self._to_send.clear()
        self._due = None
        return Heard.STRANGER


class OpenLane:
    """One lane of a device that publishes without waiting. Nothing is kept, so `floor` is always its own number."""

    def __init__(self, *, epoch: Epoch) -> None:
        self.epoch = epoch
        self._last = 0

    def number(self, *, now_ms: int) -> Numbers:
        """The numbers of its next report."""
        self._last += 1
        return Numbers(epoch=self.epoch, seq=self._last, floor=self._last, head=self._last, sent_ms=now_ms)
