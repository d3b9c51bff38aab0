"""The audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from api.context import Asked
from api.database import many
from api.documented import problems
from api.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.roles import PREFIX
from api.route import Route
from api.shapes.audit import AuditEntry
from api.shapes.base import Id

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["audit"])


@router.get("/audit", responses=problems())
async def list_audit(
    *,
    asked: Asked,
    hospital: Annotated[
        Id | None, Query(description="The chain of this hospital; none: a hospital's own, for staff the provider's.")
    ] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[AuditEntry]:
    """Who did what, the latest first: one chain, whole, so that who reads it can verify it by himself."""
    rows = await many(
        asked.connection,
        "audit_page",
        {
            "org": asked.account.org if hospital is None else hospital,
            "below": id_of(decode("audit", after, ById)),
            "limit": limit + 1,
        },
    )
    return page("audit", rows, limit, item=_entry, key=lambda row: ById(row["id"]))


def _entry(row: DictRow) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        org=row["org_id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
        previous=bytes(row["previous"]).hex(),
        hash=bytes(row["hash"]).hex(),
    )
