"""Lines of a log, by the patterns of the catalog, as faults and readings. Pure.

Only codes that a pattern's table names and numbers of declared signals come out; a line's text never does. Every
pattern is tried on every line: one line may hold two numbers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from msgspec import Struct, structs

from agent.adapters.columns import Reading, columns
from agent.adapters.equipment_clock import judge, uncertain_params
from agent.adapters.logs.encodings import UTF_16
from agent.adapters.port import lane_of
from agent.adapters.values import EARLIEST, FUTURE_MS, LATEST, Moment, Refused, decimal, moment
from catalog.model import MAX_LOG_LINE, LogFault, LogPattern, LogSignal, Model
from catalog.pattern import Choice, Match, Pattern, compiled
from wire.items import GOOD, UNCERTAIN, Fault, Item
from wire.topics import Lane

SOURCE: Final = "log"
_DAYS: Final = re.compile(r"%[djxc]")
_YEARS: Final = re.compile(r"%[yYxc]")
_MAX_ROWS: Final = 500
"""Readings of one item: a report of these is about 20 kB."""


class Open(Struct, frozen=True, array_like=True):
    """A pattern whose first line was read, but not its continuation. ``left``: lines in which it may still come.
    ``at`` (ms since 1970 UTC), ``code`` and ``value``: what the first line said, None: nothing of it. ``certain``: its
    time is its own, not that of its receipt."""

    pattern: str
    left: int
    at: int | None = None
    certain: bool = True
    code: str | None = None
    value: float | None = None


class Found(NamedTuple):
    """What some lines held: items of each lane in the order of the lines, counts of what was refused, by reason, and
    what waits for its continuation. ``right``: what the last line that says so says of the equipment's clock."""

    live: list[Item]
    bulk: list[Item]
    refused: Counter[str]
    open: tuple[Open, ...] = ()
    right: bool | None = None


class _Pattern(NamedTuple):
    id: str
    first: Pattern
    then: Pattern | None
    within: int
    time_format: str | None
    fault: LogFault | None
    signal: LogSignal | None


def _pattern(of: LogPattern) -> _Pattern:
    more = of.continuation
    then, within = (None, 0) if more is None else (compiled(more.regex), more.within)
    return _Pattern(of.id, compiled(of.regex), then, within, of.time_format, of.fault, of.signal)


class _Reading:
    """One call of ``LineReader.read``."""

    def __init__(self, received: int, since: int | None, waiting: Iterable[Open]) -> None:
        self.received = received
        self.since = since
        self.right: bool | None = None
        self.waiting = {each.pattern: each for each in waiting}
        self.refused: Counter[str] = Counter()
        self.live = _Columns()
        self.bulk = _Columns()


