"""The audit log: append-only, and chained by hashes so that a change or a hole shows.

There is one chain per organisation, so that a hospital sees its chain whole and can verify it by itself; what is done
with its equipment stands there, whoever did it. A chain without an organisation is the provider's of before there were
dealers, and closed. hash = SHA-256(canonical JSON of the entry, then the previous hash). Canonical JSON: the keys
action, actor, at (RFC 3339 UTC with 6 decimals), detail, org, subject, in order, no spaces, UTF-8. The first entry's
previous hash is 32 zero bytes. Cutting off the newest entries, or writing all of them anew, shows only to who kept a
later hash: people/audit/heads.py.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

ACTIONS: Final[frozenset[str]] = frozenset(json.loads((Path(__file__).parent / "actions.json").read_bytes()))
"""What an entry that is written now can say was done. The console has words for each."""
GENESIS: Final = bytes(32)
STEP: Final = 2000
"""Entries read at once: some megabytes at most."""
Detail = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that was done. `org`: whose chain, None: the closed one. `detail` holds no secrets."""

    org: int | None
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Detail


@dataclass(frozen=True, kw_only=True)
class Link:
    """An entry as it stands in its chain. `position`: its number there, from 1."""

    id: int
    position: int
    entry: Entry
    previous: bytes
    hash: bytes


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A chain as the database has it: how many entries, and the hash of the last. `signed`: see heads.py."""

    id: int
    org: int | None
    entries: int
    head: bytes
    signed: Mapping[str, Any] | None


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


async def append(connection: Connection, entry: Entry) -> None:
    """Write an entry in the transaction of what it tells of. Chains are serialised by a lock held until its end.

    Whose chain it is needn't be who writes: a dealer's act on a hospital's equipment is the hospital's to know.
    Raises ValueError where its action is none of ACTIONS.
    """
    if entry.action not in ACTIONS:
        raise ValueError(f"audit: `{entry.action}` isn't in actions.json, so nobody would have words for it")
    await _SQL.run(connection, "audit_lock", {"org": entry.org})
    last = await _SQL.one(connection, "audit_last", {"org": entry.org})
    previous = GENESIS if last is None or last["head"] is None else bytes(last["head"])
    await _SQL.run(
        connection,
        "audit_append",
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


async def read_chains(connection: Connection) -> list[Chain]:
    """All chains that the transaction sees."""
    return [_chain(row) for row in await _SQL.many(connection, "audit_chains", {})]


async def note_signed(connection: Connection, chain_id: int, line: bytes) -> None:
    """Keep a copy of a signed head, its line of JSON, beside its chain: the file of heads says what was signed."""
    await _SQL.run(connection, "audit_signed", {"chain": chain_id, "signed": line.decode()})


async def chain_of(connection: Connection, org: int | None) -> Chain | None:
    """The chain of an organisation; None: nothing was done yet, or it isn't to be seen."""
    row = await _SQL.one(connection, "audit_chain_of", {"org": org})
    return None if row is None else _chain(row)


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which entries of a chain: all that isn't None must be so. `part`: of subject or actor; `until` is not in it."""

    actor: str | None = None
    action: str | None = None
    part: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page_of(
    connection: Connection, org: int | None, sought: Sought, *, below: int | None, limit: int
) -> list[DictRow]:
    """Rows of an organisation's chain from the latest on, below a position."""
    return await _SQL.many(connection, "audit_page", {"org": org, "below": below, "limit": limit, **vars(sought)})


async def read_links(
    connection: Connection, chain: int, *, behind: int = 0, most: int | None = None
) -> AsyncIterator[Link]:
    """The entries of a chain behind a position, oldest first, `most` of them."""
    left = most
    while left is None or left > 0:
        limit = STEP if left is None else min(STEP, left)
        rows = await _SQL.many(connection, "audit_walk", {"chain": chain, "behind": behind, "limit": limit})
        for row in rows:
            yield link_of(row)
        if len(rows) < limit:
            return
        behind = rows[-1]["position"]
        left = None if left is None else left - limit


def link_of(row: Mapping[str, Any]) -> Link:
    """An entry, of a row of `audit`."""
    entry = Entry(
        org=row["org_id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
    )
    return Link(
        id=row["id"],
        position=row["position"],
        entry=entry,
        previous=bytes(row["previous"]),
        hash=bytes(row["hash"]),
    )


def _chain(row: Mapping[str, Any]) -> Chain:
    return Chain(id=row["id"], org=row["org_id"], entries=row["entries"], head=bytes(row["head"]), signed=row["signed"])
