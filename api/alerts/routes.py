"""Alerts and their operator's side."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from psycopg.rows import DictRow

from alerts.episode import OperatorEvent, OperatorState
from alerts.operate import AlertConflictError, AlertRefusedError, Operated, operate
from alerts.reasons import WATCHED
from alerts.titles import title
from api.alerts.detail import detail_of
from api.alerts.shapes import Acknowledge, Alert, AlertDetail, DeviceNamed, Operator, OperatorStateWord
from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.paging import ByTimeOfAlert, Cursor, Limit, Page, decode, page
from api.http.problems import Problem, ProblemCode, not_found, of_another_time
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id
from catalog.model import Severity
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["alerts"])
ALL_ALERTS: dict[str, Any] = {
    "ids": None,
    "device": None,
    "severity": None,
    "hospital": None,
    "dealer": None,
    "site": None,
    "conditions": None,
    "watched": None,
    "operator": None,
    "before_at": None,
    "before_id": None,
}
AlertState = Literal["open", "pending", "over"]
CONDITIONS: Final[Mapping[AlertState, list[str]]] = {
    "open": ["active", "clearing", "no-data", "unconfirmed"],
    "pending": ["pending"],
    "over": ["ok"],
}
_CHANGES = problems(
    ProblemCode.NOT_FOUND,
    ProblemCode.CONFLICT,
    ProblemCode.BUSY,
    ProblemCode.KEY_REUSED,
    ProblemCode.CHANGED_MEANWHILE,
    ProblemCode.IF_MATCH_MISSING,
    body=True,
)


@router.get("/alerts", responses=problems())
async def list_alerts(
    *,
    asked: Asked,
    words: InWords,
    state: Annotated[
        AlertState | None, Query(description="Wrong now; wrong, but not yet for long enough; over.")
    ] = None,
    operator: Annotated[OperatorStateWord | None, Query(description="By the operator's side.")] = None,
    device: Annotated[
        str | None, Query(max_length=40, pattern=r"^[a-z0-9\-]+$", description="Of this device only.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Of this severity only.")] = None,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    site: Annotated[Id | None, Query(description="Of this site only.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Alert]:
    """Alerts, the latest to occur first. What was watched and came back before it held is none."""
    behind = decode("alerts", after, ByTimeOfAlert)
    rows = await _SQL.many(
        asked.connection,
        "alerts",
        {
            **ALL_ALERTS,
            "device": device,
            "severity": severity,
            "hospital": asked.hospital(hospital),
            "dealer": asked.dealer(device),
            "site": site,
            "conditions": None if state is None else CONDITIONS[state],
            "watched": list(WATCHED),
            "operator": operator,
            "before_at": behind and behind.at,
            "before_id": behind and behind.id,
            "limit": limit + 1,
        },
    )
    return page(
        "alerts",
        rows,
        limit,
        item=lambda row: Alert(**alert_shape(words, row)),
        key=lambda row: ByTimeOfAlert(row["occurred_at"], row["id"]),
    )


@router.get("/alerts/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_alert(id: UUID, asked: Asked, words: InWords, response: Response) -> AlertDetail:  # noqa: A002
    """An alert with what it means, why it is, what to do, and what became of the ones before."""
    row = await _find(asked, id)
    response.headers["ETag"] = etag(row["version"])
    return AlertDetail(**alert_shape(words, row), **await detail_of(asked, words, row))


@router.post("/alerts/{id}/acknowledge", responses=_CHANGES)
async def acknowledge(
    id: UUID,  # noqa: A002
    body: Acknowledge,
    asked: Asked,
    words: InWords,
    response: Response,
    if_match: IfMatch = None,
) -> AlertDetail:
    """Acknowledge an alert: somebody is on it. It stays open until the equipment reports that it is over."""
    await _operate(asked, id, OperatorEvent.ACKNOWLEDGE, body.note, if_match)
    return await get_alert(id, asked, words, response)


@router.post("/alerts/{id}/unacknowledge", responses=_CHANGES)
async def unacknowledge(
    id: UUID,  # noqa: A002
    body: Acknowledge,
    asked: Asked,
    words: InWords,
    response: Response,
    if_match: IfMatch = None,
) -> AlertDetail:
    """Withdraw an acknowledgement: nobody is on it."""
    await _operate(asked, id, OperatorEvent.UNACKNOWLEDGE, body.note, if_match)
    return await get_alert(id, asked, words, response)


async def _operate(asked: Session, id_: UUID, event: OperatorEvent, note: str, if_match: str | None) -> None:
    row = await _find(asked, id_)
    require_match(if_match, row["version"])
    if not row["own"]:
        raise of_another_time("alert")
    alert = Operated(
        id=id_,
        state=OperatorState(row["operator_state"]),
        version=row["version"],
    )
    try:
        state = await operate(asked.connection, alert, event, actor=asked.account.name, note=note, now=asked.now)
    except AlertRefusedError as error:
        raise Problem(ProblemCode.CONFLICT, str(error), where="path") from None
    except AlertConflictError:
        raise changed_meanwhile() from None
    await asked.audit(org=row["org_id"], action=f"alert-{state.value}", subject=f"alert:{id_}", detail={"note": note})


async def _find(asked: Session, id_: UUID) -> DictRow:
    row = await _SQL.one(asked.connection, "alerts", {**ALL_ALERTS, "ids": [id_], "limit": 1})
    if row is None:
        raise not_found("alert")
    return row


async def read_alerts(connection: Connection, ids: list[Any]) -> list[DictRow]:
    """The rows of these alerts, for `alert_shape`."""
    return await _SQL.many(connection, "alerts", {**ALL_ALERTS, "ids": ids, "limit": len(ids)})


def alert_shape(words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `Alert`, of a row of the statement `alerts`."""
    named, params = title(kind=row["kind"], subject=row["subject"], rule=row["rule"], family=row["family"])
    return {
        "id": row["id"],
        "device": DeviceNamed(id=row["uid"], name=row["device_name"]),
        "rule": row["rule"],
        "kind": row["kind"],
        "subject": row["subject"],
        "family": row["family"],
        "family_name": words.family(row["model"], row["family"]),
        "title": words.said({"message": named, "params": params}, row),
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
        "message": words.said(row, row),
        "tickets": row["tickets"] or [],
        "version": row["version"],
    }
