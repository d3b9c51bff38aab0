"""What a message is to us. Pure."""

from enum import Enum
from typing import Final

from agent.adapters.hl7.message import Message

_WHO: Final = frozenset({"PID", "PD1", "PV1", "PV2", "NK1", "GT1", "IN1", "IN2", "MRG", "AL1", "DG1", "ROL"})
"""Segments about a person: a message that has one is dropped unread, whatever it calls itself."""
_PERSON: Final = _WHO | {"OBX"}
"""So is one with results, unless it says of each specimen that it is no person's."""
CONTROLS: Final = frozenset({"Q", "QC", "CONTROL"})
_CALIBRATORS: Final = frozenset({"C", "V"})
"""SPM-11, table 0369 (control specimen; calibrator, verifying calibrator), and words that are met instead."""
_EQUIPMENT: Final = frozenset({"ESU", "EAN", "INU"})
_QUERIES: Final = frozenset({"QRY", "QBP", "QCN", "QSB", "QVR", "SPQ", "VQQ", "EQQ", "NMQ", "EAC", "EAR", "ESR", "INR"})
"""What waits for data or for an action of ours, of which we have none."""


class Kind(Enum):
    """What becomes of a message."""

    EQUIPMENT = "equipment"
    """ESU^U01, EAN^U09, INU^U05 (HL7 v2.5.1 chapter 13): read."""
    CONTROL = "control"
    """Results of controls: ORU^R01 with MSH-16 = 2 (Mindray's host interface); OUL^R21 to R24 of which each SPM-11 is Q
    (HL7 v2.5.1, 7.3.4 to 7.3.7; IHE PaLM TF-2b, LAB-29), calibrators beside them: read, of the controls alone."""
    CALIBRATION = "calibration"
    """ORU^R01 with MSH-16 = 1, OUL of calibrators: accepted, counted, not read."""
    PERSON = "person"
    """Patients' results, and anything with a segment about a person: accepted and dropped unread."""
    ANSWER = "answer"
    """Somebody's acknowledgement: never answered, for two that acknowledge each other never end."""
    QUERY = "query"
    """Rejected, so that who asks doesn't wait for what never comes (HL7 v2.5.1, 2.9.2: AR for a type that isn't
    processed)."""
    OTHER = "other"
    """Accepted and counted: a rejected message makes analyzers stop or try for ever, and nothing is lost by it."""


def kind_of(message: Message) -> Kind:
    """The kind of a message, from its header and the names of its segments."""
    type_ = message.type
    if type_ in ("ACK", "NAK", "MCF") or message.any_of(frozenset({"MSA"})):
        return Kind.ANSWER
    if type_ in _QUERIES:
        return Kind.QUERY
    if type_ == "OUL" and not message.any_of(_WHO):
        return _of_specimens({segment.text(11).upper() for segment in message.named("SPM")})
    if message.any_of(_PERSON):
        return Kind.PERSON
    if type_ in _EQUIPMENT:
        return Kind.EQUIPMENT
    if type_ == "ORU":
        return {"2": Kind.CONTROL, "1": Kind.CALIBRATION}.get(message.header.text(16), Kind.PERSON)
    return Kind.OTHER


def _of_specimens(roles: set[str]) -> Kind:
    if roles & CONTROLS and roles <= CONTROLS | _CALIBRATORS:
        return Kind.CONTROL
    return Kind.CALIBRATION if roles and roles <= _CALIBRATORS else Kind.PERSON
