"""Bounds of one message. The broker's own packet limit must lie above ``MAX_BODY`` and the properties' size."""

from typing import Final

MAX_BODY: Final = 256 * 1024
"""Bytes of a report's body; also the bytes an agent may have unacknowledged in a lane (DELIVERY 11)."""
WINDOW_REPORTS: Final = 64
"""Reports an agent may have unacknowledged in a lane (DELIVERY 11)."""
MAX_ITEMS: Final = 1000
MAX_READINGS: Final = 10_000
"""Readings of one report, over all its items."""
MAX_FIELDS: Final = 64
MAX_MILLIS: Final = 253_402_300_799_999
"""The last millisecond of year 9999 (UTC): the largest time a message may name. Whether it is *plausible* is
judged when it is stored."""
