"""Tickets."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from api.context import PREFIX, Asked
from api.database import many
from api.documented import problems
from api.language import InWords, Reader
from api.paging import Cursor, Limit, Page, cut, decode, encode
from api.route import Route
from api.routes.alerts import device_filter, message
from api.shapes.alerts import Severity
from api.shapes.devices import NamedId
from api.shapes.tickets import Ticket, TicketDevice, TicketStatus

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["tickets"])


@router.get("/tickets", responses=problems())
async def list_tickets(
    *,
    asked: Asked,
    words: InWords,
    state: Annotated[Literal["open", "closed"] | None, Query(description="Open, or closed.")] = None,
    status: Annotated[TicketStatus | None, Query(description="In this status only.")] = None,
    device: Annotated[
        str | None, Query(max_length=40, pattern=r"^[a-z0-9\-]+$", description="Of this device only.")
    ] = None,
    family: Annotated[
        str | None, Query(max_length=64, pattern=r"^[a-z0-9_.\-]+$", description="Of this fault family.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Of this severity only.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Ticket]:
    """Tickets, the latest opened first."""
    device_key = await device_filter(asked, device)
    if device is not None and device_key is None:
        return Page(items=[], next=None)
    rows = await many(
        asked.connection,
        "tickets",
        {
            "device": device_key,
            "family": family,
            "severity": severity,
            "status": status,
            "open": None if state is None else state == "open",
            "below": decode("tickets", after, int),
            "limit": limit + 1,
        },
    )
    shown, last = cut(rows, limit)
    items = [Ticket(**_ticket(words, row)) for row in shown]
    return Page(items=items, next=None if last is None else encode("tickets", last["id"]))


def _ticket(words: Reader, row: DictRow) -> dict[str, Any]:
    model = words.catalog.models.get(row["model"])
    family = None if model is None else model.families.get(row["family"])
    return {
        "id": row["id"],
        "number": row["number"],
        "device": TicketDevice(id=row["uid"], name=row["device_name"], model=row["model"]),
        "hospital": NamedId(id=row["org_id"], name=row["hospital"]),
        "site": NamedId(id=row["site_id"], name=row["site"]),
        "family": row["family"],
        "family_name": words.text(None if family is None else family.name, row["family"]),
        "severity": row["severity"],
        "status": row["status"],
        "title": message(words, row, row),
        "occurred_at": row["occurred_at"],
        "detected_at": row["detected_at"],
        "opened_at": row["opened_at"],
        "closed_at": row["closed_at"],
        "version": row["version"],
    }
