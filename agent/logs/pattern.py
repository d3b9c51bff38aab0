"""Lines of a log, by the patterns of the catalog, as faults and readings. Pure.

Only codes that a pattern's table names and numbers of declared signals come out; a line's text never does. Every
pattern is tried on every line: one line may hold two numbers.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from agent.adapter import lane_of
from agent.values import EARLIEST, FUTURE_MS, LATEST, Moment, Refused, decimal, moment
from catalog.model import MAX_LOG_LINE, LogFault, LogPattern, LogSignal, Model
from wire.items import GOOD, UNCERTAIN, Fault, Item, Quality, Readings
from wire.topics import Lane

SOURCE: Final = "log"
UTF_16: Final = "utf-16"
_DAYS: Final = re.compile(r"%[djxc]")
_YEARS: Final = re.compile(r"%[yYxc]")
_MAX_ROWS: Final = 500
"""Readings of one item: a report of these is about 20 kB."""


class Found(NamedTuple):
    """What some lines held: items of each lane in the order of the lines, and counts of what was refused, by reason."""

    live: list[Item]
    bulk: list[Item]
    refused: Counter[str]


class _Row(NamedTuple):
    at: int
    metric: str
    value: float
    unit: str
    quality: Quality


class _Pattern(NamedTuple):
    match: Callable[[str], re.Match[str] | None]
    time_format: str | None
    fault: LogFault | None
    signal: LogSignal | None


class LineReader:
    """Reads lines of one log file.

    ``patterns``: in the catalog's order. ``encoding``: of the file; None: as each pattern says. ``zone``: of the local
    times in it; None: this machine's.
    """

    def __init__(
        self, *, model: Model, patterns: Sequence[LogPattern], encoding: str | None, zone: tzinfo | None
    ) -> None:
        self._model = model
        self._zone = zone
        self._by_encoding: dict[str, list[_Pattern]] = {}
        for pattern in patterns:
            known = self._by_encoding.setdefault(encoding or pattern.encoding, [])
            compiled = re.compile(pattern.regex)
            known.append(_Pattern(compiled.match, pattern.time_format, pattern.fault, pattern.signal))
        self._last_time: tuple[str, str, int, Moment] | None = None

    def read(self, lines: Iterable[bytes], *, received: int, big_endian: bool = False) -> Found:
        """``received``: ms since 1970 UTC, for lines without a time of their own. ``big_endian``: of UTF-16."""
        refused: Counter[str] = Counter()
        live, bulk = _Columns(), _Columns()
        for line in lines:
            for encoding, patterns in self._by_encoding.items():
                order = ("-be" if big_endian else "-le") if encoding == UTF_16 else ""
                text = _text(line, encoding + order, refused)
                for pattern in patterns:
                    match = pattern.match(text)
                    if match is not None:
                        self._take(pattern, match, received, live, bulk, refused)
        return Found(live.items(), bulk.items(), refused)

    def _take(
        self,
        pattern: _Pattern,
        match: re.Match[str],
        received: int,
        live: "_Columns",
        bulk: "_Columns",
        refused: Counter[str],
    ) -> None:
        quality: Quality = GOOD
        try:
            when = self._when(pattern, match, received)
        except Refused as error:
            refused[f"{error.reason}:time"] += 1
            when, quality = received, UNCERTAIN
        if pattern.fault is not None:
            code = pattern.fault.code or pattern.fault.table.get(match[pattern.fault.group or 0] or "")
            if code is None:
                refused["unknown-code"] += 1
            else:
                live.add(Fault(at=when, code=code, state=pattern.fault.state, source=SOURCE))
        if pattern.signal is not None:
            signal = pattern.signal
            try:
                row = _Row(when, signal.name, decimal(match[signal.group] or ""), signal.unit, quality)
            except Refused as error:
                refused[f"{error.reason}:{signal.name}"] += 1
                return
            (live if lane_of(self._model, signal.name) is Lane.LIVE else bulk).add(row)

    def _when(self, pattern: _Pattern, match: re.Match[str], received: int) -> int:
        if pattern.time_format is None:
            return received
        text = match["ts"] or ""
        known = self._last_time
        if known is None or known[:3] != (text, pattern.time_format, received):
            found = local_time(text, pattern.time_format, received=received, zone=self._zone)
            self._last_time = known = (text, pattern.time_format, received, found)
        return known[3].at


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
        self._rows: list[_Row] = []

    def add(self, what: Item | _Row) -> None:
        if isinstance(what, _Row):
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
            at = rows[0].at
            self._items.append(
                Readings(
                    at=at,
                    metric=[row.metric for row in rows],
                    value=[row.value for row in rows],
                    dt=[row.at - at for row in rows] if any(row.at != at for row in rows) else None,
                    unit=[row.unit for row in rows],
                    quality=[row.quality for row in rows] if any(row.quality for row in rows) else None,
                )
            )
