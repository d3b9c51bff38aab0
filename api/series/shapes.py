"""A signal over time."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.alerts.shapes import ALERT_SAID, Condition
from api.http.examples import ALERT_ID
from api.http.shapes import Shape, example
from catalog.model import Severity

_SERIES: Final[dict[str, Any]] = {
    "device": "d3k9m2q7x1z5a",
    "metric": "detector.temperature",
    "name": "平板探测器温度",
    "unit": "Cel",
    "units": ["Cel"],
    "begins": "2026-11-22T03:00:00Z",
    "ends": "2026-11-22T04:00:00Z",
    "now": "2026-11-22T04:00:00Z",
    "resolution": "1m",
    "width_s": 60.0,
    "gap_s": 180.0,
    "minimum": -20.0,
    "maximum": 90.0,
    "limits": [
        {
            "rule": "detector-hot",
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
            "kind": "limit",
            "subject": "detector.temperature",
            "severity": "major",
            "condition": "active",
            "begins": "2026-11-22T03:56:10.500000Z",
            "ends": None,
            "text": ALERT_SAID["text"],
        }
    ],
    "points": {
        "t": [1795319640000, 1795319700000, 1795319700001, 1795319940000],
        "lo": [41.2, 41.9, None, 42.5],
        "avg": [41.5, 42.1, None, 42.6],
        "hi": [41.8, 42.3, None, 42.7],
        "n": [6, 6, 0, 6],
        "bad": [0, 0, 0, 0],
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

    rule: str
    op: Literal["above", "below"]
    raise_at: float
    clear: float
    for_s: float
    severity: Severity
    advice: str


class Mark(Shape):
    """An alert of the device in this range."""

    alert: UUID
    kind: Kind
    subject: Annotated[str, Field(description="The fault code or the metric.")]
    severity: Severity
    condition: Condition
    begins: datetime
    ends: Annotated[datetime | None, Field(description="null: not over yet.")]
    text: str


class Series(Shape):
    """A signal of a device over time."""

    model_config = example(**_SERIES)

    device: str
    metric: str
    name: str
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
    limits: list[Limit]
    marks: Annotated[list[Mark], Field(description="From oldest to newest, at most 200.")]
    points: Points
