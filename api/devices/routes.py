"""Devices: listed, and how they are."""

from typing import Any, Final

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from api.devices.latest import foreign_units, latest_of
from api.devices.read import DeviceUid
from api.devices.shapes import (
    Box,
    DeviceDetail,
    Gap,
    Heartbeat,
    Refusal,
    UidName,
)
from api.devices.words import device_fields
from api.http.conditions import etag
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import of_row
from catalog.refusals import in_words, kept_words, loses, source_words
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
MAX_GAPS: Final = 20
MAX_ON_BOX: Final = 64
"""Devices of one agent, at most (`agent.config.shapes.Config`)."""


@router.get("/devices/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_device(id: DeviceUid, asked: Asked, words: InWords, response: Response) -> DeviceDetail:  # noqa: A002
    """A device with its latest values."""
    kept = kept_words(asked.context.catalog)
    row = await _SQL.one(asked.connection, "devices", {"ids": None, "uid": id, "kept": kept})
    if row is None:
        raise not_found("device")
    response.headers["ETag"] = etag(row["version"])
    latest = await latest_of(asked, words, device=row["key"], model=row["model"])
    return DeviceDetail(
        **device_fields(asked, words, row),
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
