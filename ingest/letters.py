"""Dead letters: that a message could not be understood or stored, where and why; never what was in it (ADR 0029).

Whoever sends rubbish chooses what is in it: a patient's name in clear, or as much of it as fills a disk. So a letter
holds no word of the sender's, and letters alike of ``FOLD`` are one row with a count.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from psycopg import AsyncConnection

from ingest.excerpt import NAMES, excerpt
from ingest.memory import LANES, SQL
from ingest.message import Message
from ingest.ports import Device
from wire.codec import JSON, MSGPACK
from wire.errors import WireError
from wire.report import Numbers
from wire.topics import Lane

FOLD: Final = timedelta(minutes=10)
EACH: Final = 10
"""Kinds of letters, told apart by code and place, that a device has of its own in ``FOLD`` and lane. What is beyond is
counted without its place, in a row for each code. All senders of a partition that are none of ours are as one device.
"""
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PATH: Final = rf"\$(?:\.(?:{'|'.join(sorted(NAMES))})|\[\d+\]|\[\.\.\.\])*"
_WORDS: Final = "topic|packet|content type|body|device|epoch|seq|floor|head|again|offset|sent|database|to_judge"
_PLACE: Final = re.compile(rf"(?:{_PATH}|{_WORDS})(?: and \d+ more)?\Z")
"""What a place may be: a path along fields of the contract, or a word of ours."""


class Letter(Struct, kw_only=True):
    """One before it is written. ``device_id`` and ``uid`` None: not a device of ours. ``body`` is only measured.
    ``parts``: how many places of its message are wrong. ``count``: messages alike that it stands for."""

    partition: int
    device_id: int | None
    uid: str | None
    lane: Lane
    numbers: Numbers | None
    code: str
    place: str
    detail: str
    content_type: str | None
    body: bytes
    parts: int = 1
    count: int = 1


def letter_of(
    message: Message, device: Device | None, lane: Lane, numbers: Numbers | None, error: WireError, parts: int
) -> Letter:
    """The letter of a message; of its place only what can't be the sender's, in 200 characters at most."""
    places = [each if _PLACE.match(each) else "?" for each in error.where.split(", ")]
    return Letter(
        partition=message.partition,
        device_id=None if device is None else device.id,
        uid=None if device is None else device.uid,
        lane=lane,
        numbers=numbers,
        code=error.code.value,
        place=", ".join(places)[:200],
        detail=error.detail[:200],
        content_type=message.content_type,
        body=message.body,
        parts=parts,
    )


def folded(letters: Iterable[Letter]) -> list[Letter]:
    """Letters of one lane and moment, those alike as one, and of each sender ``EACH`` places at most."""
    first: dict[Any, Letter] = {}
    counts: Counter[Any] = Counter()
    kinds: Counter[Any] = Counter()
    for letter in letters:
        of = (letter.partition, letter.device_id)
        key = (of, letter.code, letter.place)
        if key not in first:
            if kinds[of] >= EACH:
                key = (of, letter.code, "")
            if key not in first:
                kinds[of] += 1
                first[key] = replace(letter, place=key[-1])
        counts[key] += letter.count
    return [replace(letter, count=counts[key]) for key, letter in first.items()]


async def write_letters(connection: AsyncConnection[Any], letters: Iterable[Letter], *, at: datetime) -> list[Letter]:
    """Write letters of one lane; returns those that are the first of their kind within ``FOLD``, which a person is to
    be told of."""
    rows = folded(letters)
    begun = []
    async with connection.cursor() as cursor:
        await cursor.executemany(SQL["write_letters"], [_row(letter, at=at) for letter in rows], returning=True)
        for letter in rows:
            written = await cursor.fetchone()
            if written is not None and written[0] == letter.count:
                begun.append(letter)
            cursor.nextset()
    return begun


def _row(letter: Letter, *, at: datetime) -> dict[str, Any]:
    numbers, kind = letter.numbers, letter.content_type or ""
    return {
        "partition": letter.partition,
        "device": letter.device_id or 0,
        "lane": LANES[letter.lane],
        "began": _BEGINNING + (at - _BEGINNING) // FOLD * FOLD,
        "at": at,
        "count": letter.count,
        "code": letter.code,
        "place": letter.place,
        "detail": letter.detail,
        "epoch": None if numbers is None else numbers.epoch,
        "seq": None if numbers is None else numbers.seq,
        "content_type": kind if kind in ("", JSON, MSGPACK) else "other",
        "digest": sha256(letter.body).digest(),
        "bytes": len(letter.body),
        "excerpt": excerpt(letter.body, letter.content_type),
        "each": EACH,
    }
