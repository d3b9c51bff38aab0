"""The audit log: append-only, and chained by hashes so that a change or a hole shows.

There is one chain per organisation and one of the provider's own, so that a hospital sees its chain whole and can
verify it by itself. hash = SHA-256(canonical JSON of the entry, then the previous hash). Canonical JSON: the keys
action, actor, at (RFC 3339 UTC with 6 decimals), detail, org, subject, in order, no spaces, UTF-8. The first entry's
previous hash is 32 zero bytes. Cutting off the newest entries shows only to who kept a later hash.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from psycopg.rows import dict_row

from api.database import QUERIES, one
from store.pool import Connection

GENESIS: Final = bytes(32)
Detail = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that was done. `org`: whose chain, None: the provider's. `detail` holds no secrets."""

    org: int | None
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Detail


@dataclass(frozen=True, kw_only=True)
class Link:
    """An entry as it stands in its chain."""

    id: int
    entry: Entry
    previous: bytes
    hash: bytes


def canonical(entry: Entry) -> bytes:
    """The bytes that are hashed of an entry."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = {
        "action": entry.action,
        "actor": entry.actor,
        "at": at,
        "detail": dict(entry.detail),
        "org": entry.org,
        "subject": entry.subject,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def chained(entry: Entry, previous: bytes) -> bytes:
    """The hash of an entry behind another."""
    return hashlib.sha256(canonical(entry) + previous).digest()


def broken_at(links: Iterable[Link], *, previous: bytes = GENESIS) -> int | None:
    """The id of the first link, oldest first, that doesn't fit behind the one before it; None: all fit."""
    for link in links:
        if link.previous != previous or link.hash != chained(link.entry, previous):
            return link.id
        previous = link.hash
    return None


async def append(connection: Connection, entry: Entry) -> None:
    """Write an entry in the transaction of what it tells of. Chains are serialised by a lock held until its end.

    The transaction must see the entry's organisation (`steth.org`).
    """
    await connection.execute(QUERIES["audit_lock"], {"org": entry.org})
    last = await one(connection, "audit_last", {"org": entry.org})
    previous = GENESIS if last is None else bytes(last["hash"])
    await connection.execute(
        QUERIES["audit_append"],
        {
            "org": entry.org,
            "at": entry.at,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "detail": json.dumps(dict(entry.detail), ensure_ascii=False),
            "previous": previous,
            "hash": chained(entry, previous),
        },
    )


async def read_chain(connection: Connection, org: int | None) -> AsyncIterator[Link]:
    """A chain, oldest first. `org` None: the provider's own."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        async for row in cursor.stream(QUERIES["audit_chain"], {"org": org}):
            entry = Entry(
                org=row["org_id"],
                at=row["at"],
                actor=row["actor"],
                action=row["action"],
                subject=row["subject"],
                detail=row["detail"],
            )
            yield Link(id=row["id"], entry=entry, previous=bytes(row["previous"]), hash=bytes(row["hash"]))
