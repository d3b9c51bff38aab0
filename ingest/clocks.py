"""The clock of a client that doesn't measure it, by when its reports were made and when they came (delivery 16). Pure.

It has no numbers, or numbers that neither tell an offset nor when they were sent, by which one is measured.

Receipt less ``at`` is the clock's offset and the time the report was under way. A queue drains, so the second part
shrinks; a slow clock's offset doesn't. So a level is believed once it has lasted. What needs no patience: a report
can't come before it was made, and none is under way for a year. Such a report is corrected by itself at once, whatever
is believed, so that what it tells is news from the first one on.
"""

from typing import Final

from msgspec import Struct

from wire.items import Item, Readings
from wire.report import Report

DAY_MS: Final = 86_400_000
OLDEST_MS: Final = 366 * DAY_MS
"""Nothing waits longer to be sent: a clock at 1970 tells nothing of when a fault was."""
NEAR_MS: Final = 2_000
"""What networks add now and then: levels this near are one. An offset this small is none."""
STEADY_MS: Final = 10_000
"""How long a level must last: a queue that drains a fifth faster than it fills has moved by then."""
STEADY_REPORTS: Final = 3

AHEAD_MS: Final = 600_000
PROMPT_MS: Final = 60_000
"""Of a clock that was further ahead, what comes this promptly by its own time was put right, and not under way for just
as long as it was ahead."""


class Level(Struct, frozen=True, kw_only=True, gc=False):
    """Delays that may be an offset: of the first report, the least, since when (server's clock, ms), how many."""

    first_ms: int
    least_ms: int
    since_ms: int
    reports: int


class Clock(Struct, frozen=True, kw_only=True, gc=False):
    """``offset_ms``: what is believed, to be added to the client's times; None: nothing yet. ``level``: what differs
    from it and may be believed next."""

    offset_ms: int | None = None
    level: Level | None = None


_RIGHT: Final = Clock(offset_ms=0)


def hear(clock: Clock, report: Report, received_ms: int) -> tuple[Clock, int]:
    """What is believed after this report, and what has to be added to the times of this one."""
    if clock == _RIGHT and 0 <= received_ms - report.at <= NEAR_MS:
        return clock, 0  # the quick way of nearly all: what it tells of later times wouldn't change that
    delay = delay_ms(report, received_ms)
    believed_ms = clock.offset_ms or 0
    if abs(delay - believed_ms) <= NEAR_MS:
        if clock.offset_ms is None:
            clock = Clock(offset_ms=0)
        return (clock if clock.level is None else Clock(offset_ms=clock.offset_ms)), believed_ms
    impossible = delay < believed_ms or delay > OLDEST_MS
    put_right = believed_ms < -AHEAD_MS and -NEAR_MS <= delay <= PROMPT_MS
    offset_ms = delay if impossible else 0 if put_right else believed_ms
    level = _level(clock.level, delay, received_ms)
    if level.reports >= STEADY_REPORTS and received_ms - level.since_ms >= STEADY_MS:
        least_ms = 0 if abs(level.least_ms) <= NEAR_MS else level.least_ms
        return Clock(offset_ms=least_ms), offset_ms if impossible else least_ms
    return Clock(offset_ms=clock.offset_ms, level=level), offset_ms


def timeless(report: Report, received_ms: int) -> bool:
    """Whether none of its times tells when it was made. A clock that begins at 1970 with every start names the same
    times again and again."""
    return all(abs(received_ms - at) > OLDEST_MS for at in (report.at, *map(_newest_ms, report.items)))


def delay_ms(report: Report, received_ms: int) -> int:
    """Receipt less when a report was made, by the client's clock.

    It is made after what it tells, whatever its own time says: some give it the time of its first reading, or none. A
    time a year away tells nothing where another does.
    """
    told = [at for at in (report.at, *map(_newest_ms, report.items)) if abs(received_ms - at) <= OLDEST_MS]
    if not told:
        return received_ms - report.at
    if report.at != told[0]:
        return received_ms - max(told)
    return max(0, received_ms - max(told)) if report.at < received_ms else received_ms - report.at


def _newest_ms(item: Item) -> int:
    return item.at + max(item.dt) if type(item) is Readings and item.dt else item.at


def _level(level: Level | None, delay: int, received_ms: int) -> Level:
    """Its first delay tells whether it shrinks, its least whether it grows: either way it begins anew."""
    if level is None or delay < level.first_ms - NEAR_MS or delay > level.least_ms + NEAR_MS:
        return Level(first_ms=delay, least_ms=delay, since_ms=received_ms, reports=1)
    return Level(
        first_ms=level.first_ms,
        least_ms=min(level.least_ms, delay),
        since_ms=level.since_ms,
        reports=level.reports + 1,
    )
