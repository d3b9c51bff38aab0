"""Organisations and hospitals' sites. Each in the caller's transaction, with its entry in the audit log."""

from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import DictRow

from people.audit.chain import Detail, Entry, append
from people.errors import HospitalHiddenError, OrgTakenError, SharedPlaceError, SiteTakenError
from people.roles import OPERATOR, Kind
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


async def sites(
    connection: Connection, *, above: int | None, hospital: int | None, part: str | None, limit: int
) -> list[DictRow]:
    """Sites (`id`, `org_id`, `name`, `time_zone`, `address`, `version`, `hospital`, and `shared`: another dealer works
    there too) in the order of their ids. `part`: of the name, the hospital's, or the address."""
    asked = {"above": above, "hospital": hospital, "part": part, "limit": limit}
    return await _SQL.many(connection, "sites", asked)


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


async def list_orgs(
    connection: Connection,
    *,
    id_: int | None = None,
    kind: Kind | None = None,
    part: str | None = None,
    above: str | None = None,
    limit: int,
) -> list[DictRow]:
    """Organisations (`id`, `name`, `kind`, `prefix`, `version`, how many `sites`, `shared` as `sites` has it) that the
    transaction sees, in the order of their names. `part`: of the name."""
    asked = {"id": id_, "kind": kind, "part": part, "above": above, "limit": limit}
    return await _SQL.many(connection, "orgs_page", asked)


async def rename_org(
    connection: Connection, before: DictRow, *, name: str, version: int, actor: str, now: datetime
) -> DictRow | None:
    """Call a dealer or hospital (of `list_orgs`) otherwise; None: it has another version by now.

    Raises OrgTakenError, SharedPlaceError.
    """
    if before["shared"]:
        raise SharedPlaceError
    try:
        async with connection.transaction():
            changed = await _SQL.one(connection, "rename_org", {"id": before["id"], "name": name, "version": version})
    except psycopg.errors.UniqueViolation:
        raise OrgTakenError from None
    if changed is None:
        return None
    org = before["id"] if before["kind"] == Kind.HOSPITAL else OPERATOR
    detail: Detail = {"old": before["name"], "new": name}
    await append(
        connection,
        Entry(org=org, at=now, actor=actor, action="org-renamed", subject=f"org:{before['id']}", detail=detail),
    )
    [row] = await list_orgs(connection, id_=before["id"], limit=1)
    return row


async def change_site(
    connection: Connection,
    before: DictRow,
    *,
    name: str | None,
    time_zone: str | None,
    address: str | None,
    version: int,
    actor: str,
    now: datetime,
) -> DictRow | None:
    """Change a site (of `find_site`); what is None stays. None: it has another version by now.

    Raises SiteTakenError, SharedPlaceError.
    """
    if before["shared"]:
        raise SharedPlaceError
    what = {"name": name, "time_zone": time_zone, "address": address}
    try:
        async with connection.transaction():
            changed = await _SQL.one(connection, "change_site", {"id": before["id"], "version": version, **what})
    except psycopg.errors.UniqueViolation:
        raise SiteTakenError from None
    if changed is None:
        return None
    entry = Entry(
        org=before["org_id"],
        at=now,
        actor=actor,
        action="site-changed",
        subject=f"site:{before['id']}",
        detail={name: value for name, value in what.items() if value is not None},
    )
    await append(connection, entry)
    return await find_site(connection, before["id"])


async def find_or_make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, actor: str, now: datetime
) -> DictRow:
    """The site of these names, made if it is new, and so is its hospital. Raises HospitalHiddenError."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, address="", actor=actor, now=now)
    found = made or await _SQL.one(connection, "site_by_name", {"org": known, "site": site})
    assert found is not None  # noqa: S101 - it was in the way of the new one, and sites are never deleted
    return found


async def make_site(
    connection: Connection, *, hospital: str, site: str, time_zone: str, address: str, actor: str, now: datetime
) -> DictRow:
    """A new site, and its hospital where there is none of this name yet. Raises SiteTakenError,
    HospitalHiddenError."""
    known = await _find_or_make_hospital(connection, hospital)
    made = await _make_site(connection, known, site=site, time_zone=time_zone, address=address, actor=actor, now=now)
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
    connection: Connection, hospital: int, *, site: str, time_zone: str, address: str, actor: str, now: datetime
) -> DictRow | None:
    """The new site; None if the hospital has one of this name."""
    what = {"org": hospital, "site": site, "time_zone": time_zone, "address": address}
    made = await _SQL.one(connection, "add_site", what)
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
