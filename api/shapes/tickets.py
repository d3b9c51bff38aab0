"""Tickets."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.shapes.alerts import Severity
from api.shapes.base import Message, Shape
from api.shapes.devices import NamedId

TicketStatus = Literal["new", "to-dispatch", "accepted", "on-site", "awaiting-parts", "to-verify", "closed"]


class TicketDevice(Shape):
    """The device of a ticket."""

    id: str
    name: str
    model: str


class Ticket(Shape):
    """Something that people must do."""

    id: int
    number: Annotated[str, Field(description="What one says on the phone.")]
    device: TicketDevice
    hospital: NamedId
    site: NamedId
    family: str
    family_name: str
    severity: Severity
    status: TicketStatus
    title: Message
    occurred_at: Annotated[datetime, Field(description="When it began on the equipment.")]
    detected_at: Annotated[datetime, Field(description="When we learned of it.")]
    opened_at: datetime
    closed_at: datetime | None
    version: int
