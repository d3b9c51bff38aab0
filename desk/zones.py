"""The zone of a site. What is stored may be no zone of this machine: that must not keep a ticket from opening."""

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.times import time_of

DEFAULT_ZONE: Final = "Asia/Shanghai"


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, or the default one where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULT_ZONE)


def day_of(now_ms: int, zone: str) -> date:
    """The calendar day of a moment (ms since 1970 UTC) in a zone."""
    return time_of(now_ms).astimezone(zone_of(zone)).date()
