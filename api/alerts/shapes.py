"""Alerts: an episode's condition, which the engine writes, and its operator's side."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.http.examples import ALERT_ID, TICKET_NUMBER
from api.http.shapes import Given, Message, Note, Shape, example
from catalog.model import Severity

Condition = Literal["pending", "active", "clearing", "no-data", "unconfirmed", "ok"]
OperatorStateWord = Literal["unacknowledged", "acknowledged"]


ALERT_SAID: Final[dict[str, Any]] = {
    "id": "alert.limit.above",
    "params": {"signal": "detector.temperature", "value": 42.6, "limit": 42, "unit": "Cel"},
    "text": "平板探测器温度 42.6 °C，高于限值 42 °C",
}
_ALERT: Final[dict[str, Any]] = {
    "id": ALERT_ID,
    "device": {"id": "d3k9m2q7x1z5a", "name": "DR 1"},
    "rule": "limit:detector-hot",
    "kind": "limit",
    "subject": "detector.temperature",
    "family": "detector.temperature",
    "severity": "major",
    "condition": "active",
    "operator": {"state": "unacknowledged", "actor": "", "note": "", "at": None},
    "occurred_at": "2026-11-22T03:56:10.500000Z",
    "learned_at": "2026-11-22T03:56:10.730000Z",
    "changed_at": "2026-11-22T03:56:10.730000Z",
    "cleared_at": None,
    "count": 1,
    "message": ALERT_SAID,
    "tickets": [TICKET_NUMBER],
    "version": 0,
}
_ALERT_DETAIL: Final[dict[str, Any]] = {
    **_ALERT,
    "events": [
        {
            "id": 501,
            "at": "2026-11-22T03:56:10.500000Z",
            "learned_at": "2026-11-22T03:56:10.730000Z",
            "event": "hold",
            "from_state": "pending",
            "to_state": "active",
            "actor": "",
            "message": ALERT_SAID,
        }
    ],
}


class DeviceNamed(Shape):
    """A device by id and name."""

    id: str
    name: str


class Operator(Shape):
    """The operator's side of an alert."""

    state: OperatorStateWord
    actor: str
    note: str
    at: datetime | None


class Alert(Shape):
    """An episode in which something was wrong with a device. A new occurrence is a new alert."""

    model_config = example(**_ALERT)

    id: UUID
    device: DeviceNamed
    rule: str
    kind: Kind
    subject: Annotated[str, Field(description="The fault code or the metric.")]
    family: str
    severity: Severity
    condition: Condition
    operator: Operator
    occurred_at: Annotated[datetime, Field(description="When it began on the equipment.")]
    learned_at: Annotated[datetime, Field(description="When we learned of it.")]
    changed_at: datetime
    cleared_at: datetime | None
    count: int
    message: Message
    tickets: Annotated[list[str], Field(description="Numbers of the tickets it belongs to.")]
    version: Annotated[int, Field(description="Of the operator's side; the ETag.")]


class AlertEvent(Shape):
    """A transition with its reason."""

    id: int
    at: datetime
    learned_at: datetime
    event: str
    from_state: str
    to_state: str
    actor: Annotated[str, Field(description="Who; empty: the engine.")]
    message: Message


class AlertDetail(Alert):
    """An alert with all its transitions."""

    model_config = example(**_ALERT_DETAIL)

    events: list[AlertEvent]


class Acknowledge(Given):
    """A person's note to an alert."""

    model_config = example(note="已电话联系科室，下午到场")

    note: Note = ""
