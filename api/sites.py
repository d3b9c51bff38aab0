"""Hospitals and their sites."""

import psycopg
from psycopg.rows import DictRow

from api.context import Session
from api.database import one
from api.problems import Problem, ProblemCode, invalid
from api.shapes.devices import SiteById, SiteByName
from desk.zones import DEFAULT_ZONE


async def find_or_make_site(asked: Session, given: SiteById | SiteByName) -> DictRow:
    """The site (`id`, `org_id`, `name`, `time_zone`, `hospital`) that was given by id, or by names and made if new."""
    if isinstance(given, SiteById):
        found = await one(asked.connection, "site_by_id", {"id": given.id})
        if found is None:
            raise invalid("body.site.id", "There is no such site: GET /api/v1/sites lists them.")
        return found
    found = await one(asked.connection, "site_by_name", {"hospital": given.hospital, "site": given.site})
    if found is not None:
        return found
    return await make_site(asked, hospital=given.hospital, site=given.site, time_zone=DEFAULT_ZONE)


async def make_site(asked: Session, *, hospital: str, site: str, time_zone: str) -> DictRow:
    """A new site, and its hospital where there is none of this name yet. Raises Problem 409 if the site is there."""
    names = {"hospital": hospital, "site": site}
    known = await one(asked.connection, "hospital_by_name", names) or await one(asked.connection, "add_hospital", names)
    assert known is not None  # noqa: S101 - INSERT … RETURNING
    try:
        made = await one(asked.connection, "add_site", {"org": known["id"], "site": site, "time_zone": time_zone})
    except psycopg.errors.UniqueViolation:
        raise Problem(
            ProblemCode.CONFLICT, "This hospital has a site of this name already.", where="body.site"
        ) from None
    assert made is not None  # noqa: S101 - INSERT … RETURNING
    await asked.audit(
        org=known["id"],
        action="site-created",
        subject=f"site:{made['id']}",
        detail={"hospital": hospital, "site": site},
    )
    found = await one(asked.connection, "site_by_id", made)
    assert found is not None  # noqa: S101 - made above
    return found
