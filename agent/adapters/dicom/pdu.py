"""The acceptor's side of the DICOM upper layer protocol, as bytes: DICOM PS3.8, section 9.3 and annex D. Pure.

Only what a receiving application needs is here; what it doesn't know is skipped, as PS3.8 9.3.1 asks.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import AdapterError

ASSOCIATE_RQ: Final = 0x01
ASSOCIATE_AC: Final = 0x02
ASSOCIATE_RJ: Final = 0x03
P_DATA: Final = 0x04
RELEASE_RQ: Final = 0x05
RELEASE_RP: Final = 0x06
ABORT: Final = 0x07

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION: Final = "2.25.191476905338026177310474105316184279031"
"""Ours, made from a random UUID (PS3.5 B.2)."""
VERSION_NAME: Final = "STETH"

ACCEPTED: Final = 0
ABSTRACT_SYNTAX_UNKNOWN: Final = 3
TRANSFER_SYNTAXES_UNKNOWN: Final = 4

HEAD: Final = struct.Struct(">BxI")
_ITEM: Final = struct.Struct(">BxH")
_FIXED: Final = 68
"""Bytes of an A-ASSOCIATE-RQ in front of its variable items."""


class Rejection(NamedTuple):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    source: int
    reason: int


UNKNOWN_CONTEXT_NAME: Final = Rejection(1, 1, 2)
UNKNOWN_CALLING: Final = Rejection(1, 1, 3)
UNKNOWN_CALLED: Final = Rejection(1, 1, 7)
UNKNOWN_VERSION: Final = Rejection(1, 2, 2)


class Offer(NamedTuple):
    """One proposed presentation context."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


class Request(NamedTuple):
    """An A-ASSOCIATE-RQ. ``titles``: called and calling AE title as they came. ``max_length``: bytes the peer takes in
    one P-DATA-TF, 0: any."""

    version: int
    called: str
    calling: str
    titles: bytes
    application_context: str
    offers: Mapping[int, Offer]
    max_length: int


class Fragment(NamedTuple):
    """One presentation data value (PS3.8 annex E)."""

    context: int
    command: bool
    last: bool
    data: bytes


def request(body: bytes) -> Request:
    """An A-ASSOCIATE-RQ's body. Raises ``AdapterError``."""
    if len(body) < _FIXED:
        raise _malformed()
    offers: dict[int, Offer] = {}
    name = ""
    max_length = 0
    for kind, value in _items(body[_FIXED:]):
        if kind == 0x10:
            name = _uid(value)
        elif kind == 0x20 and len(value) >= 4:
            syntaxes = [(sub, _uid(uid)) for sub, uid in _items(value[4:])]
            abstract = next((uid for sub, uid in syntaxes if sub == 0x30), "")
            offers[value[0]] = Offer(abstract, tuple(uid for sub, uid in syntaxes if sub == 0x40))
        elif kind == 0x50:
            lengths = [part for sub, part in _items(value) if sub == 0x51 and len(part) == 4]
            max_length = int.from_bytes(lengths[0], "big") if lengths else 0
    return Request(
        version=int.from_bytes(body[:2], "big"),
        called=body[4:20].decode("ascii", "replace").strip(" \0"),
        calling=body[20:36].decode("ascii", "replace").strip(" \0"),
        titles=bytes(body[4:36]),
        application_context=name,
        offers=offers,
        max_length=max_length,
    )


def accept(titles: bytes, results: Mapping[int, tuple[int, str]], *, max_length: int) -> bytes:
    """An A-ASSOCIATE-AC. ``results``: of each context, its result and the chosen transfer syntax."""
    contexts = b"".join(
        _item(0x21, bytes((context, 0, result, 0)) + _item(0x40, syntax.encode("latin-1")))
        for context, (result, syntax) in results.items()
    )
    user = (
        _item(0x51, max_length.to_bytes(4, "big"))
        + _item(0x52, IMPLEMENTATION.encode("ascii"))
        + _item(0x55, VERSION_NAME.encode("ascii"))
    )
    items = _item(0x10, APPLICATION_CONTEXT.encode("ascii")) + contexts + _item(0x50, user)
    return pdu(ASSOCIATE_AC, b"\x00\x01\x00\x00" + titles + bytes(32) + items)


def reject(why: Rejection) -> bytes:
    """An A-ASSOCIATE-RJ."""
    return pdu(ASSOCIATE_RJ, bytes((0, *why)))


def abort(reason: int) -> bytes:
    """An A-ABORT of the service provider (PS3.8 table 9-26): 0 unspecified, 1 unrecognised PDU, 2 unexpected PDU,
    6 invalid value."""
    return pdu(ABORT, bytes((0, 0, 2, reason)))


def release() -> bytes:
    """An A-RELEASE-RP."""
    return pdu(RELEASE_RP, bytes(4))


def fragments(body: bytes) -> list[Fragment]:
    """The presentation data values of a P-DATA-TF's body. Raises ``AdapterError``."""
    found: list[Fragment] = []
    at = 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        end = at + 4 + length
        if length < 2 or end > len(body):
            raise _malformed()
        control = body[at + 5]
        found.append(Fragment(body[at + 4], bool(control & 1), bool(control & 2), body[at + 6 : end]))
        at = end
    return found


def command(context: int, encoded: bytes, *, max_length: int) -> bytes:
    """A command set without data set as P-DATA-TF PDUs that the peer can take."""
    room = max(max_length - 6, 64) if max_length else len(encoded)
    parts: Sequence[bytes] = [encoded[at : at + room] for at in range(0, len(encoded), room)]
    return b"".join(
        pdu(P_DATA, (len(part) + 2).to_bytes(4, "big") + bytes((context, 3 if part is parts[-1] else 1)) + part)
        for part in parts
    )


def pdu(kind: int, body: bytes) -> bytes:
    """A PDU around its body."""
    return HEAD.pack(kind, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _items(body: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(body):
        if at + 4 > len(body):
            raise _malformed()
        kind, length = _ITEM.unpack_from(body, at)
        if at + 4 + length > len(body):
            raise _malformed()
        found.append((kind, body[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def _uid(value: bytes) -> str:
    """A UID; whatever else stands there comes back as it was, in the answer too."""
    return value.decode("latin-1").strip(" \0")


def _malformed() -> AdapterError:
    return AdapterError("protocol", "a PDU is malformed (DICOM PS3.8 9.3)")
