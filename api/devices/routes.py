"""Devices: listed, and how they are."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow

from api.devices.latest import foreign_units, latest_of
from api.devices.read import DeviceUid
from api.devices.shapes import (
    Box,
    Device,
    DeviceDetail,
    Gap,
    Heartbeat,
    Refusal,
    Status,
    UidName,
)
from api.devices.state import WORDS, Judged, Known, judge
from api.http.conditions import etag
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.paging import ById, Cursor, Limit, Page, decode, encode, id_of
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, of_row
from catalog.refusals import in_words, kept_words, loses, source_words
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
SLICE: Final = 100
"""Devices of a list that are put into words before others have a turn on the event loop."""
MAX_GAPS: Final = 20
MAX_ON_BOX: Final = 64
"""Devices of one agent, at most (`agent.config.shapes.Config`)."""


@router.get("/devices", response_model=Page[Device], responses=problems())
async def list_devices(
    *,
    asked: Asked,
    words: InWords,
    limit: Limit = 100,
    after: Cursor = None,
    site: Annotated[Id | None, Query(description="Of this site only.")] = None,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    model: Annotated[
        str | None, Query(max_length=64, pattern=r"^[a-z0-9_.\-]+$", description="Of this model only.")
    ] = None,
    status: Annotated[Status | None, Query(description="In this status only.")] = None,
) -> Response:
    """The devices, in the order they were minted."""
    rows = await _SQL.many(
        asked.connection,
        "devices",
        {
            "above": id_of(decode("devices", after, ById)),
            "uid": None,
            "site": site,
            "hospital": hospital,
            "dealer": asked.dealer(),
            "model": model,
            "status": status,
            "kept": kept_words(asked.context.catalog),
            "limit": limit + 1,
        },
    )
    behind = encode("devices", ById(rows[limit - 1]["key"])) if len(rows) > limit else None
    pieces: list[bytes] = []
    for first in range(0, min(len(rows), limit), SLICE):
        # A thousand devices in one piece would hold up everybody else's request for 50 ms and more.
        await asyncio.sleep(0)
        shown = rows[first : min(first + SLICE, limit)]
        pieces += [msgspec.json.encode(_device(asked, words, row)) for row in shown]
    body = b'{"items":[%s],"next":%s}' % (b",".join(pieces), msgspec.json.encode(behind))
    return Response(body, media_type="application/json")


@router.get("/devices/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_device(id: DeviceUid, asked: Asked, words: InWords, response: Response) -> DeviceDetail:  # noqa: A002
    """A device with its latest values."""
    everything = {
        "above": None,
        "site": None,
        "hospital": None,
        "dealer": None,
        "model": None,
        "status": None,
        "limit": 1,
    }
    kept = kept_words(asked.context.catalog)
    row = await _SQL.one(asked.connection, "devices", {**everything, "uid": id, "kept": kept, "limit": 1})
    if row is None:
        raise not_found("device")
    response.headers["ETag"] = etag(row["version"])
    latest = await latest_of(asked, words, device=row["key"], model=row["model"])
    return DeviceDetail(
        **_device(asked, words, row),
        latest=latest,
        foreign_units=foreign_units(words, latest, model=row["model"]),
        tickets=[
            ticket["number"] for ticket in await _SQL.many(asked.connection, "open_tickets", {"device": row["key"]})
        ],
        inventory=row["inventory"],
        heartbeat=None if row["agent"] is None else _heartbeat(row),
        refusals=[
            _refusal(words, told, model=row["model"])
            for told in await _SQL.many(asked.connection, "device_refusals", {"device": row["key"]})
        ],
        gaps=[
            Gap(lane=("live", "bulk")[gap["lane"]], since=gap["since"], until=gap["at"], reports=gap["reports"])
            for gap in await _SQL.many(asked.connection, "device_gaps", {"device": row["key"], "limit": MAX_GAPS})
        ],
        **await _register(asked, row["key"]),
        box=await _box(asked, row["key"]),
        clock_wrong_since=row["clock_wrong_since"],
    )


async def _register(asked: Session, device: int) -> dict[str, Any]:
    row = await _SQL.one(asked.connection, "device_register", {"device": device})
    assert row is not None  # noqa: S101 - the same transaction found the device

    def other(which: str) -> UidName | None:
        return None if row[f"{which}_uid"] is None else UidName(id=row[f"{which}_uid"], name=row[f"{which}_name"])

    kept = {name: value for name, value in row.items() if name in DeviceDetail.model_fields}
    return {**kept, "former": other("former"), "later": other("later")}


async def _box(asked: Session, device: int) -> Box | None:
    row = await _SQL.one(asked.connection, "device_box", {"device": device})
    if row is None:
        return None
    others = await _SQL.many(asked.connection, "box_devices", {"device": device, "limit": MAX_ON_BOX})
    return of_row(Box, row, devices=[of_row(UidName, other) for other in others])


def _heartbeat(row: DictRow) -> Heartbeat:
    return Heartbeat(agent=row["agent"], interval_s=row["interval_s"], boot=row["boot"], body=row["heartbeat"])


def _refusal(words: Reader, row: DictRow, *, model: str) -> Refusal:
    catalog, lang = words.catalog, words.lang
    return Refusal(
        **row,
        source_text=source_words(catalog, row["source"]).get(lang),
        text=in_words(catalog, row["kind"], row["reason"], model=model).get(lang),
        lost=loses(catalog, row["kind"], row["reason"]),
    )


def _device(asked: Session, words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `Device` as plain values: building its models for a list takes longer than all the rest."""
    model = words.catalog.models.get(row["model"])
    state = judge(
        Known(
            connected=bool(row["connected"]),
            last_seen=row["last_seen"],
            interval_s=row["interval_s"] or 0.0,
            worst_severity=row["worst_severity"],
            worst_since=row["worst_since"],
            lost_at=row["lost_at"],
            equipment_connected=row["equipment_connected"],
            doubted_since=row["doubted_since"],
        ),
        now=asked.now,
        default_interval_s=asked.context.settings.heartbeat_s,
    )

    def fact(judged: Judged) -> dict[str, Any]:
        return {
            "value": judged.value,
            "reason": judged.reason.value,
            "text": WORDS[judged.reason].get(words.lang),
            "age_s": age_s(judged.since, asked.now),
        }

    return {
        "id": row["uid"],
        "name": row["name"],
        "model": row["model"],
        "model_name": words.text(None if model is None else model.name, row["model"]),
        "hospital": {"id": row["org_id"], "name": row["hospital"]},
        "site": {"id": row["site_id"], "name": row["site"]},
        "dealer": {"id": row["dealer_id"], "name": row["dealer"]},
        "department": row["department"],
        "serial": row["serial"],
        "status": row["status"],
        "connected": fact(state.connected),
        "fresh": fact(state.fresh),
        "healthy": fact(state.healthy),
        "equipment_connected": row["equipment_connected"],
        "clock_offset_s": None if row["clock_offset_ms"] is None else row["clock_offset_ms"] / 1000,
        "last_seen": row["last_seen"],
        "age_s": age_s(row["last_seen"], asked.now),
        "open_alerts": row["open_alerts"],
        "open_tickets": row["open_tickets"],
        "enrolled_at": row["enrolled_at"],
        "created_at": row["created_at"],
        "version": row["version"],
    }


def age_s(at: datetime | None, now: datetime) -> float | None:
    """Seconds since a moment, never below 0: a device's clock may be ahead of ours."""
    return None if at is None else max(0.0, round((now - at).total_seconds(), 3))
