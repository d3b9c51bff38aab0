"""Hospitals and their sites. Each in the caller's transaction, with its entry in the audit log."""

from datetime import datetime
from typing import Final

from psycopg.rows import DictRow

from people.audit.chain import Entry, append
from people.errors import HospitalHiddenError, SiteTakenError
from people.roles import Kind
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


async def sites(connection: Connection, *, above: int | None, hospital: int | None, limit: int) -> list[DictRow]:
    """Sites (`id`, `org_id`, `name`, `time_zone`, `hospital`) in the order of their ids."""
    return await _SQL.many(connection, "sites", {"above": above, "hospital": hospital, "limit": limit})


async def find_site(connection: Connection, id_: int) -> DictRow | None:
    """The site of an id, as `sites` has it."""
    return await _SQL.one(connection, "site_by_id", {"id": id_})


async def find_org(connection: Connection, id_: int, *kinds: Kind) -> DictRow | None:
    """The organisation (`id`, `name`, `kind`) of an id, if it is of one of the kinds."""
    row = await _SQL.one(connection, "org", {"id": id_})
    return row if row is not None and row["kind"] in kinds else None


async def orgs(connection: Connection) -> list[DictRow]:
    """Every organisation (`id`, `name`, `kind`) that the transaction sees, in the order of their ids."""
    return await _SQL.many(connection, "orgs")


async def find_or_make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow:
    """The site of these names, made if it is new, and so is its hospital. Raises HospitalHiddenError."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, actor=actor, now=now)
    found = made or await _SQL.one(connection, "site_by_name", {"org": known, "site": site})
    assert found is not None  # noqa: S101 - it was in the way of the new one, and sites are never deleted
    return found


async def make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow:
    """A new site, and its hospital where there is none of this name yet. Raises SiteTakenError,
    HospitalHiddenError."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, actor=actor, now=now)
    if made is None:
        raise SiteTakenError
    return made


async def _find_or_make_hospital(connection: Connection, name: str) -> int:
    """Whoever is the second to use a name at one moment waits for the first, and finds what that one made."""
    row = await _SQL.one(connection, "find_or_make_hospital", {"hospital": name})
    if row is None or row["id"] is None:
        raise HospitalHiddenError
    return int(row["id"])


async def _make_site(
    connection: Connection, hospital: int, *, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow | None:
    """The new site; None if the hospital has one of this name."""
    made = await _SQL.one(connection, "add_site", {"org": hospital, "site": site, "time_zone": time_zone})
    row = None if made is None else await find_site(connection, made["id"])
    if row is None:
        return None
    entry = Entry(
        org=hospital,
        at=now,
        actor=actor,
        action="site-created",
        subject=f"site:{row['id']}",
        detail={"hospital": row["hospital"], "site": site},
    )
    await append(connection, entry)
    return row
