"""The list of devices, and how many there are and how."""

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from api.devices.shapes import Device, DeviceGroup, DevicesCounted, HowMany, Status
from api.devices.state import LOST_COUNTS, How
from api.devices.words import device_fields
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.paging import ByPlace, Cursor, Limit, Page, decode, encode
from api.http.rights import PREFIX
from api.http.route import Route
from api.search.filters import Hospitals, Models, Sites, whose
from api.search.search import Q, seek
from api.search.shapes import MOST_GROUPS
from catalog.refusals import kept_words
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
SLICE: Final = 100
"""Devices of a list that are put into words before others have a turn on the event loop."""
Order = Literal["place", "name", "urgency"]


async def _filters(
    *,
    asked: Asked,
    how: Annotated[
        list[How] | None,
        Query(
            max_length=10,
            description="ill: a serious alert is open; well: connected, fresh and healthy; unknown: all others, such "
            "as what was never heard or is silent.",
        ),
    ] = None,
    status: Annotated[list[Status] | None, Query(max_length=10, description="In these statuses only.")] = None,
    hospital: Hospitals = None,
    site: Sites = None,
    model: Models = None,
    q: Q = None,
) -> dict[str, Any]:
    """The parameters of the statements `devices_listed` and `devices_counted`."""
    found = await seek(asked, q)
    sought = {"sought": None, "many": None, "ticketed": None} if found is None else found.of_devices()
    return {
        "how": how,
        "status": status,
        **whose(asked, hospital, None),
        "site": site,
        "model": model,
        "now": asked.now,
        "heartbeat_s": asked.context.settings.heartbeat_s,
        "lost_from": asked.now - LOST_COUNTS,
        "kept": kept_words(asked.context.catalog),
        "ticketed": None if found is None else found.devices_of_tickets,
        **sought,
    }


_Filters = Annotated[dict[str, Any], Depends(_filters)]


@router.get("/devices", response_model=Page[Device], responses=problems())
async def list_devices(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    sort: Annotated[
        Order,
        Query(
            description="place: by hospital, site and name; name; urgency: ill ones first, then unknown ones, by place."
        ),
    ] = "place",
    limit: Limit = 100,
    after: Cursor = None,
) -> Response:
    """The devices."""
    kind = f"devices {sort}"
    behind = decode(kind, after, ByPlace)
    listed = await _SQL.many(
        asked.connection,
        "devices_listed",
        {
            **filters,
            "urgency": sort == "urgency",
            "by_name": sort == "name",
            "judged": sort == "urgency" or filters["how"] is not None,
            "after": behind and behind.id,
            "after_rank": behind and behind.rank,
            "after_hospital": behind and behind.hospital,
            "after_site": behind and behind.site,
            "after_name": behind and behind.name,
            "limit": limit + 1,
        },
        anew=True,
    )
    ids = [row["id"] for row in listed[:limit]]
    rows = await _SQL.many(asked.connection, "devices", {"ids": ids, "uid": None, "kept": filters["kept"]}, anew=True)
    of = {row["key"]: row for row in rows}
    more = None
    if len(listed) > limit:
        last = listed[limit - 1]
        more = encode(kind, ByPlace(last["rank"], last["hospital"], last["site"], last["name"], last["id"]))
    pieces: list[bytes] = []
    for first in range(0, len(ids), SLICE):
        # A thousand devices in one piece would hold up everybody else's request for 50 ms and more.
        await asyncio.sleep(0)
        pieces += [msgspec.json.encode(device_fields(asked, words, of[key])) for key in ids[first : first + SLICE]]
    body = b'{"items":[%s],"next":%s}' % (b",".join(pieces), msgspec.json.encode(more))
    return Response(body, media_type="application/json")


@router.get("/devices/summary", responses=problems())
async def count_the_devices(
    *,
    asked: Asked,
    words: InWords,
    filters: _Filters,
    by: Annotated[
        Literal["site", "hospital", "model"] | None, Query(description="What the groups have in common.")
    ] = None,
) -> DevicesCounted:
    """How many devices the list has with the same filters, how they are, and by groups."""
    rows = await _SQL.many(asked.connection, "devices_counted", {**filters, "by": by, "limit": MOST_GROUPS}, anew=True)
    whole = rows[0] if rows else {"all_count": 0, "all_ill": 0, "all_unknown": 0, "all_well": 0, "groups": 0}
    models = words.catalog.models

    def name(key: str) -> str:
        return words.text(models[key].name if key in models else None, key)

    return DevicesCounted(
        total=whole["all_count"],
        how=HowMany(ill=whole["all_ill"], unknown=whole["all_unknown"], well=whole["all_well"]),
        groups=[
            DeviceGroup(
                key=row["key"],
                name=name(row["key"]) if by == "model" else row["name"],
                place=row["place"] or "",
                count=row["count"],
                how=HowMany(ill=row["ill"], unknown=row["unknown"], well=row["well"]),
            )
            for row in rows
            if row["key"] is not None
        ],
        more=max(0, whole["groups"] - len(rows)),
    )
