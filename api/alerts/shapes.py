"""Alerts: an episode's condition, which the engine writes, and its operator's side."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.http.examples import ALERT_ID, HOSPITAL, SITE, TICKET_NUMBER
from api.http.shapes import Given, Message, NamedId, Note, Shape, example
from api.search.shapes import Counted
from catalog.model import Severity
from desk.tickets.status import Status

Condition = Literal["pending", "active", "clearing", "no-data", "unconfirmed", "ok"]
OperatorStateWord = Literal["unacknowledged", "acknowledged"]
AlertState = Literal["open", "pending", "over"]


ALERT_SAID: Final[dict[str, Any]] = {
    "id": "alert.limit.above",
    "params": {
        "rule": "limit:detector-hot",
        "signal": "detector.temperature",
        "value": 42.6,
        "limit": 42,
        "unit": "Cel",
    },
    "text": "平板探测器过热：42.6 °C，高于限值 42 °C",
}
_ALERT: Final[dict[str, Any]] = {
    "id": ALERT_ID,
    "device": {
        "id": "d3k9m2q7x1z5a",
        "name": "DR 1",
        "model": "generic-dr",
        "model_name": "通用数字化 X 射线摄影系统",
    },
    "hospital": HOSPITAL,
    "site": SITE,
    "rule": "limit:detector-hot",
    "kind": "limit",
    "subject": "detector.temperature",
    "family": "detector.temperature",
    "family_name": "平板探测器温度",
    "title": {
        "id": "ticket.title.limit",
        "params": {"family": "detector.temperature", "signal": "detector.temperature", "rule": "limit:detector-hot"},
        "text": "平板探测器过热",
    },
    "value_text": "42.6 °C",
    "severity": "major",
    "condition": "active",
    "operator": {"state": "unacknowledged", "actor": "", "note": "", "at": None},
    "holder": "",
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
    "read_only": False,
    "raised": True,
    "meaning": "平板探测器温度高于 42 °C 并持续 1 分钟时报警，回到 40 °C 才算恢复",
    "source": None,
    "stops": None,
    "advice": "检查风扇、风道和机房温度，降温前避免连续曝光",
    "causes": ["散热风扇或风道堵塞", "机房空调停机"],
    "figures": {
        "value": 42.6,
        "limit": 42,
        "clear": 40,
        "unit": "Cel",
        "op": "above",
        "for_s": 60,
        "value_text": "42.6 °C",
        "limit_text": "42 °C",
        "clear_text": "40 °C",
    },
    "picture": {
        "begins": "2026-11-22T03:41:10.500000Z",
        "ends": "2026-11-22T04:00:00Z",
        "fitting": ["detector.temperature"],
    },
    "earlier": {
        "count": 1,
        "items": [
            {
                "id": "5f0c2f6e-6c0b-4c0e-9a51-6c5a7b0d2f11",
                "occurred_at": "2026-10-02T01:12:00Z",
                "cleared_at": "2026-10-02T02:40:00Z",
                "count": 1,
                "value": 43.1,
                "value_text": "43.1 °C",
                "tickets": [
                    {
                        "number": "WX20261002-003",
                        "status": "closed",
                        "closed_at": "2026-10-02T06:30:00Z",
                        "ended": {
                            "event": "mend",
                            "at": "2026-10-02T05:55:00Z",
                            "actor": "张工",
                            "note": "更换散热风扇",
                        },
                    }
                ],
            }
        ],
    },
    "elsewhere": {"days": 30, "devices": 2, "episodes": 3},
    "events": [
        {
            "id": 501,
            "at": "2026-11-22T03:56:10.500000Z",
            "learned_at": "2026-11-22T03:56:10.730000Z",
            "event": "hold",
            "from_state": "pending",
            "to_state": "active",
            "actor": "",
            "note": "",
            "message": ALERT_SAID,
        }
    ],
}


class AlertDevice(Shape):
    """The device of an alert."""

    id: str
    name: str
    model: str
    model_name: str


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
    device: AlertDevice
    hospital: NamedId
    site: NamedId
    rule: str
    kind: Kind
    subject: Annotated[str, Field(description="The fault code or the metric.")]
    family: str
    family_name: Annotated[str, Field(description="What one visit would repair together; the title doesn't say it.")]
    title: Annotated[Message, Field(description="What is wrong, in a few words.")]
    value_text: Annotated[
        str | None, Field(description="Of a limit on a quantity the worst value so far, with its unit.")
    ]
    severity: Severity
    condition: Condition
    operator: Operator
    holder: Annotated[
        str, Field(description="Who has it: its open ticket, else whoever acknowledged it; empty: nobody.")
    ]
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
    note: Annotated[str, Field(description="What he noted.")]
    message: Message


class Figures(Shape):
    """By what a limit was broken."""

    value: Annotated[float, Field(description="The worst so far.")]
    limit: float
    clear: Annotated[float, Field(description="At or back beyond it the alert is over.")]
    unit: Annotated[str, Field(description="UCUM.")]
    op: Literal["above", "below"]
    for_s: Annotated[float, Field(description="How long it had to stay so.")]
    value_text: Annotated[str, Field(description="As it is read: with its unit, and never as the limit that it broke.")]
    limit_text: str
    clear_text: str


class Around(Shape):
    """What a picture of the episode shows."""

    begins: datetime
    ends: datetime
    fitting: Annotated[
        list[str], Field(description="Signals that show it, the best first; empty: none does, a timeline fits.")
    ]


class TicketEnd(Shape):
    """How a ticket ended."""

    event: Literal["mend", "dismiss"]
    at: datetime
    actor: str
    note: str


class EarlierTicket(Shape):
    """A ticket of an earlier occurrence."""

    number: str
    status: Status
    closed_at: datetime | None
    ended: Annotated[TicketEnd | None, Field(description="What was done; null: nothing yet.")]


class Earlier(Shape):
    """An earlier occurrence of the same on this device."""

    id: UUID
    occurred_at: datetime
    cleared_at: datetime | None
    count: int
    value: Annotated[float | None, Field(description="Of a limit the worst value.")]
    value_text: Annotated[str | None, Field(description="As it is read.")]
    tickets: list[EarlierTicket]


class EarlierOnes(Shape):
    """All that are kept are counted."""

    count: int
    items: Annotated[list[Earlier], Field(description="The latest first, at most 20.")]


class Elsewhere(Shape):
    """The same at other devices of this model, of those that one sees."""

    days: Annotated[int, Field(description="So far back.")]
    devices: int
    episodes: int


class AlertDetail(Alert):
    """An alert with what it means, why it is, what to do, and what became of the ones before."""

    model_config = example(**_ALERT_DETAIL)

    read_only: Annotated[
        bool, Field(description="It is of the time of another dealer, or of before: nobody here does anything with it.")
    ]
    raised: Annotated[bool, Field(description="false: watched only, and nobody was alarmed.")]
    meaning: Annotated[str, Field(description="What the code or the rule means.")]
    source: Annotated[str | None, Field(description="Who published the code.")]
    stops: Annotated[str | None, Field(description="What can't be done meanwhile.")]
    advice: str | None
    causes: Annotated[list[str], Field(description="The likeliest first.")]
    figures: Annotated[
        Figures | None,
        Field(description="Of a limit on a quantity; null: a code, or what says one of several things."),
    ]
    picture: Around
    earlier: EarlierOnes
    elsewhere: Elsewhere
    events: list[AlertEvent]


class ByState(Shape):
    """How many are open, pending and over."""

    open: int = 0
    pending: int = 0
    over: int = 0


class ByOperator(Shape):
    """How many somebody has taken note of."""

    unacknowledged: int = 0
    acknowledged: int = 0


class AlertsCounted(Counted):
    """How many alerts there are."""

    model_config = example(
        total=3,
        exact=True,
        oldest="2026-11-22T03:56:10.500000Z",
        severity={"critical": 1, "major": 2, "minor": 0, "warning": 0},
        age={"hour": 3, "day": 0, "week": 0, "older": 0},
        state={"open": 3, "pending": 0, "over": 0},
        operator={"unacknowledged": 2, "acknowledged": 1},
        groups=[
            {
                "key": "3",
                "name": "放射科",
                "place": "第一人民医院",
                "count": 3,
                "worst": "critical",
                "oldest": "2026-11-22T03:56:10.500000Z",
            }
        ],
        more=0,
    )

    state: ByState
    operator: ByOperator


class Acknowledge(Given):
    """A person's note to an alert."""

    model_config = example(note="已电话联系科室，下午到场")

    note: Note = ""
