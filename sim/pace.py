"""How the life of simulated equipment runs against the wall's clock, and faults that are ordered for it."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct


class PlannedFault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fault `code` is told `after_s` seconds (of the wall's clock) after the start, and clears `lasts_s` later;
    None: when its scenario says so. Its precursors show from the start."""

    code: str
    after_s: Annotated[float, Meta(ge=0)]
    lasts_s: Annotated[float, Meta(gt=0)] | None = None


class Pace:
    """Simulated time against the wall's: `speed` simulated seconds pass in one."""

    def __init__(self, *, wall: datetime, simulated: datetime, speed: float) -> None:
        self._wall, self._simulated, self._speed = wall, simulated, speed

    def simulated(self, wall: datetime) -> datetime:
        """The simulated time at `wall`."""
        return self._simulated + (wall - self._wall) * self._speed

    def wall(self, simulated: datetime) -> datetime:
        """What the wall's clock shows at `simulated`; what was before the start is as long ago as it was there."""
        since = simulated - self._simulated
        return self._wall + (since / self._speed if since > timedelta() else since)


def first_moment(wall: datetime, hour: float | None) -> datetime:
    """When the life of new equipment begins: now, or at `hour` of the last Monday."""
    if hour is None:
        return wall
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=wall.weekday())
    return day + timedelta(hours=hour)
