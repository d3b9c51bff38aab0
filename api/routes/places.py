"""Hospitals' sites, and who is told of tickets."""

from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.context import Asked
from api.database import many, one
from api.documented import problems
from api.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.problems import Problem, ProblemCode, invalid, not_found
from api.roles import PREFIX
from api.route import Route
from api.shapes.base import Id
from api.shapes.devices import NamedId
from api.shapes.places import NewRecipient, NewSite, Recipient, RecipientChange, Site
from api.sites import make_site
from desk.telling.addresses import shown

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["sites"])
_POST = (ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED)


@router.get("/sites", responses=problems())
async def list_sites(
    *,
    asked: Asked,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Site]:
    """The sites, in the order they were made."""
    rows = await many(
        asked.connection,
        "sites",
        {"above": id_of(decode("sites", after, ById)), "hospital": hospital, "limit": limit + 1},
    )
    return page("sites", rows, limit, item=_site, key=lambda row: ById(row["id"]))


@router.post("/sites", status_code=201, responses=problems(*_POST, body=True))
async def add_site(body: NewSite, asked: Asked) -> Site:
    """Make a site."""
    return _site(await make_site(asked, hospital=body.hospital, site=body.site, time_zone=body.time_zone))


def _site(row: DictRow) -> Site:
    hospital = NamedId(id=row["org_id"], name=row["hospital"])
    return Site(id=row["id"], name=row["name"], hospital=hospital, time_zone=row["time_zone"])


@router.get("/recipients", responses=problems())
async def list_recipients(asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Recipient]:
    """Who is told of tickets. Addresses are secrets: only their kind is shown."""
    rows = await many(
        asked.connection, "recipients", {"above": id_of(decode("recipients", after, ById)), "limit": limit + 1}
    )
    return page("recipients", rows, limit, item=_recipient, key=lambda row: ById(row["id"]))


@router.post("/recipients", status_code=201, responses=problems(*_POST, body=True))
async def add_recipient(body: NewRecipient, asked: Asked, response: Response) -> Recipient:
    """Have somebody told of tickets: of one hospital's, or of all."""
    if body.hospital is not None and await one(asked.connection, "hospital", {"id": body.hospital}) is None:
        raise invalid("body.hospital", "There is no such hospital: GET /api/v1/sites names them.")
    row = await one(
        asked.connection,
        "add_recipient",
        {
            "org": body.hospital,
            "name": body.name,
            "address": body.address.get_secret_value(),
            "language": body.language,
            "active": body.active,
        },
    )
    if row is None:
        raise _name_is_taken()
    await asked.audit(
        org=body.hospital,
        action="recipient-created",
        subject=f"recipient:{row['id']}",
        detail={"name": body.name, "address": shown(body.address.get_secret_value())},
    )
    response.headers["ETag"] = etag(row["version"])
    return _recipient(row)


@router.patch(
    "/recipients/{id}",
    responses=problems(
        ProblemCode.NOT_FOUND,
        ProblemCode.CONFLICT,
        ProblemCode.CHANGED_MEANWHILE,
        ProblemCode.IF_MATCH_MISSING,
        body=True,
    ),
)
async def change_recipient(
    id: Annotated[Id, Path()],  # noqa: A002
    body: RecipientChange,
    asked: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> Recipient:
    """Change a recipient; the ETag is `version` in quotes."""
    before = await one(asked.connection, "recipient", {"id": id})
    if before is None:
        raise not_found("recipient")
    require_match(if_match, before["version"])
    address = None if body.address is None else body.address.get_secret_value()
    change = {
        "id": id,
        "version": before["version"],
        "name": body.name,
        "address": address,
        "language": body.language,
        "active": body.active,
    }
    try:
        async with asked.connection.transaction():
            row = await one(asked.connection, "change_recipient", change)
    except psycopg.errors.UniqueViolation:
        raise _name_is_taken() from None
    if row is None:
        raise changed_meanwhile()
    await asked.audit(
        org=row["org_id"],
        action="recipient-changed",
        subject=f"recipient:{id}",
        detail={"changed": ", ".join(sorted(body.model_fields_set))},
    )
    response.headers["ETag"] = etag(row["version"])
    return _recipient(row)


def _name_is_taken() -> Problem:
    return Problem(ProblemCode.CONFLICT, "There is a recipient of this name already.", where="body.name")


def _recipient(row: DictRow) -> Recipient:
    return Recipient(
        id=row["id"],
        name=row["name"],
        hospital=row["org_id"],
        address=shown(row["address"]),
        language=row["language"],
        active=row["active"],
        version=row["version"],
    )
