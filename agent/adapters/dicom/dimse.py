"""The DIMSE commands that an SCP receives and sends: DICOM PS3.7, 9.3, 10.3 and annexes C and E. Pure."""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from agent.adapters.dicom.elements import IMPLICIT, elements_of
from agent.adapters.dicom.walk import Raw
from agent.errors import AdapterError

C_STORE_RQ: Final = 0x0001
C_ECHO_RQ: Final = 0x0030
N_SET_RQ: Final = 0x0120
N_CREATE_RQ: Final = 0x0140
C_CANCEL_RQ: Final = 0x0FFF
_RESPONSE: Final = 0x8000
_NO_DATA_SET: Final = 0x0101

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700
"""Status of C-STORE (PS3.4 table B.2-1): to be sent again. What can't be understood would be no better then."""
UNKNOWN_OPERATION: Final = 0x0211
INVALID_VALUE: Final = 0x0106
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_INSTANCE: Final = 0x0111
NO_SUCH_INSTANCE: Final = 0x0112
MISSING_ATTRIBUTE: Final = 0x0120
RESOURCE_LIMITATION: Final = 0x0213
"""Statuses of N-CREATE and N-SET (PS3.7 annex C)."""
NO_LONGER_UPDATED: Final = 0xA710
"""Error ID beside ``PROCESSING_FAILURE``: the step has ended (PS3.4 F.7.2.2.2)."""

_CLASS: Final = 0x00000002
_FIELD: Final = 0x00000100
_ID: Final = 0x00000110
_DATA_SET: Final = 0x00000800
_INSTANCE: Final = 0x00001000
_REQUESTED_CLASS: Final = 0x00000003
_REQUESTED_INSTANCE: Final = 0x00001001
"""What N-SET has in the place of the two above (PS3.7 table 10.3-5)."""


class Command(NamedTuple):
    """A request. ``sop_class`` and ``instance`` as they came: for the answer, and as a keyed hash."""

    field: int
    id: int
    has_data: bool
    sop_class: bytes
    instance: bytes


class Answer(NamedTuple):
    """What a request is answered. ``comment``: our own words, at most 64 characters, ASCII (Error Comment, LO).
    ``instance``: the UID that was given to what was created without one (PS3.7 10.1.5.1.4)."""

    status: int
    comment: str = ""
    error_id: int | None = None
    instance: bytes = b""


def command(encoded: bytes) -> Command:
    """A command set, always implicit little endian (PS3.7 6.3). Raises ``AdapterError``."""
    wanted = {_CLASS, _REQUESTED_CLASS, _FIELD, _ID, _DATA_SET, _INSTANCE, _REQUESTED_INSTANCE}
    found = elements_of(encoded, wanted, transfer_syntax=IMPLICIT)
    numbers = {tag: found[tag].value for tag in (_FIELD, _ID, _DATA_SET) if tag in found}
    if any(len(value) != 2 for value in numbers.values()) or not {_FIELD, _DATA_SET} <= numbers.keys():
        raise AdapterError("protocol", "a command lacks what PS3.7 annex E asks of it")
    return Command(
        field=int.from_bytes(numbers[_FIELD], "little"),
        id=int.from_bytes(numbers.get(_ID, b""), "little"),
        has_data=int.from_bytes(numbers[_DATA_SET], "little") != _NO_DATA_SET,
        sop_class=_first(found, _CLASS, _REQUESTED_CLASS),
        instance=_first(found, _INSTANCE, _REQUESTED_INSTANCE),
    )


def _first(found: Mapping[int, Raw], *tags: int) -> bytes:
    return next((found[tag].value for tag in tags if tag in found), b"")


def response(to: Command, answer: Answer) -> bytes:
    """The answer to a request, encoded."""
    elements = b""
    if to.sop_class:
        elements += _element(0x0002, to.sop_class)
    elements += _element(0x0100, struct.pack("<H", to.field | _RESPONSE))
    elements += _element(0x0120, struct.pack("<H", to.id))
    elements += _element(0x0800, struct.pack("<H", _NO_DATA_SET))
    elements += _element(0x0900, struct.pack("<H", answer.status))
    if answer.comment:
        elements += _element(0x0902, answer.comment[:64].encode("ascii"))
    if answer.error_id is not None:
        elements += _element(0x0903, struct.pack("<H", answer.error_id))
    if instance := to.instance.strip(b"\0 ") or answer.instance:
        elements += _element(0x1000, instance)
    return _element(0x0000, struct.pack("<I", len(elements))) + elements


def _element(element: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, element, len(value)) + value
