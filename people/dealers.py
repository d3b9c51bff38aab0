"""Dealers, and who of them serves a device since when."""

from datetime import datetime, timedelta
from typing import Final

import psycopg
from psycopg.rows import DictRow

from people.audit.chain import Detail, Entry, append
from people.errors import DealerTakenError, ServiceError
from people.roles import OPERATOR
from store.pool import Connection
from store.sql import queries_beside

FARTHEST: Final = timedelta(days=366)
"""Ahead: a contract's end is planned months before it."""
_SQL: Final = queries_beside(__file__)


async def dealers(
    connection: Connection, *, id_: int | None = None, above: int | None = None, limit: int
) -> list[DictRow]:
    """Dealers (`id`, `name`, `prefix` of their tickets' numbers) in the order of their ids."""
    return await _SQL.many(connection, "dealers", {"id": id_, "above": above, "limit": limit})


async def only_dealer(connection: Connection) -> int | None:
    """The dealer's id where there is one alone."""
    row = await _SQL.one(connection, "only_dealer")
    return None if row is None else row["id"]


async def make_dealer(connection: Connection, *, name: str, prefix: str, actor: str, now: datetime) -> DictRow:
    """A new dealer. Raises DealerTakenError."""
    try:
        async with connection.transaction():
            row = await _SQL.one(connection, "add_dealer", {"name": name, "prefix": prefix})
    except psycopg.errors.UniqueViolation as error:
        raise DealerTakenError("prefix" if error.diag.constraint_name == "org_prefix_key" else "name") from None
    assert row is not None  # noqa: S101 - INSERT … RETURNING
    entry = Entry(
        org=OPERATOR,
        at=now,
        actor=actor,
        action="dealer-created",
        subject=f"org:{row['id']}",
        detail={"name": name, "prefix": prefix},
    )
    await append(connection, entry)
    return row


async def services(connection: Connection, device: int) -> list[DictRow]:
    """From when until when (`since`, `until`) each dealer (`dealer_id`, `dealer`) served a device, oldest first: to a
    dealer, its own times alone."""
    return await _SQL.many(connection, "services", {"device": device})


async def planned(connection: Connection, device: int) -> DictRow | None:
    """The change that was asked for (`dealer_id`, `dealer`, `due_at`, `asked_by`, `asked_at`): none to a dealer."""
    return await _SQL.one(connection, "service_change", {"device": device})


async def ask_for_change(
    connection: Connection, device: DictRow, *, dealer: int, due: datetime | None, actor: str, now: datetime
) -> None:
    """Have a dealer serve a device from a moment on; None: from now. `steth jobs` carries it out when it is due.

    It replaces what was asked for before. Raises ServiceError.
    """
    if due is not None and due < now:
        raise ServiceError("past")
    if due is not None and due > now + FARTHEST:
        raise ServiceError("too-far")
    if not await dealers(connection, id_=dealer, limit=1):
        raise ServiceError("unknown")
    if dealer == device["dealer_id"]:
        raise ServiceError("same")
    asked = {
        "device": device["key"],
        "org": device["org_id"],
        "dealer": dealer,
        "due": due or now,
        "by": actor,
        "now": now,
    }
    await _SQL.run(connection, "ask_for_change", asked)
    await _tell(connection, device, "service-change-asked", dealer=dealer, due=due or now, actor=actor, now=now)


async def withdraw_change(connection: Connection, device: DictRow, *, actor: str, now: datetime) -> bool:
    """Take back what was asked for and isn't carried out yet; False: there is nothing."""
    row = await _SQL.one(connection, "withdraw_change", {"device": device["key"]})
    if row is not None:
        await _tell(
            connection, device, "service-change-withdrawn", dealer=row["dealer_id"], due=None, actor=actor, now=now
        )
    return row is not None


async def _tell(
    connection: Connection,
    device: DictRow,
    action: str,
    *,
    dealer: int,
    due: datetime | None,
    actor: str,
    now: datetime,
) -> None:
    detail: Detail = {"dealer": dealer, **({} if due is None else {"due": due.isoformat()})}
    entry = Entry(
        org=device["org_id"], at=now, actor=actor, action=action, subject=f"device:{device['uid']}", detail=detail
    )
    await append(connection, entry)
