"""Deduplicates a report flagged ``again`` by content: its facts may have been stored under an old number (delivery 6).

The same device, metric, time and value is the same fact; so is an event of the same kind, time and body.

A fault's body is no such key: how repeats were folded (delivery 2) depends on what waited in the outbox, and an outbox
put back from an older copy reads the same log lines again. There the same occurrence is the same fact. Occurrences
come in the order of their time, so what the server has of them is all up to the last it has. What an outbox may have
told in another life isn't folded (``agent.outbox.repeats``): so a fold begins where a stored one began, or is all new.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection

from ingest.admitted import Admitted
from ingest.memory import SQL
from ingest.metrics import MetricIds
from ingest.ports import Applied, S, Work
from ingest.record import kind_of, moment
from wire.items import Fault, Item, Readings, rows_of

ReadingKey = tuple[int, datetime, float]
EventKey = tuple[str, datetime, Any]


class Known(NamedTuple):
    """A fault that is stored: ``times`` occurrences from ``first`` to ``last``, ms, corrected."""

    source: str
    code: str
    state: str
    first: int
    last: int
    times: int


async def drop_known(connection: AsyncConnection[Any], admitted: Admitted[S], ids: MetricIds) -> None:
    """Leave only what is new in reports flagged ``again``. If that is anything of a device whose numbers may have begun
    again, they have: nothing of an honest duplicate is new."""
    for uid, work in admitted.again.items():
        await drop_stored(connection, work, ids)
        memory = admitted.begun_again.get(uid)
        if memory is not None:
            left = [one.received_ms for one in work.applied if one.numbers is not None and one.numbers.again]
            memory.presence.restarted_ms = max(left, default=memory.presence.restarted_ms)


async def drop_stored(connection: AsyncConnection[Any], work: Work, ids: MetricIds) -> None:
    """Leave only what is new in reports flagged ``again``. What stands before in this very batch counts as stored."""
    kept: list[Applied] = []
    readings: set[ReadingKey] = set()
    events: list[EventKey] = []
    faults: list[Known] = []
    for applied in work.applied:
        one = applied
        offset = applied.offset_ms
        if applied.numbers is not None and applied.numbers.again:
            await _read_stored(connection, work.device.id, applied, readings, events, faults)
            items: list[Item] = []
            for item in applied.report.items:
                new = _new_part(item, offset, ids, readings, events, faults)
                if new is not None:
                    items.append(new)
                    _note(new, offset, ids, readings, events, faults)
            if not items:
                continue
            one = replace(applied, report=replace(applied.report, items=items))
        else:
            for item in applied.report.items:
                _note(item, offset, ids, readings, events, faults)
        kept.append(one)
    work.applied[:] = kept


async def _read_stored(
    connection: AsyncConnection[Any],
    device: int,
    applied: Applied,
    readings: set[ReadingKey],
    events: list[EventKey],
    faults: list[Known],
) -> None:
    items = applied.report.items
    times = [t for item in items for t in _times(item, applied.offset_ms)]
    window = {"device": device, "first": moment(min(times)), "last": moment(max(times))}
    stored = await (await connection.execute(SQL["stored_readings"], window)).fetchall()
    readings.update((metric, at, value) for metric, at, value in stored)
    events += await (await connection.execute(SQL["stored_events"], window)).fetchall()
    codes = list({item.code for item in items if type(item) is Fault})
    if codes:
        rows = await connection.execute(SQL["stored_faults"], {**window, "codes": codes})
        faults += [known for known in [Known(*row) async for row in rows] if known not in faults]


def _new_part(
    item: Item,
    offset: int,
    ids: MetricIds,
    readings: set[ReadingKey],
    events: list[EventKey],
    faults: list[Known],
) -> Item | None:
    if type(item) is Readings:
        rows = [i for i, key in enumerate(_reading_keys(item, offset, ids)) if key not in readings]
        return rows_of(item, rows) if rows else None
    if type(item) is Fault:
        return new_occurrences(item, offset, faults)
    return None if _event_key(item, offset) in events else item


def _note(
    item: Item,
    offset: int,
    ids: MetricIds,
    readings: set[ReadingKey],
    events: list[EventKey],
    faults: list[Known],
) -> None:
    if type(item) is Readings:
        readings.update(_reading_keys(item, offset, ids))
    elif type(item) is Fault:
        first, last = _span(item, offset)
        faults.append(Known(item.source, item.code, item.state, first, last, item.count))
    else:
        events.append(_event_key(item, offset))


def new_occurrences(fault: Fault, offset: int, known: list[Known]) -> Fault | None:
    """The occurrences of a fault that are not in ``known``; None: they all are."""
    first, last = _span(fault, offset)
    name = (fault.source, fault.code, fault.state)
    same = [k for k in known if k[:3] == name and k.first <= last and first <= k.last]
    if not same:
        return fault
    reached = max(k.last for k in same)
    left = fault.count - sum(k.times for k in same)
    if last > reached:
        # One of them may have begun before this fault: how much of it lies within is unknown, but the last is new.
        left = max(left, 1)
    if left <= 0:
        return None
    began = min(reached + 1, last) - offset
    return replace(fault, at=began, count=left, first=began, last=last - offset)


def _span(fault: Fault, offset: int) -> tuple[int, int]:
    """First and last occurrence, ms, corrected."""
    times = [ms for ms in (fault.at, fault.first, fault.last) if ms is not None]
    return min(times) + offset, max(times) + offset


def _reading_keys(item: Readings, offset: int, ids: MetricIds) -> list[ReadingKey]:
    units = item.unit or [""] * len(item.metric)
    deltas = item.dt or [0] * len(item.metric)
    return [
        (ids.by_key[name, unit], moment(item.at + offset + dt), value)
        for name, unit, dt, value in zip(item.metric, units, deltas, item.value, strict=True)
    ]


def _event_key(item: Item, offset: int) -> EventKey:
    # Compared as values: jsonb forgets the order of keys and how a number was written.
    return (kind_of(item), moment(item.at + offset), msgspec.to_builtins(item))


def _times(item: Item, offset: int) -> list[int]:
    if type(item) is Readings and item.dt:
        return [item.at + offset + min(item.dt), item.at + offset + max(item.dt)]
    if type(item) is Fault:
        return list(_span(item, offset))
    return [item.at + offset]
