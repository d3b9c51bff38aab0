"""What people do with an alert: a row of its own, which the API alone writes (delivery 15)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from alerts.episode import OPERATOR_TABLE, OperatorEvent, OperatorMove, OperatorState
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


class AlertConflictError(Exception):
    """Somebody else did something with the alert since it was read."""


class AlertRefusedError(Exception):
    """It is in that state already."""


class Operated(Struct, frozen=True, kw_only=True):
    """An alert as it was read: `state` and `version` of its operator's side (0: nobody did anything yet)."""

    id: UUID
    state: OperatorState
    version: int


async def operate(
    connection: Connection, alert: Operated, event: OperatorEvent, *, actor: str, note: str, now: datetime
) -> OperatorState:
    """Move the operator's side of an alert and write who did it into its history; returns the new state.

    Raises AlertRefusedError, AlertConflictError.
    """
    move = OPERATOR_TABLE[alert.state, event]
    if not isinstance(move, OperatorMove):
        raise AlertRefusedError(f"This alert is {alert.state.value} already.")
    whose = {"alert": alert.id, "actor": actor, "now": now}
    state = {**whose, "state": move.to.value, "note": note, "version": alert.version}
    if await _SQL.one(connection, "set_operator", state) is None:
        raise AlertConflictError
    told = {
        "event": event.value,
        "from": alert.state.value,
        "to": move.to.value,
        "message": move.message,
        "params": Jsonb({"who": actor, "note": note}),
    }
    await _SQL.run(connection, "add_alert_event", {**whose, **told})
    return move.to
