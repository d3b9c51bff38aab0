"""Tickets: the case, its evidence, and what the device said when it was asked."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from api.alerts.shapes import ALERT_SAID, Condition
from api.devices.shapes import READING, ReadingShape
from api.http.examples import ALERT_ID, HOSPITAL, SITE, TICKET_NUMBER
from api.http.shapes import Message, NamedId, Shape, example
from api.http.signals import SignalSaid
from api.search.shapes import Counted
from api.tickets.done import DoneRepair, FaultReport
from catalog.model import Severity
from desk.tickets.status import Action, Status
from wire.commands import Scope

CommandStatus = Literal["waiting", "done", "refused", "failed", "expired"]
TellingState = Literal["waiting", "told", "given-up"]


FITTING: Final = "The signals that show the fault, the most telling first; none: none does, show what happened instead."
_TITLE: Final[dict[str, Any]] = {
    "id": "ticket.title.limit",
    "params": {"family": "detector.temperature", "signal": "detector.temperature", "rule": "limit:detector-hot"},
    "text": "平板探测器过热",
}
_TICKET: Final[dict[str, Any]] = {
    "id": 71,
    "number": TICKET_NUMBER,
    "device": {"id": "d3k9m2q7x1z5a", "name": "DR 1", "model": "generic-dr"},
    "hospital": HOSPITAL,
    "site": SITE,
    "family": "detector.temperature",
    "family_name": "平板探测器温度",
    "severity": "major",
    "status": "new",
    "holder": "",
    "title": _TITLE,
    "occurred_at": "2026-11-22T03:56:10.500000Z",
    "detected_at": "2026-11-22T03:56:10.730000Z",
    "reported_at": None,
    "opened_at": "2026-11-22T03:56:10.741000Z",
    "closed_at": None,
    "version": 1,
}
_TICKET_EVIDENCE: Final[dict[str, Any]] = {
    "begins": "2026-11-22T03:41:10.500000Z",
    "ends": "2026-11-22T03:56:10.500000Z",
    "frozen_at": "2026-11-22T03:56:40Z",
    "cut": False,
    "fitting": ["detector.temperature"],
    "signals": [
        {
            "metric": "detector.temperature",
            "name": "平板探测器温度",
            "unit": "Cel",
            "symbol": "°C",
            "digits": 1,
            "states": [],
            "t": [1795319750000, 1795319760000],
            "value": [42.1, 42.6],
            "quality": [0, 0],
        }
    ],
    "events": [{"at": "2026-11-22T03:50:02Z", "kind": "fault", "body": {"code": "GEN-KV-01", "active": True}}],
}
_TICKET_DETAIL: Final[dict[str, Any]] = {
    **_TICKET,
    "stops": None,
    "advice": "检查风扇、风道和机房温度，降温前避免连续曝光",
    "causes": ["散热风扇或风道堵塞", "机房空调停机"],
    "parts": [
        {"key": "cooling-fan", "name": "散热风扇", "spec": "12/24 V DC, 80-120 mm", "quantity": 1, "probability": 0.4}
    ],
    "evidence": {
        "begins": "2026-11-22T03:41:10.500000Z",
        "ends": "2026-11-22T03:56:10.500000Z",
        "frozen_at": "2026-11-22T03:57:00Z",
        "fitting": ["detector.temperature"],
        "readings": [READING],
        "more": False,
    },
    "alerts": [
        {
            "id": ALERT_ID,
            "subject": "detector.temperature",
            "severity": "major",
            "condition": "active",
            "occurred_at": "2026-11-22T03:56:10.500000Z",
            "cleared_at": None,
            "count": 1,
            "message": ALERT_SAID,
        }
    ],
    "still_wrong": 1,
    "sessions": [
        {
            "id": 12,
            "state": "prepared",
            "scopes": ["diagnose", "logs", "view"],
            "runbook": "host-health",
            "runbook_name": "工作站检查",
            "minutes": 60,
            "at": "2026-11-22T03:56:10.741000Z",
            "version": 1,
        }
    ],
    "diagnostics": [
        {
            "command": "c7k3m9q1x5z2a4b6d",
            "runbook": "host-health",
            "runbook_name": "工作站检查",
            "status": "done",
            "outcome": "warn",
            "unchecked": "平板探测器",
            "message": {
                "id": "remote.runbook.warn.except",
                "params": {"runbook": "host-health", "count": 1, "unchecked": "detector"},
                "text": "工作站检查：1 项需要注意（未检查平板探测器）",
            },
            "steps": [
                {
                    "id": "disk",
                    "title": "磁盘空间",
                    "outcome": "warn",
                    "message": {"id": "remote.step.disk_high", "params": {"used": 88.0}, "text": "磁盘已用 88%"},
                }
            ],
            "issued_at": "2026-11-22T03:56:10.741000Z",
            "expires_at": "2026-11-22T04:06:10.741000Z",
            "replied_at": "2026-11-22T03:56:12.300000Z",
        }
    ],
    "told": [
        {
            "recipient": "NOC",
            "step": "opened",
            "state": "told",
            "attempts": 1,
            "told_at": "2026-11-22T03:56:13Z",
            "error": "",
        }
    ],
    "arrived_at": None,
    "reports": [],
    "repairs": [],
    "possible": ["receive", "take", "dismiss"],
    "events": [
        {
            "id": 301,
            "at": "2026-11-22T03:56:10.741000Z",
            "event": "opened",
            "actor": "",
            "message": {
                "id": "ticket.opened",
                "params": {"family": "detector.temperature"},
                "text": "自动开单（平板探测器温度）",
            },
        }
    ],
}


class TicketDevice(Shape):
    """The device of a ticket."""

    id: str
    name: str
    model: str


class Ticket(Shape):
    """Something that people must do."""

    model_config = example(**_TICKET)

    id: int
    number: Annotated[str, Field(description="What one says on the phone.")]
    device: TicketDevice
    hospital: NamedId
    site: NamedId
    family: str
    family_name: str
    severity: Severity
    status: Status
    holder: Annotated[str, Field(description="The account that has it; empty: nobody.")]
    title: Message
    occurred_at: Annotated[datetime, Field(description="When it began on the equipment.")]
    detected_at: Annotated[datetime | None, Field(description="When equipment told us; null: no equipment did.")]
    reported_at: Annotated[datetime | None, Field(description="When a person first told us; null: nobody did.")]
    opened_at: datetime
    closed_at: datetime | None
    version: Annotated[int, Field(description="The ETag.")]


class TicketsCounted(Counted):
    """How many tickets there are."""

    model_config = example(
        total=3,
        exact=True,
        oldest="2026-11-22T03:56:10.741000Z",
        severity={"critical": 1, "major": 2, "minor": 0, "warning": 0},
        age={"hour": 3, "day": 0, "week": 0, "older": 0},
        status={
            "new": 1,
            "to-dispatch": 0,
            "accepted": 2,
            "on-site": 0,
            "awaiting-parts": 0,
            "to-verify": 0,
            "closed": 0,
        },
        groups=[
            {
                "key": "3",
                "name": "放射科",
                "place": "第一人民医院",
                "count": 3,
                "worst": "critical",
                "oldest": "2026-11-22T03:56:10.741000Z",
            }
        ],
        more=0,
    )

    status: dict[Status, int]


class EvidenceRange(Shape):
    """What the device measured before the fault. While `frozen_at` is null, more may come in."""

    begins: datetime
    ends: datetime
    frozen_at: datetime | None
    fitting: Annotated[list[str], Field(description=FITTING)]
    readings: Annotated[list[ReadingShape], Field(description="From oldest to newest.")]
    more: Annotated[bool, Field(description="There are more: GET /tickets/{number}/evidence has them all.")]


class EvidenceSignal(SignalSaid):
    """A signal's readings as columns of equal length, from oldest to newest."""

    metric: str
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

    model_config = example(**_TICKET_EVIDENCE)

    begins: datetime
    ends: datetime
    frozen_at: Annotated[datetime | None, Field(description="null: more may come in.")]
    cut: Annotated[bool, Field(description="There was more than is kept: it is what lies nearest to the fault.")]
    fitting: Annotated[list[str], Field(description=FITTING)]
    signals: Annotated[list[EvidenceSignal], Field(description="Those that fit first, in their order.")]
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
    unchecked: Annotated[
        str | None, Field(description="The part of the equipment that is wrong, if the runbook doesn't look at it.")
    ]
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

    model_config = example(**_TICKET_DETAIL)

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
    arrived_at: Annotated[datetime | None, Field(description="Since when its holder is there; null: not there.")]
    reports: Annotated[list[FaultReport], Field(description="What people told, from oldest to newest.")]
    repairs: Annotated[list[DoneRepair], Field(description="From newest to oldest; the first counts.")]
    possible: Annotated[
        list[Action],
        Field(description="What this account can do now: by POST …/transition, or …/confirm and …/release."),
    ]
    events: list[TicketEvent]
