"""Whom to call at a hospital. Each in the caller's transaction, with its entry in the audit log, which never says who
it is: an entry can't be forgotten, and a contact goes when it is removed (ADR 0044)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from psycopg.rows import DictRow

from people.audit.chain import Entry, append
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
FIELDS: Final = ("site", "name", "part", "phone", "hours", "night")


class Part(StrEnum):
    """Of which part of the hospital somebody is: 科室, 设备科, 信息科."""

    DEPARTMENT = "department"
    EQUIPMENT = "equipment"
    IT = "it"
    OTHER = "other"


async def contacts(
    connection: Connection,
    *,
    id_: int | None = None,
    hospital: int | None = None,
    site: int | None = None,
    above: int | None = None,
    limit: int = 1,
) -> list[DictRow]:
    """Contacts in the order of their ids: the columns of `contact`, and what `hospital` and `site` are called.

    `site`: its own and those of its whole hospital.
    """
    asked = {"id": id_, "hospital": hospital, "of": site, "above": above, "limit": limit}
    return await _SQL.many(connection, "contacts", asked)


async def add_contact(
    connection: Connection, *, org: int, what: Mapping[str, Any], actor: str, now: datetime
) -> DictRow:
    """A new one of a hospital. `what`: a value for each of FIELDS; a `site` that isn't the hospital's is psycopg's
    ForeignKeyViolation."""
    made = await _SQL.one(connection, "add_contact", {"org": org, **what})
    assert made is not None  # noqa: S101 - INSERT … RETURNING
    await _tell(connection, org, made["id"], "contact-created", actor, now)
    [row] = await contacts(connection, id_=made["id"])
    return row


async def change_contact(
    connection: Connection, before: DictRow, *, what: Mapping[str, Any], version: int, actor: str, now: datetime
) -> DictRow | None:
    """Change those of FIELDS that are in `what`; None: it has another version by now. A `site`: as `add_contact`."""
    kept = {name: before["site_id" if name == "site" else name] for name in FIELDS}
    changed = {"id": before["id"], "version": version, **kept, **what}
    if await _SQL.one(connection, "change_contact", changed) is None:
        return None
    await _tell(connection, before["org_id"], before["id"], "contact-changed", actor, now)
    [row] = await contacts(connection, id_=before["id"])
    return row


async def remove_contact(connection: Connection, id_: int, *, actor: str, now: datetime) -> bool:
    """It is gone for good; False: there is none."""
    gone = await _SQL.one(connection, "remove_contact", {"id": id_})
    if gone is None:
        return False
    await _tell(connection, gone["org_id"], id_, "contact-removed", actor, now)
    return True


async def _tell(connection: Connection, org: int, id_: int, action: str, actor: str, now: datetime) -> None:
    entry = Entry(org=org, at=now, actor=actor, action=action, subject=f"contact:{id_}", detail={})
    await append(connection, entry)