class LineReader:
    """Reads lines of one log file. It remembers nothing that matters: what waits is the caller's to keep.

    ``patterns``: in the catalog's order. ``encoding``: of the file; None: as each pattern says. ``zone``: of the local
    times in it; None: this machine's.
    """

    def __init__(
        self, *, model: Model, patterns: Sequence[LogPattern], encoding: str | None, zone: tzinfo | None
    ) -> None:
        self._model = model
        self._zone = zone
        by_encoding: dict[str, list[LogPattern]] = {}
        for pattern in patterns:
            by_encoding.setdefault(encoding or pattern.encoding, []).append(pattern)
        self._by_encoding = {
            name: (Choice([each.regex for each in found]), [_pattern(each) for each in found])
            for name, found in by_encoding.items()
        }
        self._last_time: tuple[str, str, int, Moment] | None = None

    def read(
        self,
        lines: Iterable[bytes],
        *,
        received: int,
        since: int | None = None,
        big_endian: bool = False,
        waiting: Sequence[Open] = (),
    ) -> Found:
        """``received``: ms since 1970 UTC, for lines without a time of their own. ``since``: they were written between
        then and ``received``; None: at any time. ``big_endian``: of UTF-16. ``waiting``: what the lines before these
        left open."""
        reading = _Reading(received, since, waiting)
        for line in lines:
            for encoding, (choice, patterns) in self._by_encoding.items():
                order = ("-be" if big_endian else "-le") if encoding == UTF_16 else ""
                text = _text(line, encoding + order, reading.refused)
                matching = choice.matching(text)
                if not matching and not reading.waiting:
                    continue
                for number, pattern in enumerate(patterns):
                    if pattern.then is not None and pattern.id in reading.waiting:
                        self._continued(pattern, pattern.then.match(text), reading)
                    if number in matching and (match := pattern.first.match(text)) is not None:
                        self._begun(pattern, match, reading)
        waits = tuple(reading.waiting.values())
        return Found(reading.live.items(), reading.bulk.items(), reading.refused, waits, reading.right)

    def _begun(self, pattern: _Pattern, match: Match, reading: _Reading) -> None:
        if pattern.id in reading.waiting:
            reading.refused["unfinished"] += 1
        said = self._said(pattern, match.groupdict(), Open(pattern.id, pattern.within), reading)
        if said is not None and pattern.then is not None:
            reading.waiting[pattern.id] = said
            return
        reading.waiting.pop(pattern.id, None)
        if said is not None:
            self._enter(pattern, said, reading)

    def _continued(self, pattern: _Pattern, match: Match | None, reading: _Reading) -> None:
        begun = reading.waiting.pop(pattern.id)
        if match is not None:
            said = self._said(pattern, match.groupdict(), begun, reading)
            if said is not None:
                self._enter(pattern, said, reading)
        elif begun.left > 1:
            reading.waiting[pattern.id] = structs.replace(begun, left=begun.left - 1)
        else:
            reading.refused["unfinished"] += 1

    def _said(
        self, pattern: _Pattern, groups: Mapping[str, str | None], before: Open, reading: _Reading
    ) -> Open | None:
        """``before`` and what this line adds to it; None: it says something that may not leave."""
        at, certain, code, value = before.at, before.certain, before.code, before.value
        if pattern.time_format is not None and "ts" in groups:
            at, certain = self._time(pattern.time_format, groups["ts"] or "", reading)
        if pattern.fault is not None and (group := pattern.fault.group) is not None and group in groups:
            code = pattern.fault.table.get(groups[group] or "")
            if code is None:
                reading.refused["unknown-code"] += 1
                return None
        if pattern.signal is not None and pattern.signal.group in groups:
            try:
                value = decimal(groups[pattern.signal.group] or "")
            except Refused as error:
                reading.refused[f"{error.reason}:{pattern.signal.name}"] += 1
                return None
        if pattern.time_format is None and at is None:
            at = reading.received  # of the first line
        return Open(before.pattern, before.left, at, certain, code, value)

    def _enter(self, pattern: _Pattern, said: Open, reading: _Reading) -> None:
        at = reading.received if said.at is None else said.at
        if pattern.fault is not None:
            code = pattern.fault.code or said.code
            if code is not None:
                params = uncertain_params(said.certain)
                reading.live.add(Fault(at=at, code=code, state=pattern.fault.state, source=SOURCE, params=params))
        if pattern.signal is not None and said.value is not None:
            signal = pattern.signal
            row = Reading(at, signal.name, said.value, signal.unit, GOOD if said.certain else UNCERTAIN)
            (reading.live if lane_of(self._model, signal.name) is Lane.LIVE else reading.bulk).add(row)

    def _time(self, time_format: str, text: str, reading: _Reading) -> tuple[int, bool]:
        """When a line was written, and whether it says so itself: in ms since 1970 UTC."""
        try:
            own = self._when(time_format, text, reading.received)
        except Refused as error:
            reading.refused[f"{error.reason}:time"] += 1
            if error.reason != "implausible":
                return reading.received, False
            own = None
        judged = judge(own, received=reading.received, since=reading.since)
        reading.right = reading.right if judged.right is None else judged.right
        believed = judged.time is own
        if own is not None and not believed:
            reading.refused["implausible:time"] += 1
        return judged.time.at, believed

    def _when(self, time_format: str, text: str, received: int) -> Moment:
        known = self._last_time
        if known is None or known[:3] != (text, time_format, received):
            found = local_time(text, time_format, received=received, zone=self._zone)
            self._last_time = known = (text, time_format, received, found)
        return known[3]


def local_time(text: str, time_format: str, *, received: int, zone: tzinfo | None) -> Moment:
    """The time that a line says, by a format of strptime; an offset of its own (``%z``) comes before ``zone``.

    A format without a year means the last such day before ``received``; one without a day can't be placed. Raises
    ``Refused``: ``malformed``, or ``implausible`` (before 1990, or in the future).
    """
    if not _DAYS.search(time_format):
        raise Refused("malformed")
    if _YEARS.search(time_format):
        found = _moment(text, time_format, zone)
    else:
        # The year goes in front: strptime alone takes 1900, in which 29 February can't even be read.
        year = datetime.fromtimestamp((received + FUTURE_MS) / 1000, zone).year
        years = (_moment(f"{year - back} {text}", f"%Y {time_format}", zone) for back in range(8))
        found = next((time for time in years if time is not None and time.at <= received + FUTURE_MS), None)
    if found is None:
        raise Refused("malformed")
    if found.at > received + FUTURE_MS:
        raise Refused("implausible")
    return found


def _moment(text: str, time_format: str, zone: tzinfo | None) -> Moment | None:
    try:
        time = datetime.strptime(text, time_format)  # noqa: DTZ007 - its zone is the caller's
    except ValueError:
        return None
    if not EARLIEST <= time.year <= LATEST:
        raise Refused("implausible")
    return moment(time, zone) if time.tzinfo is None else Moment(round(time.timestamp() * 1000), certain=True)


def _text(line: bytes, encoding: str, refused: Counter[str]) -> str:
    """The part of a line that patterns see. Bytes beside the encoding are replaced: the rest may still match."""
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        refused["bad-bytes"] += 1
        text = line.decode(encoding, "replace")
    return text.lstrip("\ufeff").rstrip("\r\n")[:MAX_LOG_LINE]


class _Columns:
    """Items of one lane in order; readings next to one another share columns."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._rows: list[Reading] = []

    def add(self, what: Item | Reading) -> None:
        if isinstance(what, Reading):
            self._rows.append(what)
            if len(self._rows) >= _MAX_ROWS:
                self._close()
        else:
            self._close()
            self._items.append(what)

    def items(self) -> list[Item]:
        self._close()
        return self._items

    def _close(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._items.append(columns(rows))
