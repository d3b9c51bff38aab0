"""Bytes to structs and back. Every function here raises ``WireError`` and nothing else on bad input."""

import hashlib
import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from wire.commands import Ack, Command, Will
from wire.errors import WireError, WireErrorCode
from wire.items import Birth, Fault, Heartbeat, Item, Readings, Reply
from wire.limits import MAX_BODY, MAX_READINGS, MAX_VALUE
from wire.report import Report

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
DIGEST_BYTES: Final = 16

T = TypeVar("T")

_json_encoder: Final = msgspec.json.Encoder()
_msgpack_encoder: Final = msgspec.msgpack.Encoder()
_json_report: Final = msgspec.json.Decoder(Report)
_msgpack_report: Final = msgspec.msgpack.Decoder(Report)
_json_command: Final = msgspec.json.Decoder(Command)
_json_ack: Final = msgspec.json.Decoder(Ack)
_json_will: Final = msgspec.json.Decoder(Will)


def digest(body: bytes) -> bytes:
    """What identifies a report's body in a mark: BLAKE2b, 128 bits."""
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()


def encode_report(report: Report, content_type: str = JSON) -> bytes:
    """A report's body. Raises ``WireError`` for an unknown content type and for a body beyond ``MAX_BODY``."""
    _check_report(report)
    _check_values(report)
    if content_type == JSON:
        body = _json_encoder.encode(report)
    elif content_type == MSGPACK:
        body = _msgpack_encoder.encode(report)
    else:
        raise _unknown_encoding()
    if len(body) > MAX_BODY:
        raise _oversize(len(body))
    return body


def decode_report(body: bytes, content_type: str | None = None) -> Report:
    """The report in a body; no content type means JSON."""
    if len(body) > MAX_BODY:
        raise _oversize(len(body))
    if content_type is None or content_type == JSON:
        report = _decode(_json_report.decode, body)
    elif content_type == MSGPACK:
        report = _decode(_msgpack_report.decode, body)
    else:
        raise _unknown_encoding()
    _check_report(report)
    return report


def encode(message: Command | Ack | Will) -> bytes:
    """A command, an acknowledgement or a will, as JSON."""
    return _json_encoder.encode(message)


def decode_command(body: bytes) -> Command:
    """The command in a body."""
    return _bounded(_json_command.decode, body)


def decode_ack(body: bytes) -> Ack:
    """The acknowledgement in a body."""
    return _bounded(_json_ack.decode, body)


def decode_will(body: bytes) -> Will:
    """The will in a body."""
    return _bounded(_json_will.decode, body)


def _bounded(decode: Callable[[bytes], T], body: bytes) -> T:
    if len(body) > MAX_BODY:
        raise _oversize(len(body))
    return _decode(decode, body)


def _decode(decode: Callable[[bytes], T], body: bytes) -> T:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise unfit(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WireError(WireErrorCode.SYNTAX, "body", "is not well-formed in its encoding") from None
    except RecursionError:
        # msgspec skips unknown fields recursively: a nest of brackets ends here.
        raise WireError(WireErrorCode.SYNTAX, "body", "is nested too deeply") from None


NO_VALUE: Final = "holds a value that no signal can have"
_BOUNDS: Final = ("Expected `float` >", "Expected `float` <", "Number out of range")


def unfit(error: msgspec.ValidationError) -> WireError:
    """What msgspec refused, as an error of the wire: where, ``$`` where it names no place."""
    # Its text ends with " - at `$.items[0].value`"; the part before may quote the content, so it is dropped.
    text = str(error)
    path = text.rpartition(" - at `")[2].removesuffix("`").rpartition("`")[2]  # of a key: "key` in `$.params"
    place = path[:120] if path.startswith("$") and path.isascii() else "$"
    if text.startswith(_BOUNDS):
        return WireError(WireErrorCode.VALUE, place, NO_VALUE)
    return WireError(WireErrorCode.SCHEMA, place, "does not fit the contract")


NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}\Z")
UNIT_FORM: Final = r"[\x21-\x7e]{0,24}"
UNIT: Final = re.compile(UNIT_FORM + r"\Z")
_SEEN_LIMIT: Final = 20_000
_seen_names: Final[set[str]] = set()
_seen_units: Final[set[str]] = set()


def _check_report(report: Report) -> None:
    """What the types alone don't say: columns of one length, names, a bound over all items."""
    total = 0
    for index, item in enumerate(report.items):
        if type(item) is Readings:
            total += len(item.metric)
            _check_readings(index, item)
    if total > MAX_READINGS:
        raise WireError(WireErrorCode.SCHEMA, "$.items", f"hold more than {MAX_READINGS} readings")


def _check_readings(index: int, item: Readings) -> None:
    rows = len(item.metric)
    if len(item.value) != rows:
        raise _columns(index, "value")
    if item.dt is not None and len(item.dt) != rows:
        raise _columns(index, "dt")
    if item.quality is not None and len(item.quality) != rows:
        raise _columns(index, "quality")
    if not _seen_names.issuperset(item.metric):
        _check_texts(f"$.items[{index}].metric", item.metric, NAME, _seen_names)
    if item.unit is not None:
        if len(item.unit) != rows:
            raise _columns(index, "unit")
        if not _seen_units.issuperset(item.unit):
            _check_texts(f"$.items[{index}].unit", item.unit, UNIT, _seen_units)


def _check_values(report: Report) -> None:
    """The decoder refuses these numbers, the encoder doesn't know of them."""
    for index, item in enumerate(report.items):
        if not all(-MAX_VALUE <= value <= MAX_VALUE for value in _numbers_of(item)):
            raise WireError(WireErrorCode.VALUE, f"$.items[{index}]", NO_VALUE)


def _check_texts(where: str, texts: list[str], pattern: re.Pattern[str], seen: set[str]) -> None:
    for text in texts:
        if not pattern.match(text):
            raise WireError(WireErrorCode.SCHEMA, where, "holds a text that is no name of the contract")
    if len(seen) > _SEEN_LIMIT:  # a hostile device can't grow it without end
        seen.clear()
    seen.update(texts)


def _numbers_of(item: Item) -> list[float]:
    """The free numbers of an item."""
    if type(item) is Readings:
        return item.value
    if type(item) is Fault:
        return [value for value in item.params.values() if isinstance(value, float)]
    if type(item) is Reply and item.verdict is not None:
        return [value for step in item.verdict.steps for value in step.values.values() if isinstance(value, float)]
    if type(item) is Heartbeat:
        return [item.uptime_s]
    if type(item) is Birth:
        return [item.interval_s]
    return []


def _columns(index: int, column: str) -> WireError:
    return WireError(WireErrorCode.SCHEMA, f"$.items[{index}].{column}", "has not the length of its metric column")


def _oversize(size: int) -> WireError:
    return WireError(WireErrorCode.OVERSIZE, "body", f"has {size} bytes, more than {MAX_BODY}")


def _unknown_encoding() -> WireError:
    return WireError(WireErrorCode.ENCODING, "content type", f"is neither {JSON} nor {MSGPACK}")
