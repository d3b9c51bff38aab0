"""Counts the inputs that were refused, or yielded nothing: how often since when, for which reason, and what is logged.

Two kinds: ``refused``, and ``untold``, which was answered well and told nothing. Counts last as long as the outbox. A
burst of refusals of one source for one reason is a line of the log at its beginning, one every ``REMIND_MS`` while it
lasts, and one with their number when it ended: a flood of bad input must not flood the log. Pure: clocks are passed in.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

from msgspec import Struct

from agent.adapters.form import masked
from agent.clock import Now
from wire.items import Name, Reason, Refusal

Kind = Literal["refused", "untold"]
What = Literal["input refused", "input still refused", "input refused no more"]
MAX_PAIRS: Final = 64
"""Sources with their reasons that are told apart. They are words of this program, and far fewer."""
OTHER: Final = "other"
"""Source and reason of what is beyond that, or would be no word."""
BURST_MS: Final = 600_000
"""So long without another one, and a burst has ended."""
REMIND_MS: Final = 3_600_000
_SOURCE: Final = re.compile(get_args(Name)[1].pattern)
_REASON: Final = re.compile(get_args(Reason)[1].pattern)


class Line(Struct, frozen=True, kw_only=True):
    """For the log. ``times``: in this burst so far."""

    what: What
    source: str
    reason: str
    times: int
    form: str


class _Pair(Struct):
    count: int
    since: int
    last: int
    form: str
    told: int = 0
    """The count that the server was told."""
    burst: int = 0
    """Of the burst that goes on; 0: none does."""
    said: int = 0
    """When the log was told last, and when the last one was refused: the machine's elapsed time, ms."""
    refused: int = 0


class Tally:
    """See the module. ``kept``: as ``all`` gave it in an earlier life. Not for several threads at once."""

    def __init__(self, kept: Iterable[Refusal] = ()) -> None:
        self._pairs = {
            (each.kind, each.source, each.reason): _Pair(each.count, each.since, each.last, each.form) for each in kept
        }

    def note(self, kind: Kind, source: str, reason: str, form: str, now: Now) -> Line | None:
        """Count one more; what the log is to be told of it."""
        if not (_SOURCE.match(source) and _REASON.match(reason)):
            source = reason = OTHER
        if (kind, source, reason) not in self._pairs and len(self._pairs) >= MAX_PAIRS:
            source = reason = OTHER
        at = max(now.wall, 0)  # a clock without battery; the wire knows nothing before 1970
        pair = self._pairs.setdefault((kind, source, reason), _Pair(0, at, at, ""))
        pair.count += 1
        pair.last = at
        pair.form = masked(form) or pair.form
        if kind == "untold":
            return None
        pair.burst += 1
        pair.refused = now.elapsed
        first = pair.burst == 1
        if not first and now.elapsed - pair.said < REMIND_MS:
            return None
        pair.said = now.elapsed
        return _line("input refused" if first else "input still refused", source, reason, pair)

    def settle(self, now: Now) -> list[Line]:
        """What the log is to be told of bursts that ended. To be asked now and then."""
        lines = []
        for (_, source, reason), pair in self._pairs.items():
            if pair.burst and now.elapsed - pair.refused >= BURST_MS:
                if pair.burst > 1:
                    lines.append(_line("input refused no more", source, reason, pair))
                pair.burst = 0
        return lines

    def all(self) -> list[Refusal]:
        """Every pair with its counts so far."""
        return [_told(key, pair) for key, pair in self._pairs.items()]

    def changed(self) -> list[Refusal]:
        """Those that the server doesn't know as they are."""
        return [_told(key, pair) for key, pair in self._pairs.items() if pair.count != pair.told]

    def told(self, refusals: Sequence[Refusal]) -> None:
        """The server will know these."""
        for each in refusals:
            self._pairs[each.kind, each.source, each.reason].told = each.count

    def tell_again(self) -> None:
        """Nobody is sure what the server knows."""
        for pair in self._pairs.values():
            pair.told = 0


def _told(key: tuple[Kind, str, str], pair: _Pair) -> Refusal:
    kind, source, reason = key
    # A clock that was set back in between must not say that the last one was before the first.
    since = min(pair.since, pair.last)
    return Refusal(
        kind=kind, source=source, reason=reason, count=pair.count, since=since, last=pair.last, form=pair.form
    )


def _line(what: What, source: str, reason: str, pair: _Pair) -> Line:
    return Line(what=what, source=source, reason=reason, times=pair.burst, form=pair.form)
