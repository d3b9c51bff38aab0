"""Items to reports: encoded once, at entry, split by size, so that what is sent later is what was committed.

Bounds of a report: bytes of its body, ``MAX_ITEMS``, ``MAX_READINGS``. An item that breaks the contract is left out
and counted: in the outbox it would be refused by every server for ever.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from catalog.own_words import TOO_BIG
from wire.codec import decode_report, digest, encode_report
from wire.errors import WireError, WireErrorCode
from wire.items import Fault, Item, Readings, Skipped
from wire.limits import MAX_ITEMS, MAX_READINGS
from wire.report import Report

_ENVELOPE: Final = 128
"""Bytes of a report's JSON around its items, more than enough."""
_CHECKED_ROWS: Final = 1_000
"""Rows whose longest names and units stay within ``MAX_BODY``, so that a check of them never fails by size."""


class Formed(Struct, frozen=True, kw_only=True):
    """An encoded report and what is in it."""

    body: bytes
    digest: bytes
    items: tuple[Item, ...]


def form(items: Sequence[Item], *, at: int, segment: int, bound: int) -> tuple[list[Formed], list[WireErrorCode]]:
    """The reports that carry ``items`` in order, each body at most ``bound`` bytes, and why items were left out.

    ``at``: ms, the device's clock. A single item beyond the bound that can't be split becomes a ``Skipped``.
    """
    if not items:
        return [], []
    whole = _try(items, at=at, segment=segment, bound=bound)
    if whole is not None:
        return [whole], []
    formed: list[Formed] = []
    broken: list[WireErrorCode] = []
    sound: list[Item] = []
    for item in items:
        code = _wrong(item, at)
        if code is None:
            sound.append(item)
        else:
            broken.append(code)
    for group in _pack(sound, at=at, bound=bound):
        body = encode_report(Report(at=at, items=group, segment=segment))
        formed.append(Formed(body=body, digest=digest(body), items=tuple(group)))
    return formed, broken


def reform(body: bytes, *, bound: int) -> list[Formed]:
    """The pieces of a report that a broker found too big; a ``Skipped`` where it can't be split."""
    report = decode_report(body)
    formed, _ = form(report.items, at=report.at, segment=report.segment, bound=bound)
    return formed


def stand_in(*, at: int, segment: int, items: int, size: int, reason: str) -> Formed:
    """What takes the place and number of a report that is refused for good (delivery 12)."""
    skipped = Skipped(at=at, reason=reason, items=items, bytes=size)
    made = encode_report(Report(at=at, items=[skipped], segment=segment))
    return Formed(body=made, digest=digest(made), items=(skipped,))


def refold(body: bytes, index: int, fault: Fault, *, bound: int) -> Formed | None:
    """The report with its item ``index`` replaced; None if it would break the bound."""
    report = decode_report(body)
    items = list(report.items)
    items[index] = fault
    return _try(items, at=report.at, segment=report.segment, bound=bound)


def earliest_ms(item: Item) -> int:
    """The earliest time that an item tells of."""
    if isinstance(item, Readings):
        return item.at + min(item.dt) if item.dt else item.at
    if isinstance(item, Fault) and item.first is not None:
        return min(item.at, item.first)
    return item.at


def fault_at(body: bytes, index: int) -> Fault:
    """The fault that stands at ``index`` of a report. Raises ``TypeError`` for another item."""
    item = decode_report(body).items[index]
    if not isinstance(item, Fault):
        raise TypeError("no fault stands there")
    return item


def _try(items: Sequence[Item], *, at: int, segment: int, bound: int) -> Formed | None:
    try:
        body = encode_report(Report(at=at, items=list(items), segment=segment))
        if len(body) > bound:
            return None
        decode_report(body)  # the encoder doesn't check patterns and ranges; the server's decoder will
    except (WireError, ValueError, OverflowError):
        return None
    return Formed(body=body, digest=digest(body), items=tuple(items))


def _wrong(item: Item, at: int) -> WireErrorCode | None:
    try:
        for piece in _halve_to(item, _CHECKED_ROWS):
            decode_report(encode_report(Report(at=at, items=[piece])))
    except WireError as error:
        return error.code
    except (ValueError, OverflowError):  # a lone surrogate, an integer beyond 64 bits
        return WireErrorCode.VALUE
    return None


def _pack(items: Iterable[Item], *, at: int, bound: int) -> Iterable[list[Item]]:
    group: list[Item] = []
    size, rows = _ENVELOPE, 0
    for item in items:
        for piece in _fit(item, at=at, bound=bound - _ENVELOPE):
            cost, more = len(msgspec.json.encode(piece)) + 1, _rows(piece)
            if group and (size + cost > bound or len(group) == MAX_ITEMS or rows + more > MAX_READINGS):
                yield group
                group, size, rows = [], _ENVELOPE, 0
            group.append(piece)
            size += cost
            rows += more
    if group:
        yield group


def _fit(item: Item, *, at: int, bound: int) -> list[Item]:
    size = len(msgspec.json.encode(item))
    if size < bound and _rows(item) <= MAX_READINGS:
        return [item]
    if isinstance(item, Readings) and len(item.metric) > 1:
        return [fit for half in _halve(item) for fit in _fit(half, at=at, bound=bound)]
    return [Skipped(at=at, reason=TOO_BIG, items=1, bytes=size)]


def _halve_to(item: Item, rows: int) -> list[Item]:
    if not isinstance(item, Readings) or len(item.metric) <= rows:
        return [item]
    return [piece for half in _halve(item) for piece in _halve_to(half, rows)]


def _halve(item: Readings) -> tuple[Readings, Readings]:
    middle = len(item.metric) // 2
    first, second = slice(None, middle), slice(middle, None)
    return _cut(item, first), _cut(item, second)


def _cut(item: Readings, part: slice) -> Readings:
    return Readings(
        at=item.at,
        metric=item.metric[part],
        value=item.value[part],
        dt=None if item.dt is None else item.dt[part],
        unit=None if item.unit is None else item.unit[part],
        quality=None if item.quality is None else item.quality[part],
    )


def _rows(item: Item) -> int:
    return len(item.metric) if isinstance(item, Readings) else 0
