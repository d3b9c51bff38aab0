"""The number of a ticket: WX, the day where the site is, and how many have opened that day. Pure.

After a restore the numbers that were given out since the backup can't be known, so the rest of that day goes on in a
block of its own: five digits that say the second of the restore, before the count. No second restore of the same backup
comes to the same block within a day.
"""

from datetime import date
from typing import Final

from desk.zones import day_of

BLOCKS: Final = 99_999
"""Seconds until a block comes again: longer than a day of 25 hours."""


def block_of(day: date, *, restored_ms: int | None, zone: str) -> int:
    """The block of a ticket that opens on `day` at a site in `zone`; 0 is the plain one, with no digits of its own.

    `restored_ms`: when the database was last restored (ms since 1970 UTC), None: never.
    """
    if restored_ms is None or day > day_of(restored_ms, zone):
        return 0
    return restored_ms // 1000 % BLOCKS + 1
