"""DICOM for the fuzzer: images, dose reports, procedure steps and their commands, from bytes to what would leave."""

from collections.abc import Callable
from datetime import UTC
from typing import Final

from agent.dicom import dimse, pdu
from agent.dicom.mpps import Status, decide
from agent.privacy import admit
from catalog.load import load
from tests.fixtures.dicom import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, data_set, image, read_object
from tests.fixtures.dicom_peer import request, store_command
from tests.fixtures.dose import encoded, event, report
from tests.fixtures.mpps import attributes, begun, ended, read_step
from wire.codec import encode_report
from wire.items import Inventory
from wire.report import Report

TOKENS: Final = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",  # an item without a length
    b"\xfe\xff\x0d\xe0\x00\x00\x00\x00",  # its end
    b"\xfe\xff\xdd\xe0\x00\x00\x00\x00",  # a sequence's end
    b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff",  # a content sequence
    b"\x40\x00\x0a\xa3DS\x04\x00 80 ",
    b"\xff\xff\xff\xff",
)
_RECEIVED: Final = 1_795_306_500_000
_MODEL: Final = load().models["generic-dr"]


def _object(data: bytes) -> object:
    """Whatever an object says must fit the contract once it passed the gate."""
    found = read_object(data, received=_RECEIVED, zone=UTC, key=b"k" * 32)
    items = [item for each in found for item in each.items()]
    passed, _ = admit(items, _MODEL)
    # A change may put a word into a serial number's element, where no pattern can tell it from one.
    assert "CANARY" not in repr([item for item in passed if not isinstance(item, Inventory)])
    for item in passed:
        encode_report(Report(at=_RECEIVED, items=[item]))
    return found


def _step(data: bytes) -> object:
    step = read_step(data, transfer_syntax=EXPLICIT)
    assert "CANARY" not in repr(step)
    return [decide(create=create, before=before, step=step) for create in (True, False) for before in (None, *Status)]


def seeds() -> list[tuple[bytes, Callable[[bytes], object]]]:
    """Well-formed objects and messages, each with what reads it."""
    found: list[tuple[bytes, Callable[[bytes], object]]] = [
        (image(syntax=syntax), _object) for syntax in (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED)
    ]
    for undefined in (False, True):
        whole = report(event(images=["2.25.5"]), event(uid="2.25.8"), undefined=undefined)
        found += [(encoded(whole, syntax=syntax), _object) for syntax in (EXPLICIT, IMPLICIT)]
    found += [(attributes(each), _step) for each in (begun(), ended("DISCONTINUED", reason="110501"))]
    found.append((data_set({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}), _object))
    found += [(store_command(), dimse.command), (request()[6:], pdu.request), (b"\0\0\0\3\1\3a", pdu.fragments)]
    return found
