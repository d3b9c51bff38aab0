"""Paging by key: a page ends with a cursor, the key of its last row, and the next page begins behind that.

A cursor is opaque to clients. It opens nothing by itself: the query it goes into is bound by the account's tenancy.
"""

import base64
import binascii
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from api.problems import invalid

MAX_LIMIT: Final = 1000
K = TypeVar("K")
T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has at most.", examples=[100])]
Cursor = Annotated[
    str | None,
    Query(
        alias="next",
        max_length=200,
        pattern=r"^[A-Za-z0-9_\-]+$",
        description="`next` of the page before, as it was given; none: the first page.",
    ),
]


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: Annotated[
        str | None, Field(description="Give it as `?next=` for the next page; null: this was the last one.")
    ]


def encode(kind: str, key: object) -> str:
    """The cursor of a key: a tuple of what `decode` gets as its type. `kind` names the list it belongs to."""
    return base64.urlsafe_b64encode(msgspec.json.encode((kind, key))).decode().rstrip("=")


def decode(kind: str, cursor: str | None, key: type[K]) -> K | None:
    """The key of a cursor; None where there is none. Raises Problem 422 for what isn't a cursor of this list."""
    if cursor is None:
        return None
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found, raw = msgspec.json.decode(packed, type=tuple[str, msgspec.Raw])
        if found == kind:
            return msgspec.json.decode(raw, type=key)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise invalid("query.next", "This is not a cursor of this list: give `next` of the page before, or leave it out.")


def cut(rows: list[T], limit: int) -> tuple[list[T], T | None]:
    """A page from up to `limit` + 1 rows, and its last row if there are more behind it."""
    return (rows[:limit], rows[limit - 1]) if len(rows) > limit else (rows, None)
