"""A signal over time."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.alerts.shapes import ALERT_SAID, Condition
from api.http.examples import ALERT_ID
from api.http.shapes import Shape, example
from api.http.signals import SignalSaid
from catalog.model import Severity

_SERIES: Final[dict[str, Any]] = {
    "device": "d3k9m2q7x1z5a",
    "metric": "detector.temperature",
    "name": "平板探测器温度",
    "unit": "Cel",
    "symbol": "°C",
    "digits": 1,
    "states": [],
    "units": ["Cel"],
    "begins": "2026-11-22T03:00:00Z",
    "ends": "2026-11-22T04:00:00Z",
    "now": "2026-11-22T04:00:00Z",
    "resolution": "1m",
    "width_s": 60.0,
    "gap_s": None,
    "minimum": -20.0,
    "maximum": 90.0,
    "limits": [
        {
            "rule": "limit:detector-hot",
            "title": "平板探测器过热",
            "op": "above",
            "raise_at": 42.0,
            "clear": 40.0,
            "for_s": 60.0,
            "severity": "major",
            "advice": "检查散热风扇和机房空调",
        }
    ],
    "marks": [
        {
            "alert": ALERT_ID,
            "rule": "limit:detector-hot",
            "kind": "limit",
            "subject": "detector.temperature",
            "severity": "major",
            "condition": "active",
            "begins": "2026-11-22T03:56:10.500000Z",
            "ends": None,
            "count": 1,
            "again": [],
            "text": ALERT_SAID["text"],
        }
    ],
    "unheard": [{"kind": "silence", "begins": "2026-11-22T03:52:00Z", "ends": "2026-11-22T03:54:00Z"}],
    "per_event": True,
    "set": None,
    "runs": None,
    "points": {
        "t": [1795319640000, 1795319700000, 1795319940000],
        "lo": [41.2, 41.9, 42.5],
        "avg": [41.5, 42.1, 42.6],
        "hi": [41.8, 42.3, 42.7],
        "n": [6, 6, 6],
        "bad": [0, 0, 0],
    },
}


class Points(Shape):
    """Columns of equal length, from oldest to newest. Where `n` and `bad` are 0 the line is broken: nothing came."""

    t: Annotated[list[int], Field(description="Milliseconds since 1970 UTC; of a bin, where it begins.")]
    lo: Annotated[list[float | None], Field(description="Lowest.")]
    avg: Annotated[list[float | None], Field(description="Mean.")]
    hi: Annotated[list[float | None], Field(description="Highest.")]
    n: Annotated[list[int], Field(description="Readings in it that were not bad.")]
    bad: Annotated[
        list[int], Field(description="Readings in it that were marked as bad; lo, avg and hi leave them out.")
    ]


class Limit(Shape):
    """A limit of the catalog, for drawing. It holds for `for_s` seconds before it alarms."""

    rule: Annotated[str, Field(description="As the alert's `rule` has it.")]
    title: Annotated[str, Field(description="What is wrong beyond it.")]
    op: Literal["above", "below"]
    raise_at: float
    clear: float
    for_s: float
    severity: Severity
    advice: str


class Mark(Shape):
    """An alert of the device in this range."""

    alert: UUID
    rule: Annotated[str, Field(description="Alerts of one rule are occurrences of the same.")]
    kind: Kind
    subject: Annotated[str, Field(description="The fault code or the metric.")]
    severity: Severity
    condition: Condition
    begins: datetime
    ends: Annotated[datetime | None, Field(description="null: not over yet.")]
    count: Annotated[int, Field(description="How often it occurred between them.")]
    again: Annotated[list[datetime], Field(description="When it came back while it was about to end.")]
    text: str


class SetPoints(Shape):
    """What was asked for, where the signal is what was delivered: a signal of the same unit, in the same bins."""

    metric: str
    name: str
    t: Annotated[list[int], Field(description="Milliseconds since 1970 UTC; of a bin, where it begins.")]
    value: Annotated[list[float | None], Field(description="Mean.")]


class Run(Shape):
    """A piece of a strip: `n` readings, all of them `value`. Between two runs nobody knows."""

    begins: Annotated[int, Field(description="Milliseconds since 1970 UTC.")]
    ends: int
    value: Annotated[float | None, Field(description="null: several within a bin.")]
    n: int


class Unheard(Shape):
    """The device wasn't heard, its equipment was out of its agent's reach, or what was measured is lost."""

    kind: Literal["silence", "connection", "lost"]
    begins: datetime
    ends: Annotated[datetime | None, Field(description="null: not over yet.")]


class Series(SignalSaid):
    """A signal of a device over time."""

    model_config = example(**_SERIES)

    device: str
    metric: str
    unit: Annotated[str, Field(description="UCUM.")]
    units: Annotated[list[str], Field(description="In which it is stored; more than one: choose by `unit`.")]
    begins: datetime
    ends: datetime
    now: Annotated[datetime, Field(description="The server's time.")]
    resolution: Annotated[
        Literal["raw", "1m", "1h", "1d"], Field(description="What was read: readings, or a roll-up of them.")
    ]
    width_s: Annotated[float, Field(description="Of one point's bin; 0: the points are readings.")]
    gap_s: Annotated[
        float | None, Field(description="Points further apart are not one line; null: it comes when it comes.")
    ]
    minimum: Annotated[float | None, Field(description="What is physically possible; null: the catalog doesn't say.")]
    maximum: float | None
    per_event: Annotated[
        bool, Field(description="It is measured when something happens, such as an exposure: nothing is between.")
    ]
    limits: list[Limit]
    marks: Annotated[list[Mark], Field(description="From oldest to newest, at most 200.")]
    unheard: Annotated[list[Unheard], Field(description="From oldest to newest, at most 200.")]
    points: Points
    set: Annotated[SetPoints | None, Field(description="null: no signal says what was asked for.")]
    runs: Annotated[list[Run] | None, Field(description="Of what is so or isn't; null: it is a quantity.")]


class Span(Shape):
    """Something that lasted."""

    begins: datetime
    ends: Annotated[datetime | None, Field(description="null: not over yet.")]
    severity: Severity | None
    alert: UUID | None
    ticket: str | None
    text: str


class Moment(Shape):
    """Something that happened."""

    at: datetime
    text: str


LaneKind = Literal["heard", "fault", "limit", "doubt", "state", "ticket", "told"]


class Lane(Shape):
    """What belongs together, on a line of its own: `heard` or not, a fault code, a limit, what makes a device's facts
    doubtful, a state, its tickets, and what else it told of itself."""

    key: str
    kind: LaneKind
    name: str
    spans: Annotated[list[Span], Field(description="From oldest to newest.")]
    moments: Annotated[list[Moment], Field(description="From oldest to newest.")]


_LANE: Final[dict[str, Any]] = {
    "key": "fault:GEN-KV-01",
    "kind": "fault",
    "name": "kV 达不到设定值",
    "spans": [
        {
            "begins": "2026-11-22T03:56:10.500000Z",
            "ends": None,
            "severity": "critical",
            "alert": ALERT_ID,
            "ticket": None,
            "text": "故障代码 GEN-KV-01",
        }
    ],
    "moments": [{"at": "2026-11-22T03:56:10.500000Z", "text": "设备报告 GEN-KV-01"}],
}


class Timeline(Shape):
    """What happened to a device in a range of time, other than what it measured."""

    model_config = example(
        device="d3k9m2q7x1z5a",
        begins="2026-11-22T03:00:00Z",
        ends="2026-11-22T04:00:00Z",
        now="2026-11-22T04:00:00Z",
        cut=False,
        lanes=[_LANE],
    )

    device: str
    begins: datetime
    ends: datetime
    now: Annotated[datetime, Field(description="The server's time.")]
    cut: Annotated[bool, Field(description="There was more: the newest is here.")]
    lanes: list[Lane]
