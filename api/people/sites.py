"""Hospitals' sites."""

from typing import Annotated

from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from api.http.context import Asked
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, NamedId
from api.people.shapes import NewSite, Site
from people import places
from people.errors import HospitalHiddenError, SiteTakenError

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
    above = id_of(decode("sites", after, ById))
    rows = await places.sites(asked.connection, above=above, hospital=hospital, limit=limit + 1)
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
    return Site(id=row["id"], name=row["name"], hospital=hospital, time_zone=row["time_zone"])
