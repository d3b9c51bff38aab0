"""Organisations and hospitals' sites."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked
from api.http.documented import problems
from api.http.paging import ById, ByName, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, NamedId, Search, of_row
from api.people.place_shapes import NewSite, Organisation, OrgChange, Site, SiteChange
from people import places
from people.errors import HospitalHiddenError, OrgTakenError, SharedPlaceError, SiteTakenError
from people.roles import OPERATOR, Kind

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["sites"])
_POST = (ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED)
_PATCH = (
    ProblemCode.NOT_FOUND,
    ProblemCode.CONFLICT,
    ProblemCode.CHANGED_MEANWHILE,
    ProblemCode.IF_MATCH_MISSING,
)


@router.get("/orgs", responses=problems())
async def list_orgs(
    *,
    asked: Asked,
    kind: Kind | None = None,
    q: Annotated[Search | None, Query(description="Part of the name.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Organisation]:
    """The organisations whose names this account sees, in the order of their names."""
    above = decode("orgs", after, ByName)
    rows = await places.list_orgs(
        asked.connection, kind=kind, part=q, above=None if above is None else above.name, limit=limit + 1
    )
    return page("orgs", rows, limit, item=lambda row: of_row(Organisation, row), key=lambda row: ByName(row["name"]))


@router.get("/orgs/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_org(id: Annotated[Id, Path()], asked: Asked, response: Response) -> Organisation:  # noqa: A002
    """One organisation; the ETag is `version` in quotes."""
    found = await places.list_orgs(asked.connection, id_=id, limit=1)
    if not found:
        raise not_found("organisation")
    response.headers["ETag"] = etag(found[0]["version"])
    return of_row(Organisation, found[0])


@router.patch("/orgs/{id}", responses=problems(*_PATCH, body=True))
async def rename_org(
    id: Annotated[Id, Path()],  # noqa: A002
    body: OrgChange,
    asked: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> Organisation:
    """Call a hospital otherwise: a dealer one that no other dealer works for, the operator's staff any, and dealers."""
    found = await places.list_orgs(asked.connection, id_=id, limit=1)
    if not found or found[0]["id"] == OPERATOR:
        raise not_found("organisation")
    require_match(if_match, found[0]["version"])
    try:
        row = await places.rename_org(
            asked.connection,
            found[0],
            name=body.name,
            version=found[0]["version"],
            actor=asked.account.name,
            now=asked.now,
        )
    except OrgTakenError:
        raise Problem(ProblemCode.CONFLICT, "There is an organisation of this name.", where="body.name") from None
    except SharedPlaceError:
        raise _shared() from None
    if row is None:
        raise changed_meanwhile()
    response.headers["ETag"] = etag(row["version"])
    return of_row(Organisation, row)


@router.get("/sites", responses=problems())
async def list_sites(
    *,
    asked: Asked,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    q: Annotated[Search | None, Query(description="Part of its name, the hospital's, or its address.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Site]:
    """The sites, in the order they were made."""
    above = id_of(decode("sites", after, ById))
    rows = await places.sites(asked.connection, above=above, hospital=hospital, part=q, limit=limit + 1)
    return page("sites", rows, limit, item=_site, key=lambda row: ById(row["id"]))


@router.post("/sites", status_code=201, responses=problems(*_POST, body=True))
async def add_site(body: NewSite, asked: Asked) -> Site:
    """Make a site."""
    try:
        made = await places.make_site(
            asked.connection,
            hospital=body.hospital,
            site=body.site,
            time_zone=body.time_zone,
            address=body.address,
            actor=asked.account.name,
            now=asked.now,
        )
    except SiteTakenError:
        raise Problem(
            ProblemCode.CONFLICT, "This hospital has a site of this name already.", where="body.site"
        ) from None
    except HospitalHiddenError:
        raise hospital_hidden("body.hospital") from None
    return _site(made)


@router.patch("/sites/{id}", responses=problems(*_PATCH, body=True))
async def change_site(
    id: Annotated[Id, Path()],  # noqa: A002
    body: SiteChange,
    asked: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> Site:
    """Change a site's name, address or time zone; the ETag is `version` in quotes."""
    before = await places.find_site(asked.connection, id)
    if before is None:
        raise not_found("site")
    require_match(if_match, before["version"])
    try:
        row = await places.change_site(
            asked.connection,
            before,
            name=body.name,
            time_zone=body.time_zone,
            address=body.address,
            version=before["version"],
            actor=asked.account.name,
            now=asked.now,
        )
    except SiteTakenError:
        raise Problem(
            ProblemCode.CONFLICT, "This hospital has a site of this name already.", where="body.name"
        ) from None
    except SharedPlaceError:
        raise _shared() from None
    if row is None:
        raise changed_meanwhile()
    response.headers["ETag"] = etag(row["version"])
    return _site(row)


def _shared() -> Problem:
    return Problem(
        ProblemCode.CONFLICT,
        "Another dealer works for this hospital too: the operator's staff change what both call it.",
    )


def hospital_hidden(where: str) -> Problem:
    """409: there is a hospital of this name that the dealer doesn't work for yet."""
    return Problem(
        ProblemCode.CONFLICT,
        "There is a hospital of this name, and this dealer serves nothing there yet: the operator's staff mint the "
        "first device there for it (POST /api/v1/devices with `dealer`), or hand one over.",
        where=where,
    )


def _site(row: DictRow) -> Site:
    hospital = NamedId(id=row["org_id"], name=row["hospital"])
    return of_row(Site, row, hospital=hospital)
