"""Tickets: the case, its evidence, and what the device said when it was asked."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.alerts.shapes import Condition, Severity
from api.devices.shapes import ReadingShape
from api.http import examples
from api.http.shapes import Given, Message, NamedId, Note, Shape, example
from desk.tickets.status import Action, Status
from wire.commands import Scope

CommandStatus = Literal["waiting", "done", "refused", "failed", "expired"]
TellingState = Literal["waiting", "told", "given-up"]


class TicketDevice(Shape):
    """The device of a ticket."""

    id: str
    name: str
    model: str


class Ticket(Shape):
    """Something that people must do."""

    model_config = example(**examples.TICKET)

    id: int
    number: Annotated[str, Field(description="What one says on the phone.")]
    device: TicketDevice
    hospital: NamedId
    site: NamedId
    family: str
    family_name: str
    severity: Severity
    status: Status
    title: Message
    occurred_at: Annotated[datetime, Field(description="When it began on the equipment.")]
    detected_at: Annotated[datetime, Field(description="When we learned of it.")]
    opened_at: datetime
    closed_at: datetime | None
    version: Annotated[int, Field(description="The ETag.")]


class EvidenceRange(Shape):
    """What the device measured before the fault. While `frozen_at` is null, more may come in."""

    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    readings: Annotated[list[ReadingShape], Field(description="From oldest to newest.")]
    more: Annotated[bool, Field(description="There are more: GET /tickets/{number}/evidence has them all.")]


class EvidenceSignal(Shape):
    """A signal's readings as columns of equal length, from oldest to newest."""

    metric: str
    name: str
    unit: Annotated[str, Field(description="UCUM.")]
    t: Annotated[list[int], Field(description="Milliseconds since 1970 UTC.")]
    value: list[float | None]
    quality: Annotated[list[int], Field(description="0 good, 1 uncertain, 2 bad.")]


class EvidenceEvent(Shape):
    """What the device reported, other than readings."""

    at: datetime
    kind: str
    body: dict[str, Any]


class TicketEvidence(Shape):
    """All evidence of a ticket. Once frozen it is a copy of its own, kept as long as the ticket."""

    model_config = example(**examples.TICKET_EVIDENCE)

    begins: datetime
    ends: datetime
    frozen_at: Annotated[datetime | None, Field(description="null: more may come in.")]
    cut: Annotated[bool, Field(description="There was more than is kept: it is what lies nearest to the fault.")]
    signals: list[EvidenceSignal]
    events: Annotated[list[EvidenceEvent], Field(description="From oldest to newest.")]


class Part(Shape):
    """A part to bring."""

    key: str
    name: str
    spec: str
    quantity: int
    probability: Annotated[float, Field(description="That this fault needs it, 0 to 1.")]


class TicketAlert(Shape):
    """An alert of the ticket, as it is now."""

    id: UUID
    subject: str
    severity: Severity
    condition: Condition
    occurred_at: datetime
    cleared_at: datetime | None
    count: int
    message: Message


class RemoteSession(Shape):
    """A remote session that waits for a click, and then for the hospital's consent."""

    id: int
    state: str
    scopes: list[Scope]
    runbook: str | None
    runbook_name: str | None
    minutes: int
    at: datetime
    version: int


class DiagnosticStep(Shape):
    """What one step of a runbook found."""

    id: str
    title: str
    outcome: Literal["ok", "warn", "fail", "refused"]
    message: Message


class Diagnostic(Shape):
    """A read-only runbook that the device ran under its standing policy, and its verdict."""

    command: str
    runbook: str | None
    runbook_name: str | None
    status: CommandStatus
    outcome: Literal["ok", "warn", "fail", "refused"] | None
    message: Annotated[Message | None, Field(description="What came of it; null while it waits.")]
    steps: list[DiagnosticStep]
    issued_at: datetime
    expires_at: datetime
    replied_at: datetime | None


class Told(Shape):
    """Who was told, or is still to be."""

    recipient: str
    step: str
    state: TellingState
    attempts: int
    told_at: datetime | None
    error: str


class TicketEvent(Shape):
    """A row of the ticket's history."""

    id: int
    at: datetime
    event: str
    actor: Annotated[str, Field(description="Who; empty: the system.")]
    message: Message


class TicketDetail(Ticket):
    """A ticket with all that belongs to it."""

    model_config = example(**examples.TICKET_DETAIL)

    stops: Annotated[str | None, Field(description="What can't be done meanwhile.")]
    advice: str | None
    causes: list[str]
    parts: list[Part]
    evidence: EvidenceRange
    alerts: list[TicketAlert]
    still_wrong: Annotated[
        int, Field(description="How many of the alerts last. Closed while they do, the next occurrence opens another.")
    ]
    sessions: list[RemoteSession]
    diagnostics: list[Diagnostic]
    told: list[Told]
    possible: Annotated[list[Action], Field(description="What POST …/transition takes now.")]
    events: list[TicketEvent]


class Transition(Given):
    """An action on a ticket. Some events need a note with the reason: hand-back, reject, dismiss."""

    model_config = example(event="take", note="")

    event: Action
    note: Note = ""
