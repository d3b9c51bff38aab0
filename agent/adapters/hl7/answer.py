"""The acknowledgement of a message. Pure.

HL7 v2.5.1, 2.9.2 (original mode, where MSH-15 and MSH-16 are both empty: AA, AE, AR) and 2.9.3 (enhanced mode: CA, CE,
CR for the acceptance as MSH-15 asks, AA, AE, AR for the application as MSH-16 asks). An empty one of the two asks for
nothing. What wasn't accepted never reached the application: who was told so by CE or CR hears no AE or AR as well.
Mindray's MSH-16 is the kind of result and no wish; it is echoed.
The reason stands in ERR-3 (2.15.5.3), before v2.5 in MSA-6 (v2.3.1, 2.24.2.6), where some analyzers look for a 0.
"""

from enum import Enum
from typing import Final

from agent.adapters.hl7.message import Message

_WISHES: Final = {"AL": (True, True), "SU": (True, False), "ER": (False, True), "NE": (False, False)}
"""Table 0155: whether a success and whether an error is to be acknowledged."""
_ECHO: Final = 200
"""Characters of a field that are echoed: no control id is longer (2.5.1: 20, 2.7: 199)."""


class Outcome(Enum):
    """What became of a message: the letter behind A or C, and the reason (table 0357)."""

    ACCEPTED = "A", "0^Message accepted"
    FAILED = "E", "207^Application internal error"
    """Not kept: the sender sends it again."""
    UNSUPPORTED = "R", "200^Unsupported message type"
    TOO_LARGE = "R", "207^Application internal error"
    """Sent again it would not be smaller."""

    @property
    def letter(self) -> str:
        """Behind A or C in MSA-1."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """Code and text."""
        return self.value[1]


def answers(message: Message, outcome: Outcome, *, stamp: str, number: int) -> list[bytes]:
    """The acknowledgements that a message asks for, in order, each without its framing; there may be none.

    ``stamp``: MSH-7. ``number``: makes MSH-10 unlike any other of ours.
    """
    wishes = [_WISHES.get(message.header.text(field).upper()) for field in (15, 16)]
    if wishes == [None, None]:
        return [_one(message, "A", outcome, stamp, f"{number}")]
    failed = outcome is not Outcome.ACCEPTED
    modes = [mode for mode, wish in zip("CA", wishes, strict=True) if wish is not None and wish[failed]]
    return [_one(message, mode, outcome, stamp, f"{number}{mode}") for mode in (modes[:1] if failed else modes)]


def _one(message: Message, mode: str, outcome: Outcome, stamp: str, own_id: str) -> bytes:
    marks, header = message.delimiters, message.header

    def echo(field: int) -> str:
        return header.raw(field)[:_ECHO]

    version = echo(12)
    type_ = ["ACK", header.text(9, 2)]
    if version[:3] >= "2.4":
        type_.append("ACK")  # MSH-9.3 is of v2.4 and later
    fields = ["MSH", "".join(marks[1:]), "STETH", "", echo(3), echo(4), stamp, ""]
    fields += [(marks.component or "^").join(type_) if type_[1] else "ACK", own_id, echo(11) or "P", version]
    fields += ["", "", "", echo(16) if header.text(16).isdigit() else "", "", echo(18)]
    acknowledgement = ["MSA", mode + outcome.letter, echo(10)]
    segments = [fields, acknowledgement]
    if "" < version[:3] < "2.5":
        acknowledgement += ["", "", "", outcome.reason.partition("^")[0]]
    elif outcome is not Outcome.ACCEPTED:
        segments.append(["ERR", "", "", outcome.reason.replace("^", marks.component or " "), "E"])
    lines = (marks.field.join(segment).rstrip(marks.field) for segment in segments)
    return "".join(f"{line}\r" for line in lines).encode(message.codec, "replace")
