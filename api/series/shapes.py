"""A signal over time."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from alerts.effects import Kind
from api.alerts.shapes import Condition, Severity
from api.http import examples
from api.http.shapes import Shape, example


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

    model_config = example(**examples.SERIES)

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
