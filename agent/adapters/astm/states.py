"""The E1381 link as a table of (state, event): what can be, what can happen, and what is done then. Pure data.

CLSI LIS01-A2 chapter 8 (ASTM E1381-02 chapter 6); ``link`` executes it.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class State(Enum):
    """Of the line, as we see it."""

    IDLE = auto()
    """Neutral."""
    RECEIVING = auto()
    HOLDING = auto()
    """A frame was handed up and the host hasn't said whether it keeps it."""
    ASKING = auto()
    """We sent ENQ."""
    SENDING = auto()
    """We sent a frame."""


class Event(Enum):
    """What can happen. Frames and answers are told apart by what they mean at that moment."""

    ENQ = auto()
    EOT = auto()
    ABANDONED = auto()
    """An EOT, and the frame before it was answered NAK: its sender gave up."""
    ACK = auto()
    NAK = auto()
    NEXT = auto()
    """A frame with a number that some habit of counting explains."""
    JUMP = auto()
    """A frame with a number that none does."""
    SAME = auto()
    """The frame that was accepted last, once more: its sender didn't hear our ACK."""
    BAD = auto()
    """A frame with a wrong checksum, without a number, or too long."""
    HOPELESS = auto()
    """A frame with a wrong checksum, as often in a row as a sender sends a frame: it may never be right."""
    TIMEOUT = auto()
    ACCEPT = auto()
    """The host keeps the frame handed up."""
    LATE = auto()
    """It does, after the sender gave up waiting."""
    REJECT = auto()
    """It doesn't."""
    LAST_ACK = auto()
    """An ACK, and nothing is left to send."""
    LAST_EOT = auto()
    LAST_NAK = auto()
    """A NAK, and the frame was sent often enough."""
    TIRED = auto()
    """It is time to ask for the line, and that was done often enough."""


class Do(Enum):
    """What a transition does, in order."""

    SAY_ACK = auto()
    SAY_NAK = auto()
    SAY_ENQ = auto()
    SAY_EOT = auto()
    BEGIN = auto()
    """A new transfer: its first frame's number is what it counts from."""
    HAND_UP = auto()
    KEEP = auto()
    """The frame handed up is the one accepted last."""
    END = auto()
    DROP = auto()
    """The transfer broke off."""
    SEND_FIRST = auto()
    SEND_NEXT = auto()
    SEND_AGAIN = auto()
    SENT = auto()
    WAIT_BUSY = auto()
    WAIT_CONTENTION = auto()
    WAIT_INTERRUPTED = auto()
    GIVE_UP = auto()
    COUNT = auto()
    """Count this event under the word that ``WORDS`` or the token has for it."""


Rule = tuple[tuple[Do, ...], State]

_S, _E, _D = State, Event, Do

