"""Dead letters: what of a message could not be understood or stored, and why."""

from typing import Any, Final

from msgspec import Struct

from ingest.memory import LANES
from ingest.mqtt import Message
from wire.report import Numbers
from wire.topics import Lane

UNKNOWN_BODY: Final = 1024
"""Bytes kept of a dead letter that is no device's of ours: anybody could fill the disk with them."""


class Letter(Struct, kw_only=True):
    """One before it is written. ``parts``: how many places of its message are wrong."""

    message: Message
    device_id: int | None
    lane: Lane
    numbers: Numbers | None
    code: str
    place: str
    detail: str
    parts: int = 1


def letter_row(letter: Letter, *, at: Any) -> tuple[Any, ...]:
    """The row of ``write_letters``. What is the sender's in it is cut, and holds no NUL: no text column can."""
    message = letter.message
    body = message.body if letter.device_id is not None else message.body[:UNKNOWN_BODY]
    return (
        at,
        message.partition,
        letter.device_id,
        _text(message.topic, 200),
        LANES[letter.lane],
        None if letter.numbers is None else letter.numbers.epoch,
        None if letter.numbers is None else letter.numbers.seq,
        letter.code,
        _text(letter.place, 200),
        _text(letter.detail, 500),
        _text(message.content_type or "", 100),
        body,
    )


def _text(text: str, most: int) -> str:
    return text.replace("\x00", "\ufffd")[:most]
