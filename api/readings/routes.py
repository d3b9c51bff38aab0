"""What devices measured and told."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from api.devices.latest import QUALITY, unit_of
from api.devices.read import DeviceUid, find_device
from api.devices.shapes import Event, ReadingShape
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.paging import ByReading, ByTime, Cursor, Limit, Page, decode, page
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Moment
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])

From = Annotated[
    Moment | None,
    Query(alias="from", description="Not before: RFC 3339, or milliseconds since 1970 UTC; none: from the first."),
]
To = Annotated[Moment | None, Query(alias="to", description="Before (not at) this time; none: to the last.")]
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)


@router.get("/devices/{id}/readings", responses=problems(ProblemCode.NOT_FOUND))
async def list_readings(
    *,
    id: DeviceUid,  # noqa: A002
    asked: Asked,
    metric: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$",
            description="Of this signal only.",
            examples=["detector.temperature"],
        ),
    ] = None,
    since: From = None,
    until: To = None,
    limit: Limit = 1000,
    after: Cursor = None,
) -> Page[ReadingShape]:
    """Readings from oldest to newest."""
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    # A reading has no key of its own: a page goes on at the last one's time and metric, less those shown already.
    position = decode("readings", after, ByReading)
    start = position or ByReading(since or EARLIEST, -1, 0)
    rows = await _SQL.many(
        asked.connection,
        "device_readings",
        {
            "device": device["key"],
            "metric": metric,
            "from": start.at,
            "from_metric": start.metric,
            "to": until or LATEST,
            "skip": start.shown,
            "limit": limit + 1,
        },
    )

    def key(last: DictRow) -> ByReading:
        place = (last["ts"], last["metric_id"])
        shown = sum(1 for row in rows[:limit] if (row["ts"], row["metric_id"]) == place)
        return ByReading(*place, shown + (start.shown if place == (start.at, start.metric) else 0))

    return page("readings", rows, limit, item=lambda row: _reading(asked, device["model"], row), key=key)


def _reading(asked: Session, model: str, row: DictRow) -> ReadingShape:
    return ReadingShape(
        metric=row["metric"],
        at=row["ts"],
        value=row["value"],
        unit=unit_of(asked.context.catalog, model, row["metric"], row["unit"]),
        quality=QUALITY[row["quality"]],
    )


@router.get("/devices/{id}/events", responses=problems(ProblemCode.NOT_FOUND))
async def list_events(
    *,
    id: DeviceUid,  # noqa: A002
    asked: Asked,
    kind: Annotated[
        str | None, Query(pattern=r"^[a-z][a-z\-]{0,31}$", description="Of this kind only.", examples=["fault"])
    ] = None,
    since: From = None,
    until: To = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Event]:
    """Faults, states, births, inventory and the rest that is no reading, from oldest to newest."""
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    behind = decode("events", after, ByTime)
    rows = await _SQL.many(
        asked.connection,
        "device_events",
        {
            "device": device["key"],
            "kind": kind,
            "from": since or EARLIEST,
            "to": until or LATEST,
            "after_at": behind and behind.at,
            "after_id": behind and behind.id,
            "limit": limit + 1,
        },
    )
    return page("events", rows, limit, item=lambda row: Event(**row), key=lambda row: ByTime(row["at"], row["id"]))
