"""Whom to call at a hospital. They are personal data of its staff: who calls them sees them, and who keeps them.

Those of the dealers that work for the hospital, as long as they do, its own 设备科 and 信息科, and the operator's staff
(ADR 0044).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, NamedId, of_row
from api.people.place_shapes import Contact, ContactChange, NewContact
from people import contacts
from people.places import find_org
from people.roles import Kind

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["sites"])


@router.get("/contacts", responses=problems())
async def list_contacts(
    *,
    asked: Asked,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    site: Annotated[Id | None, Query(description="Its own, and those of its whole hospital.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Contact]:
    """The contacts, in the order they were entered."""
    above = id_of(decode("contacts", after, ById))
    rows = await contacts.contacts(
        asked.connection, hospital=asked.hospital(hospital), site=site, above=above, limit=limit + 1
    )
    return page("contacts", rows, limit, item=_contact, key=lambda row: ById(row["id"]))


@router.post("/contacts", status_code=201, responses=problems(ProblemCode.BUSY, ProblemCode.KEY_REUSED, body=True))
async def add_contact(body: NewContact, asked: Asked, response: Response) -> Contact:
    """Enter somebody to call. Nobody's patient: staff of the hospital, who know that they stand here."""
    hospital = asked.hospital(body.hospital)
    if hospital is None or await find_org(asked.connection, hospital, Kind.HOSPITAL) is None:
        raise invalid("body.hospital", "Name a hospital that this account sees: GET /api/v1/orgs?kind=hospital.")
    what = {name: getattr(body, name) for name in contacts.FIELDS}
    async with _of_the_hospital(asked):
        row = await contacts.add_contact(
            asked.connection, org=hospital, what=what, actor=asked.account.name, now=asked.now
        )
    response.headers["ETag"] = etag(row["version"])
    return _contact(row)


@router.patch(
    "/contacts/{id}",
    responses=problems(ProblemCode.NOT_FOUND, ProblemCode.CHANGED_MEANWHILE, ProblemCode.IF_MATCH_MISSING, body=True),
)
async def change_contact(
    id: Annotated[Id, Path()],  # noqa: A002
    body: ContactChange,
    asked: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> Contact:
    """Change a contact; the ETag is `version` in quotes."""
    found = await contacts.contacts(asked.connection, id_=id)
    if not found:
        raise not_found("contact")
    require_match(if_match, found[0]["version"])
    what = {
        name: value
        for name in body.model_fields_set
        if (value := getattr(body, name)) is not None or name in {"site", "night"}
    }
    async with _of_the_hospital(asked):
        row = await contacts.change_contact(
            asked.connection,
            found[0],
            what=what,
            version=found[0]["version"],
            actor=asked.account.name,
            now=asked.now,
        )
    if row is None:
        raise changed_meanwhile()
    response.headers["ETag"] = etag(row["version"])
    return _contact(row)


@router.delete("/contacts/{id}", status_code=204, responses=problems(ProblemCode.NOT_FOUND))
async def remove_contact(id: Annotated[Id, Path()], asked: Asked) -> Response:  # noqa: A002
    """Remove a contact: name and number are gone for good."""
    if not await contacts.remove_contact(asked.connection, id, actor=asked.account.name, now=asked.now):
        raise not_found("contact")
    return Response(status_code=204)


def _contact(row: DictRow) -> Contact:
    site = None if row["site_id"] is None else NamedId(id=row["site_id"], name=row["site"])
    return of_row(Contact, row, hospital=NamedId(id=row["org_id"], name=row["hospital"]), site=site)


@asynccontextmanager
async def _of_the_hospital(asked: Session) -> AsyncIterator[None]:
    try:
        async with asked.connection.transaction():
            yield
    except psycopg.errors.ForeignKeyViolation:
        raise invalid("body.site", "This is no site of that hospital: GET /api/v1/sites lists them.") from None
