"""Bounds of one message. The broker's own packet limit must lie above ``MAX_BODY`` and the properties' size."""

from typing import Final

MAX_BODY: Final = 256 * 1024
"""Bytes of a report's body; also the bytes an agent may have unacknowledged in a lane (delivery 11)."""
WINDOW_REPORTS: Final = 64
"""Reports an agent may have unacknowledged in a lane (delivery 11)."""
MAX_ITEMS: Final = 1000
MAX_READINGS: Final = 10_000
"""Readings of one report, over all its items."""
MAX_FIELDS: Final = 64
MAX_MILLIS: Final = 253_402_300_799_999
"""The last millisecond of year 9999 (UTC): the largest time a message may name. Whether it is *plausible* is
judged when it is stored."""
MAX_VALUE: Final = 1e18
"""The largest number of a report, either way, and of the catalog. What lies beyond means "no value" to those who send
it (1.797e308, -3.4e38, 9.97e36, 2^63, infinity): no unit of the catalog comes near, a byte least (an exabyte), and
sums over whatever a fleet sends stay far within a double."""
