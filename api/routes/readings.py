"""What devices measured and told."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from api.context import PREFIX, Asked
from api.database import many, one
from api.documented import problems
from api.latest import QUALITY, unit_of
from api.paging import Cursor, Limit, Page, cut, decode, encode
from api.problems import ProblemCode, not_found
from api.route import Route
from api.routes.devices import DeviceUid
from api.shapes.base import Moment
from api.shapes.devices import Event, ReadingShape

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
    device = await one(asked.connection, "device_by_uid", {"uid": id})
    if device is None:
        raise not_found("device")
    # A reading has no key of its own: a page goes on at the last one's time and metric, less those shown already.
    position = decode("readings", after, tuple[datetime, int, int])
    start, start_metric, skip = position or (since or EARLIEST, -1, 0)
    rows = await many(
        asked.connection,
        "device_readings",
        {
            "device": device["key"],
            "metric": metric,
            "from": start,
            "from_metric": start_metric,
            "to": until or LATEST,
            "skip": skip,
            "limit": limit + 1,
        },
    )
    shown, last = cut(rows, limit)
    items = [
        ReadingShape(
            metric=row["metric"],
            at=row["ts"],
            value=row["value"],
            unit=unit_of(asked.context.catalog, device["model"], row["metric"], row["unit"]),
            quality=QUALITY[row["quality"]],
        )
        for row in shown
    ]
    if last is None:
        return Page(items=items, next=None)
    key = (last["ts"], last["metric_id"])
    same = sum(1 for row in shown if (row["ts"], row["metric_id"]) == key)
    if position is not None and position[:2] == key:
        same += skip
    return Page(items=items, next=encode("readings", (*key, same)))


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
    device = await one(asked.connection, "device_by_uid", {"uid": id})
    if device is None:
        raise not_found("device")
    behind = decode("events", after, tuple[datetime, int])
    rows = await many(
        asked.connection,
        "device_events",
        {
            "device": device["key"],
            "kind": kind,
            "from": since or EARLIEST,
            "to": until or LATEST,
            "after_at": behind and behind[0],
            "after_id": behind and behind[1],
            "limit": limit + 1,
        },
    )
    shown, last = cut(rows, limit)
    return Page(
        items=[Event(**row) for row in shown], next=None if last is None else encode("events", (last["at"], last["id"]))
    )
