"""Who is told of tickets, as people enter and test them. Each in the caller's transaction."""

from datetime import datetime
from typing import Any, Final

from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

MOST: Final = 500
"""Recipients of a dealer or a hospital: each of them is sent a message of each of its tickets."""
_SQL: Final = queries_beside(__file__)


async def recipients(connection: Connection, *, part: str | None, above: int | None, limit: int) -> list[DictRow]:
    """All that the transaction sees, in the order of their ids: the columns of `recipient`, but for when it rests, and
    the `owner_kind`. `part`: of the name, or of the hospital's or dealer's whose tickets they are."""
    return await _SQL.many(connection, "recipients", {"part": part, "above": above, "limit": limit})


async def has_room(connection: Connection, owner: int) -> bool:
    """Whether an owner may have one more (MOST)."""
    row = await _SQL.one(connection, "recipients_of", {"owner": owner})
    return row is None or row["count"] < MOST


async def find_recipient(connection: Connection, id_: int) -> DictRow | None:
    """The recipient of an id, as `recipients` has it."""
    return await _SQL.one(connection, "recipient", {"id": id_})


async def add_recipient(
    connection: Connection,
    *,
    owner: int,
    org: int | None,
    name: str,
    address: str,
    language: str,
    active: bool,
    heads: bool,
) -> DictRow | None:
    """A new one of a dealer or a hospital (`owner`), told of a hospital's tickets alone (`org`) or of all; None: the
    name is taken."""
    where = {"owner": owner, "org": org, "name": name, "address": address}
    return await _SQL.one(
        connection, "add_recipient", {**where, "language": language, "active": active, "heads": heads}
    )


async def change_recipient(
    connection: Connection,
    id_: int,
    *,
    version: int,
    name: str | None,
    address: str | None,
    language: str | None,
    active: bool | None,
    heads: bool | None,
) -> DictRow | None:
    """What is None stays; of another address nothing is known yet. None: it has another version by now. Raises
    psycopg's UniqueViolation: the name is taken."""
    what: dict[str, Any] = {"name": name, "address": address, "language": language, "active": active, "heads": heads}
    return await _SQL.one(connection, "change_recipient", {"id": id_, "version": version, **what})


async def test_recipient(connection: Connection, id_: int, *, now: datetime) -> DictRow | None:
    """Have a test message sent, at once where the channel rests after a failure; None: there is no such recipient."""
    return await _SQL.one(connection, "test_recipient", {"id": id_, "now": now})
