"""Paging by key: a page ends with a cursor, the key of its last row, and the next page begins behind that.

A cursor is opaque to clients. It opens nothing by itself: the query it goes into is bound by the account's tenancy.
"""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from api.http.problems import invalid

MAX_LIMIT: Final = 1000
K = TypeVar("K", bound=msgspec.Struct)
R = TypeVar("R")
T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has at most.", examples=[100])]
Cursor = Annotated[
    str | None,
    Query(
        alias="next",
        max_length=4000,
        pattern=r"^[A-Za-z0-9_\-]+$",
        description="`next` of the page before, as it was given; none: the first page.",
    ),
]


BigInt = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(max_length=400, pattern="^[^\\x00]*$")]
Rank = Annotated[int, msgspec.Meta(ge=1, le=4)]
Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


class ById(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of a list in the order of ids."""

    id: BigInt


class ByTime(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of a list in the order of time."""

    at: Zoned
    id: BigInt


class ByTimeOfAlert(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of the list of alerts."""

    at: Zoned
    id: UUID


class ByUrgency(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of a list by urgency; `rank`: of the severity, 1 the worst."""

    rank: Rank
    at: Zoned
    id: BigInt


class ByUrgencyOfAlert(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of the list of alerts by urgency."""

    rank: Rank
    at: Zoned
    id: UUID


class ByPlace(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of the list of devices; `rank`: of how it is, 0 where that is no part of the order; names: of its place
    and its own, empty where they aren't."""

    rank: Annotated[int, msgspec.Meta(ge=0, le=4)]
    hospital: Name
    site: Name
    name: Name
    id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class ByReading(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A reading has no key of its own: a page goes on at the last one's time and metric, less those `shown` of them."""

    at: Zoned
    metric: BigInt
    shown: Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class ByName(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The key of a list in the order of names."""

    name: str


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: Annotated[
        str | None, Field(description="Give it as `?next=` for the next page; null: this was the last one.")
    ]


def encode(kind: str, key: msgspec.Struct) -> str:
    """The cursor of a key. `kind` names the list it belongs to."""
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
    except (ValueError, msgspec.DecodeError):
        pass
    raise invalid("query.next", "This is not a cursor of this list: give `next` of the page before, or leave it out.")


def page(
    kind: str, rows: Sequence[R], limit: int, *, item: Callable[[R], T], key: Callable[[R], msgspec.Struct]
) -> Page[T]:
    """A page from up to `limit` + 1 rows: the one too many only says that there are more."""
    shown = rows[:limit]
    behind = encode(kind, key(shown[-1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in shown], next=behind)


def id_of(key: ById | None) -> int | None:
    """The id of a cursor, for the statement; None: from the beginning."""
    return None if key is None else key.id
