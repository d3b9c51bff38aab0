"""Alerts: an episode's condition, which the engine writes, and its operator's side."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.http import examples
from api.http.shapes import Given, Message, Note, Shape, example

Severity = Literal["critical", "major", "minor", "warning"]
Condition = Literal["pending", "active", "clearing", "no-data", "unconfirmed", "ok"]
OperatorStateWord = Literal["unacknowledged", "acknowledged"]


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

    model_config = example(**examples.ALERT)

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

    model_config = example(**examples.ALERT_DETAIL)

    events: list[AlertEvent]


class Acknowledge(Given):
    """A person's note to an alert."""

    model_config = example(note="已电话联系科室，下午到场")

    note: Note = ""
