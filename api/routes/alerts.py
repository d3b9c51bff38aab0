"""Alerts and their operator's side."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow

from api.context import PREFIX, Asked
from api.database import many, one
from api.documented import problems
from api.language import InWords, Reader
from api.paging import Cursor, Limit, Page, cut, decode, encode
from api.problems import ProblemCode, not_found
from api.route import Route
from api.shapes.alerts import Alert, AlertDetail, AlertEvent, DeviceNamed, Operator, OperatorState, Severity
from api.shapes.base import Message

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["alerts"])
_ALL: dict[str, Any] = {
    "id": None,
    "device": None,
    "severity": None,
    "open": None,
    "operator": None,
    "before_at": None,
    "before_id": None,
}
MAX_EVENTS = 1000


@router.get("/alerts", responses=problems())
async def list_alerts(
    *,
    asked: Asked,
    words: InWords,
    state: Annotated[Literal["open", "over"] | None, Query(description="Still wrong, or over.")] = None,
    operator: Annotated[OperatorState | None, Query(description="By the operator's side.")] = None,
    device: Annotated[
        str | None, Query(max_length=40, pattern=r"^[a-z0-9\-]+$", description="Of this device only.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Of this severity only.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Alert]:
    """Alerts, the latest to occur first."""
    device_key = await device_filter(asked, device)
    if device is not None and device_key is None:
        return Page(items=[], next=None)
    behind = decode("alerts", after, tuple[datetime, UUID])
    rows = await many(
        asked.connection,
        "alerts",
        {
            **_ALL,
            "device": device_key,
            "severity": severity,
            "open": None if state is None else state == "open",
            "operator": operator,
            "before_at": behind and behind[0],
            "before_id": behind and behind[1],
            "limit": limit + 1,
        },
    )
    shown, last = cut(rows, limit)
    items = [Alert(**_alert(words, row)) for row in shown]
    return Page(items=items, next=None if last is None else encode("alerts", (last["occurred_at"], last["id"])))


async def device_filter(asked: Asked, uid: str | None) -> int | None:
    """The key of the device that a list is asked of; None for none given, and for one this account can't see."""
    row = None if uid is None else await one(asked.connection, "device_by_uid", {"uid": uid})
    return None if row is None else int(row["key"])


@router.get("/alerts/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_alert(id: UUID, asked: Asked, words: InWords, response: Response) -> AlertDetail:  # noqa: A002
    """An alert with all its transitions."""
    row = await one(asked.connection, "alerts", {**_ALL, "id": id, "limit": 1})
    if row is None:
        raise not_found("alert")
    events = await many(asked.connection, "alert_events", {"alert": id, "limit": MAX_EVENTS})
    response.headers["ETag"] = f'"{row["version"]}"'
    return AlertDetail(**_alert(words, row), events=[_event(words, row, event) for event in events])


def _event(words: Reader, alert: DictRow, event: DictRow) -> AlertEvent:
    said = message(words, event, alert)
    return AlertEvent(**{name: event[name] for name in AlertEvent.model_fields if name != "message"}, message=said)


def message(words: Reader, said: DictRow, device: DictRow) -> Message:
    """A row's `message` and `params` in the reader's words, with the names of the device's model."""
    text = words.words(said["message"], said["params"], model=device["model"], zone=device["time_zone"])
    return Message(id=said["message"], params=said["params"], text=text)


def _alert(words: Reader, row: DictRow) -> dict[str, Any]:
    return {
        "id": row["id"],
        "device": DeviceNamed(id=row["uid"], name=row["device_name"]),
        "rule": row["rule"],
        "kind": row["kind"],
        "subject": row["subject"],
        "family": row["family"],
        "severity": row["severity"],
        "condition": row["condition"],
        "operator": Operator(
            state=row["operator_state"], actor=row["actor"] or "", note=row["note"] or "", at=row["operator_at"]
        ),
        "occurred_at": row["occurred_at"],
        "learned_at": row["learned_at"],
        "changed_at": row["changed_at"],
        "cleared_at": row["cleared_at"],
        "count": row["count"],
        "message": message(words, row, row),
        "tickets": row["tickets"] or [],
        "version": row["version"],
    }
