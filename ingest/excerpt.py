"""The structure of a body without what is in it: what may be shown of a message that anybody may have made."""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import fields

from ingest.ports import Applied
from wire.codec import JSON, MSGPACK
from wire.commands import Will
from wire.items import Item, Refusal, StepResult, Verdict
from wire.report import Numbers, Report

LONGEST: Final = 500
"""Characters of an excerpt."""
READ: Final = 64 * 1024
"""Bytes of a body beyond which it isn't opened for its structure: a flood of large ones must not keep ingest busy."""
_DEPTH: Final = 12
_ENTRIES: Final = 3
"""Of a list; the others are counted. A thousand items of one report look alike."""
_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in Item.__args__)
_STRUCTS: Final[tuple[Any, ...]] = (Report, *Item.__args__, Refusal, StepResult, Verdict, Will, Applied, Numbers)
NAMES: Final = frozenset(["t", *(field.encode_name for struct in _STRUCTS for field in fields(struct))])
"""Every name of a field that a body may have by the contract, or ingest's own ``Applied``."""


def excerpt(body: bytes, content_type: str | None) -> str:
    """What the body looks like, in at most ``LONGEST`` characters, none of them the sender's.

    Fields of the contract and tags of items stand as they are, any other key is ``?``, a value is its type:
    ``{at: number, items: [{t: "fault", code: text(12), ?: text(9)}, +2]}``. What can't be read says where it ends,
    such as ``text, no JSON from byte 17``. Never raises: whatever comes, its letter must be written.
    """
    if len(body) > READ:
        return _kind(body)
    try:
        if content_type == MSGPACK:
            return _cut(_outline(msgspec.msgpack.decode(body), _DEPTH))
        if content_type in (None, JSON):
            text = body.decode("utf-8", "surrogateescape")
            return _cut(_outline(json.loads(text, parse_int=float), _DEPTH))
    except json.JSONDecodeError as error:
        return f"{_kind(body)}, no JSON from character {error.pos}"
    except (ValueError, RecursionError, msgspec.MsgspecError):
        pass
    return _kind(body)


def _kind(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"no UTF-8 from byte {error.start}"
    return "text" if body else "empty"


def _cut(pieces: Iterator[str]) -> str:
    """As much as fits. Each piece has a character at least, so no more is looked at than is shown."""
    out: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length >= LONGEST:
            return "".join(out) + "…"
        out.append(piece)
    return "".join(out)


def _outline(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list):
        if depth == 0:
            yield "…"
        elif isinstance(value, dict):
            yield from _of_object(value, depth - 1)
        else:
            yield from _of_list(value, depth - 1)
    elif isinstance(value, str):
        yield f"text({len(value)})"
    elif isinstance(value, bytes | bytearray):
        yield f"bytes({len(value)})"
    elif value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "boolean"
    elif isinstance(value, int | float):
        yield "number"
    else:
        yield "other"  # MessagePack's times and extensions


def _of_object(entries: dict[object, object], depth: int) -> Iterator[str]:
    yield "{"
    for number, (key, value) in enumerate(entries.items()):
        name = key if isinstance(key, str) and key in NAMES else "?"
        yield f"{', ' if number else ''}{name}: "
        if name == "t" and isinstance(value, str) and value in _TAGS:
            yield f'"{value}"'
        else:
            yield from _outline(value, depth)
    yield "}"


def _of_list(entries: list[object], depth: int) -> Iterator[str]:
    yield "["
    for number, value in enumerate(entries[:_ENTRIES]):
        if number:
            yield ", "
        yield from _outline(value, depth)
    if len(entries) > _ENTRIES:
        yield f", +{len(entries) - _ENTRIES}"
    yield "]"
