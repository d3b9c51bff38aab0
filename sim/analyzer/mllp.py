"""The sending side of MLLP: one message, one acknowledgement. Sans-io.

HL7 v2.5.1 appendix C, section C.4.3 (blocks), and 2.9.2 (original mode: AA, AE, AR). A block is VT, message, FS, CR.
"""

from typing import Final

from sim.analyzer.dialogue import Outcome, Step

VT: Final = b"\x0b"
FS: Final = b"\x1c"
REPLY_S: Final = 15.0
PAUSE_S: Final = 5.0
"""Before a message is sent again that the receiver couldn't keep."""
_LONGEST: Final = 65_536
"""Bytes of an answer; more is none."""


class Exchange:
    """One message until its acknowledgement. A new one is made for each attempt."""

    patience = REPLY_S

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._id = _field(message, b"MSH", 9)
        self._buffer = b""

    def start(self) -> bytes:
        """The message as a block."""
        return VT + self._message + FS + b"\r"

    def heard(self, data: bytes) -> Step:
        """Part of an answer. One to another message is none to this."""
        self._buffer += data
        while FS in self._buffer:
            block, _, self._buffer = self._buffer.partition(FS)
            answer = block.rpartition(VT)[2]
            if _field(answer, b"MSA", 2) == self._id:
                return _judged(_field(answer, b"MSA", 1))
        if len(self._buffer) > _LONGEST:
            return self.silent()
        return Step()

    def silent(self) -> Step:
        """No answer: the same again, on a fresh connection, lest a late answer be taken for another's."""
        return Step(outcome=Outcome.LATER, pause=PAUSE_S, broken=True)


def _judged(code: bytes) -> Step:
    match code:
        case b"AA" | b"CA":
            return Step(outcome=Outcome.TAKEN)
        case b"AR" | b"CR":
            return Step(outcome=Outcome.REFUSED)
        case _:
            return Step(outcome=Outcome.LATER, pause=PAUSE_S)


def _field(message: bytes, segment: bytes, number: int) -> bytes:
    """A field, counted as if the name were field 0 (of MSH, which counts its separator, one less than its number)."""
    for line in message.replace(b"\n", b"\r").split(b"\r"):
        fields = line.split(b"|")
        if fields[0].strip() == segment and number < len(fields):
            return fields[number].strip()
    return b""
