"""Hospitals and their sites."""

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
    hospital = await _find_or_make_hospital(asked, given.hospital)
    made = await _make_site(asked, hospital, site=given.site, time_zone=DEFAULT_ZONE)
    found = made or await one(asked.connection, "site_by_name", {"org": hospital["id"], "site": given.site})
    assert found is not None  # noqa: S101 - it was in the way of the new one, and sites are never deleted
    return found


async def make_site(asked: Session, *, hospital: str, site: str, time_zone: str) -> DictRow:
    """A new site, and its hospital where there is none of this name yet. Raises Problem 409 if the site is there."""
    known = await _find_or_make_hospital(asked, hospital)
    made = await _make_site(asked, known, site=site, time_zone=time_zone)
    if made is None:
        raise Problem(ProblemCode.CONFLICT, "This hospital has a site of this name already.", where="body.site")
    return made


async def _find_or_make_hospital(asked: Session, name: str) -> DictRow:
    """Whoever is the second to use a name at one moment waits for the first, and finds what that one made."""
    row = await one(asked.connection, "add_hospital", {"hospital": name}) or await one(
        asked.connection, "hospital_by_name", {"hospital": name}
    )
    assert row is not None  # noqa: S101 - it was in the way of the new one, and hospitals are never deleted
    return row


async def _make_site(asked: Session, hospital: DictRow, *, site: str, time_zone: str) -> DictRow | None:
    """The new site; None if the hospital has one of this name."""
    made = await one(asked.connection, "add_site", {"org": hospital["id"], "site": site, "time_zone": time_zone})
    if made is None:
        return None
    await asked.audit(
        org=hospital["id"],
        action="site-created",
        subject=f"site:{made['id']}",
        detail={"hospital": hospital["name"], "site": site},
    )
    return await one(asked.connection, "site_by_id", made)
