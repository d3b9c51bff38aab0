"""Numbers that belong together, as the columns of one item of the wire. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from wire.items import Quality, Readings


class Reading(NamedTuple):
    """One number. ``at``: ms since 1970 UTC."""

    at: int
    metric: str
    value: float
    unit: str
    quality: Quality


def columns(rows: Sequence[Reading]) -> Readings:
    """At least one row, from the time of the first on."""
    at = rows[0].at
    return Readings(
        at=at,
        metric=[row.metric for row in rows],
        value=[row.value for row in rows],
        dt=[row.at - at for row in rows] if any(row.at != at for row in rows) else None,
        unit=[row.unit for row in rows],
        quality=[row.quality for row in rows] if any(row.quality for row in rows) else None,
    )
