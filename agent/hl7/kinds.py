"""What a message is to us. Pure."""

from enum import Enum
from typing import Final

from agent.hl7.message import Message

_PERSON: Final = frozenset({"PID", "PD1", "PV1", "PV2", "NK1", "GT1", "IN1", "IN2", "MRG", "AL1", "DG1", "OBX", "ROL"})
"""Segments about a person or with a person's results: a message that has one is dropped unread, whatever it calls
itself."""
_EQUIPMENT: Final = frozenset({"ESU", "EAN", "INU"})
_QUERIES: Final = frozenset({"QRY", "QBP", "QCN", "QSB", "QVR", "SPQ", "VQQ", "EQQ", "NMQ", "EAC", "EAR", "ESR", "INR"})
"""What waits for data or for an action of ours, of which we have none."""


class Kind(Enum):
    """What becomes of a message."""

    EQUIPMENT = "equipment"
    """ESU^U01, EAN^U09, INU^U05 (HL7 v2.5.1 chapter 13): read."""
    CONTROL = "control"
    """ORU^R01 with MSH-16 = 2: results of a control (Mindray's host interface): read."""
    CALIBRATION = "calibration"
    """ORU^R01 with MSH-16 = 1: accepted, counted, not read."""
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
    if message.any_of(_PERSON):
        return Kind.PERSON
    if type_ in _EQUIPMENT:
        return Kind.EQUIPMENT
    if type_ == "ORU":
        return {"2": Kind.CONTROL, "1": Kind.CALIBRATION}.get(message.header.text(16), Kind.PERSON)
    return Kind.OTHER
