"""The list of alerts, and how many there are."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from msgspec import Struct
from psycopg.rows import DictRow
from pydantic import StringConstraints

from alerts.reasons import WATCHED
from api.alerts.read import count_alerts, read_alerts, wanted_alerts
from api.alerts.shapes import Alert, AlertsCounted, AlertState, ByOperator, ByState, OperatorStateWord
from api.alerts.words import alert_shape
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.paging import ByTimeOfAlert, ByUrgencyOfAlert, Cursor, Limit, Page, decode, page
from api.http.problems import invalid
from api.http.rights import PREFIX
from api.http.route import Route
from api.search.filters import MOST, Ages, Devices, Families, Hospitals, Models, Severities, Sites, whose
from api.search.search import Q, seek
from api.search.shapes import MOST_COUNTED, counted, counts_of
from catalog.model import SEVERITIES

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["alerts"])
CONDITIONS: Final[Mapping[AlertState, list[str]]] = {
    "open": ["active", "clearing", "no-data", "unconfirmed"],
    "pending": ["pending"],
    "over": ["ok"],
}
Order = Literal["urgency", "newest"]


async def _filters(
    *,
    asked: Asked,
    state: Annotated[
        list[AlertState] | None,
        Query(max_length=10, description="Wrong now; wrong, but not yet for long enough; over."),
    ] = None,
    operator: Annotated[
        list[OperatorStateWord] | None, Query(max_length=10, description="By the operator's side.")
    ] = None,
    device: Devices = None,
    severity: Severities = None,
    hospital: Hospitals = None,
    site: Sites = None,
    model: Models = None,
    family: Families = None,
    age: Ages = None,
    holder: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]] | None,
        Query(max_length=MOST, description="Not over, and acknowledged by one of these; `me`: by who asks."),
    ] = None,
    ticket: Annotated[
        list[Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Z0-9\-]+$|^none$")]] | None,
        Query(max_length=MOST, description="Of these tickets, by number; `none`: of no ticket."),
    ] = None,
    q: Q = None,
) -> dict[str, Any]:
    """The parameters of the statements `alerts` and `alerts_counted`."""
    found = await seek(asked, q)
    return {
        "conditions": None if state is None else [word for each in set(state) for word in CONDITIONS[each]],
        "watched": list(WATCHED),
        "acknowledged": operator[0] == "acknowledged" if operator is not None and len(set(operator)) == 1 else None,
        "device": device,
        "severity": severity,
        **whose(asked, hospital, device),
        "site": site,
        "model": model,
        "family": family,
        "age": age,
        "now": asked.now,
        "wanted": await wanted_alerts(
            asked.connection,
            actors=None if holder is None else [asked.account.name if name == "me" else name for name in holder],
            tickets=ticket,
        ),
        **({} if found is None else found.of_alerts()),
    }


_Filters = Annotated[dict[str, Any], Depends(_filters)]


def _over(filters: Mapping[str, Any]) -> bool:
    """Whether what is over is among them: there may be a million."""
    return filters["conditions"] is None or "ok" in filters["conditions"]


@router.get("/alerts", responses=problems())
async def list_alerts(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    sort: Annotated[
        Order | None,
        Query(
            description="urgency: the most severe first, then the oldest, of what isn't over; newest: the latest "
            "first. Left out: by urgency where `state` leaves out what is over, else the newest first."
        ),
    ] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Alert]:
    """Alerts. What was watched and came back before it held is none."""
    over = _over(filters)
    if sort == "urgency" and over:
        raise invalid("query.sort", "What is over has no urgency: give `state=open` or `pending`, or `sort=newest`.")
    if over or sort == "newest":
        kind, key = "alerts newest", _newest
        newest = decode(kind, after, ByTimeOfAlert)
        begin: dict[str, Any] = {} if newest is None else {"before_at": newest.at, "before_id": newest.id}
    else:
        kind, key = "alerts urgency", _urgent
        urgent = decode(kind, after, ByUrgencyOfAlert)
        begin = {"urgency": True}
        begin |= {} if urgent is None else {"rank": urgent.rank, "after_at": urgent.at, "after_id": urgent.id}
    rows = await read_alerts(asked.connection, limit=limit + 1, **filters, **begin)
    return page(kind, rows, limit, item=lambda row: Alert(**alert_shape(words, row)), key=key)


@router.get("/alerts/summary", responses=problems())
async def count_the_alerts(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    by: Annotated[
        Literal["site", "hospital", "model", "family", "device", "ticket"] | None,
        Query(description="What the groups have in common."),
    ] = None,
) -> AlertsCounted:
    """How many alerts the list has with the same filters, of each severity, state and age, and by groups."""
    most = MOST_COUNTED + 1 if _over(filters) else None
    rows = await count_alerts(asked.connection, by=by, most=most, **filters)
    return AlertsCounted(
        **counted(rows, words, by=by, most=most),
        state=ByState(**counts_of(rows, "state")),
        operator=ByOperator(**counts_of(rows, "operator")),
    )


def _newest(row: DictRow) -> Struct:
    return ByTimeOfAlert(row["occurred_at"], row["id"])


def _urgent(row: DictRow) -> Struct:
    return ByUrgencyOfAlert(SEVERITIES.index(row["severity"]) + 1, row["occurred_at"], row["id"])