TABLE: Final[Mapping[tuple[State, Event], Rule]] = {
    (_S.IDLE, _E.ENQ): ((_D.BEGIN, _D.SAY_ACK), _S.RECEIVING),
    (_S.IDLE, _E.EOT): ((), _S.IDLE),
    (_S.IDLE, _E.ACK): ((), _S.IDLE),
    (_S.IDLE, _E.NAK): ((), _S.IDLE),
    (_S.IDLE, _E.NEXT): ((_D.COUNT,), _S.IDLE),
    (_S.IDLE, _E.BAD): ((_D.COUNT,), _S.IDLE),
    (_S.IDLE, _E.TIMEOUT): ((_D.SAY_ENQ,), _S.ASKING),
    (_S.IDLE, _E.TIRED): ((_D.COUNT, _D.GIVE_UP), _S.IDLE),
    (_S.RECEIVING, _E.ENQ): ((_D.COUNT, _D.DROP, _D.BEGIN, _D.SAY_ACK), _S.RECEIVING),
    (_S.RECEIVING, _E.EOT): ((_D.END,), _S.IDLE),
    (_S.RECEIVING, _E.ABANDONED): ((_D.COUNT, _D.DROP), _S.IDLE),
    (_S.RECEIVING, _E.ACK): ((), _S.RECEIVING),
    (_S.RECEIVING, _E.NAK): ((), _S.RECEIVING),
    (_S.RECEIVING, _E.NEXT): ((_D.HAND_UP,), _S.HOLDING),
    (_S.RECEIVING, _E.JUMP): ((_D.COUNT, _D.HAND_UP), _S.HOLDING),
    (_S.RECEIVING, _E.SAME): ((_D.COUNT, _D.SAY_ACK), _S.RECEIVING),
    (_S.RECEIVING, _E.BAD): ((_D.COUNT, _D.SAY_NAK), _S.RECEIVING),
    (_S.RECEIVING, _E.HOPELESS): ((_D.COUNT, _D.SAY_NAK), _S.RECEIVING),
    (_S.RECEIVING, _E.TIMEOUT): ((_D.COUNT, _D.DROP), _S.IDLE),
    (_S.HOLDING, _E.ACCEPT): ((_D.KEEP, _D.SAY_ACK), _S.RECEIVING),
    (_S.HOLDING, _E.LATE): ((_D.COUNT, _D.KEEP), _S.RECEIVING),
    (_S.HOLDING, _E.REJECT): ((_D.SAY_NAK,), _S.RECEIVING),
    (_S.ASKING, _E.ENQ): ((_D.COUNT, _D.WAIT_CONTENTION), _S.IDLE),
    (_S.ASKING, _E.EOT): ((), _S.ASKING),
    (_S.ASKING, _E.ACK): ((_D.SEND_FIRST,), _S.SENDING),
    (_S.ASKING, _E.NAK): ((_D.WAIT_BUSY,), _S.IDLE),
    (_S.ASKING, _E.NEXT): ((_D.COUNT,), _S.ASKING),
    (_S.ASKING, _E.BAD): ((_D.COUNT,), _S.ASKING),
    (_S.ASKING, _E.TIMEOUT): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
    (_S.SENDING, _E.ACK): ((_D.SEND_NEXT,), _S.SENDING),
    (_S.SENDING, _E.LAST_ACK): ((_D.SAY_EOT, _D.SENT), _S.IDLE),
    (_S.SENDING, _E.EOT): ((_D.COUNT, _D.SAY_EOT, _D.WAIT_INTERRUPTED), _S.IDLE),
    (_S.SENDING, _E.LAST_EOT): ((_D.SAY_EOT, _D.SENT), _S.IDLE),
    (_S.SENDING, _E.NAK): ((_D.SEND_AGAIN,), _S.SENDING),
    (_S.SENDING, _E.LAST_NAK): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
    (_S.SENDING, _E.TIMEOUT): ((_D.COUNT, _D.SAY_EOT, _D.GIVE_UP), _S.IDLE),
}
"""All that can happen. In HOLDING nothing is taken from the line. What a frame's number means, and how often one was
refused, is asked in RECEIVING alone. A sender takes whatever is neither ACK nor EOT for a NAK (8.3.4.2). ``LAST_…`` are
a sender's."""

WORDS: Final[Mapping[tuple[State, Event], str]] = {
    (_S.IDLE, _E.NEXT): "frame-without-enq",
    (_S.IDLE, _E.BAD): "frame-without-enq",
    (_S.IDLE, _E.TIRED): "answer-unwanted",
    (_S.RECEIVING, _E.ENQ): "transfer-restarted",
    (_S.RECEIVING, _E.ABANDONED): "transfer-abandoned",
    (_S.RECEIVING, _E.JUMP): "frame-number-jumped",
    (_S.RECEIVING, _E.SAME): "frame-repeated",
    (_S.RECEIVING, _E.HOPELESS): "checksum-never-right",
    (_S.RECEIVING, _E.TIMEOUT): "silent",
    (_S.HOLDING, _E.LATE): "late-commit",
    (_S.ASKING, _E.ENQ): "contention",
    (_S.ASKING, _E.NEXT): "frame-without-enq",
    (_S.ASKING, _E.BAD): "frame-without-enq",
    (_S.ASKING, _E.TIMEOUT): "answer-unheard",
    (_S.SENDING, _E.EOT): "answer-interrupted",
    (_S.SENDING, _E.LAST_NAK): "answer-unwanted",
    (_S.SENDING, _E.TIMEOUT): "answer-unheard",
}
"""What a counted event is counted as, where its token has no word of its own."""
