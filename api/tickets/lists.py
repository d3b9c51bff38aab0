"""The list of tickets, and how many there are."""

from typing import Annotated, Any, Final, Literal, get_args

from fastapi import APIRouter, Depends, Query
from msgspec import Struct
from psycopg.rows import DictRow
from pydantic import StringConstraints

from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.paging import ById, ByUrgency, Cursor, Limit, Page, decode, page
from api.http.problems import invalid
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import of_row
from api.search.filters import Devices, Families, Hospitals, Models, Severities, Sites, whose
from api.search.search import Q, seek
from api.search.shapes import MOST_COUNTED, Age, counted, counts_of
from api.tickets.read import count_tickets, read_tickets
from api.tickets.shapes import Ticket, TicketsCounted
from api.tickets.words import rendered
from catalog.model import SEVERITIES
from desk.tickets.status import Status

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["tickets"])
NOBODY: Final = "none"
Order = Literal["urgency", "newest"]


async def _filters(
    *,
    asked: Asked,
    state: Annotated[
        list[Literal["open", "closed"]] | None, Query(max_length=10, description="Open, or closed.")
    ] = None,
    status: Annotated[list[Status] | None, Query(max_length=20, description="In these statuses only.")] = None,
    holder: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]] | None,
        Query(max_length=100, description="Open ones that this account has: a name, `me`, or `none` for nobody's."),
    ] = None,
    device: Devices = None,
    severity: Severities = None,
    hospital: Hospitals = None,
    site: Sites = None,
    model: Models = None,
    family: Families = None,
    age: Annotated[
        list[Age] | None,
        Query(
            max_length=10,
            description="Open ones of this age: opened within the last hour; day, but not hour; week, but not day; "
            "before.",
        ),
    ] = None,
    q: Q = None,
) -> dict[str, Any]:
    """The parameters of the statements `tickets` and `tickets_counted`."""
    found = await seek(asked, q)
    names = {"me": asked.account.name, NOBODY: ""}
    return {
        "open": state[0] == "open" if state is not None and len(set(state)) == 1 else None,
        "status": status,
        "holder": None if holder is None else [names.get(one, one) for one in holder],
        "device": device,
        "severity": severity,
        **whose(asked, hospital, device),
        "site": site,
        "model": model,
        "family": family,
        "age": age,
        "now": asked.now,
        **({} if found is None else found.of_tickets()),
    }


_Filters = Annotated[dict[str, Any], Depends(_filters)]


def _closed(filters: dict[str, Any]) -> bool:
    """Whether closed ones are among them: there may be hundreds of thousands."""
    open_alone = filters["open"] is True or filters["holder"] is not None or filters["age"] is not None
    return not open_alone and (filters["status"] is None or "closed" in filters["status"])


@router.get("/tickets", responses=problems())
async def list_tickets(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    sort: Annotated[
        Order | None,
        Query(
            description="urgency: the most severe first, then the oldest, of open ones; newest: the latest opened "
            "first. Left out: by urgency where the filters leave out what is closed, else the newest first."
        ),
    ] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Ticket]:
    """Tickets."""
    closed = _closed(filters)
    if sort == "urgency" and closed:
        raise invalid("query.sort", "What is closed has no urgency: give `state=open`, or `sort=newest`.")
    if closed or sort == "newest":
        kind, key = "tickets newest", _newest
        newest = decode(kind, after, ById)
        begin: dict[str, Any] = {} if newest is None else {"below": newest.id}
    else:
        kind, key = "tickets urgency", _urgent
        urgent = decode(kind, after, ByUrgency)
        begin = {"urgency": True, "open": True}
        begin |= {} if urgent is None else {"rank": urgent.rank, "after_at": urgent.at, "after_id": urgent.id}
    rows = await read_tickets(asked.connection, limit=limit + 1, **{**filters, **begin})
    return page(kind, rows, limit, item=lambda row: of_row(Ticket, row, **rendered(words, row)), key=key)


@router.get("/tickets/summary", responses=problems())
async def count_the_tickets(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    by: Annotated[
        Literal["site", "hospital", "model", "family", "device", "holder"] | None,
        Query(description="What the groups have in common."),
    ] = None,
) -> TicketsCounted:
    """How many tickets the list has with the same filters, of each severity, status and age, and by groups."""
    most = MOST_COUNTED + 1 if _closed(filters) else None
    rows = await count_tickets(asked.connection, by=by, most=most, **filters)
    statuses = dict.fromkeys(get_args(Status), 0) | counts_of(rows, "status")
    return TicketsCounted(**counted(rows, words, by=by, most=most), status=statuses)


def _newest(row: DictRow) -> Struct:
    return ById(row["id"])


def _urgent(row: DictRow) -> Struct:
    return ByUrgency(SEVERITIES.index(row["severity"]) + 1, row["opened_at"], row["id"])
