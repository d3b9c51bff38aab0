"""Hospitals and their sites. Each in the caller's transaction, with its entry in the audit log."""

from datetime import datetime
from typing import Final

from psycopg.rows import DictRow

from people.audit.chain import Entry, append
from people.errors import SiteTakenError
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


async def sites(connection: Connection, *, above: int | None, hospital: int | None, limit: int) -> list[DictRow]:
    """Sites (`id`, `org_id`, `name`, `time_zone`, `hospital`) in the order of their ids."""
    return await _SQL.many(connection, "sites", {"above": above, "hospital": hospital, "limit": limit})


async def find_site(connection: Connection, id_: int) -> DictRow | None:
    """The site of an id, as `sites` has it."""
    return await _SQL.one(connection, "site_by_id", {"id": id_})


async def find_hospital(connection: Connection, id_: int) -> DictRow | None:
    """The hospital (`id`, `name`) of an id."""
    return await _SQL.one(connection, "hospital", {"id": id_})


async def find_or_make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow:
    """The site of these names, made if it is new, and so is its hospital."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, actor=actor, now=now)
    found = made or await _SQL.one(connection, "site_by_name", {"org": known["id"], "site": site})
    assert found is not None  # noqa: S101 - it was in the way of the new one, and sites are never deleted
    return found


async def make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow:
    """A new site, and its hospital where there is none of this name yet. Raises SiteTakenError."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, actor=actor, now=now)
    if made is None:
        raise SiteTakenError
    return made


async def _find_or_make_hospital(connection: Connection, name: str) -> DictRow:
    """Whoever is the second to use a name at one moment waits for the first, and finds what that one made."""
    row = await _SQL.one(connection, "add_hospital", {"hospital": name}) or await _SQL.one(
        connection, "hospital_by_name", {"hospital": name}
    )
    assert row is not None  # noqa: S101 - it was in the way of the new one, and hospitals are never deleted
    return row


async def _make_site(
    connection: Connection, hospital: DictRow, *, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow | None:
    """The new site; None if the hospital has one of this name."""
    made = await _SQL.one(connection, "add_site", {"org": hospital["id"], "site": site, "time_zone": time_zone})
    if made is None:
        return None
    entry = Entry(
        org=hospital["id"],
        at=now,
        actor=actor,
        action="site-created",
        subject=f"site:{made['id']}",
        detail={"hospital": hospital["name"], "site": site},
    )
    await append(connection, entry)
    return await find_site(connection, made["id"])
