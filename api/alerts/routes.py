"""Alerts and their operator's side."""

from uuid import UUID

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from alerts.episode import OperatorEvent, OperatorState
from alerts.operate import AlertConflictError, AlertRefusedError, Operated, operate
from api.alerts.detail import detail_of
from api.alerts.read import read_alerts
from api.alerts.shapes import Acknowledge, AlertDetail
from api.alerts.words import alert_shape
from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import Problem, ProblemCode, not_found, of_another_time
from api.http.rights import PREFIX
from api.http.route import Route

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["alerts"])
_CHANGES = problems(
    ProblemCode.NOT_FOUND,
    ProblemCode.CONFLICT,
    ProblemCode.BUSY,
    ProblemCode.KEY_REUSED,
    ProblemCode.CHANGED_MEANWHILE,
    ProblemCode.IF_MATCH_MISSING,
    body=True,
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
    found = await read_alerts(asked.connection, ids=[id_], limit=1)
    if not found:
        raise not_found("alert")
    return found[0]
