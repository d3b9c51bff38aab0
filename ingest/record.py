"""What of the admitted reports goes into which table: readings into columns, everything else into events."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from ingest.memory import LATEST_AHEAD_MS, SQL, DeviceMemory
from ingest.metrics import PER_DEVICE, Key, MetricIds
from ingest.ports import Applied, Work
from ingest.rows import ReadingRows
from wire.items import Heartbeat, Inventory, Item, Readings
from wire.report import Report

EventRow = tuple[int, int, datetime, datetime, str, str]
ReadingKey = tuple[int, datetime, float]
EventKey = tuple[str, datetime, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_encode: Final = msgspec.json.Encoder().encode


def moment(ms: int) -> datetime:
    """A time of the wire as the database takes it. Raises OverflowError beyond year 9999."""
    return _EPOCH + timedelta(milliseconds=ms)


def metric_keys(works: Iterable[Work], ids: MetricIds) -> set[Key]:
    """The metrics of a batch that have no id yet."""
    missing: set[Key] = set()
    for work in works:
        for applied in work.applied:
            for item in applied.report.items:
                if type(item) is Readings:
                    missing |= unknown_keys(item, ids)
    return missing


def unknown_keys(item: Readings, ids: MetricIds) -> set[Key]:
    """The metrics of an item that have no id yet."""
    if item.unit is None:
        return {(name, "") for name in item.metric if name not in ids.bare}
    return {key for key in zip(item.metric, item.unit, strict=True) if key not in ids.by_key}


def over_cap(report: Report, latest: int, ids: MetricIds) -> bool:
    """Whether a report would make more metrics than one device may (a hostile one would fill the table)."""
    new: set[Key] = set()
    for item in report.items:
        if type(item) is Readings:
            new |= unknown_keys(item, ids)
    return bool(new) and latest + len(new) > PER_DEVICE


def add_readings(memory: DeviceMemory[Any], applied: Applied, ids: MetricIds, rows: ReadingRows, *, now_ms: int) -> int:
    """The readings of a report into ``rows`` and into the device's latest values; returns how many."""
    limit = now_ms + LATEST_AHEAD_MS
    latest = memory.latest
    count = 0
    for item in applied.report.items:
        if type(item) is not Readings:
            continue
        size = len(item.metric)
        base = item.at + applied.offset_ms
        ms = [base] * size if item.dt is None else [base + dt for dt in item.dt]
        if item.unit is None:
            bare = ids.bare
            metric = [bare[name] for name in item.metric]
        else:
            by_key = ids.by_key
            metric = [by_key[key] for key in zip(item.metric, item.unit, strict=True)]
        quality: list[int] = [0] * size if item.quality is None else list(item.quality)
        rows.add(device=memory.device.id, ms=ms, metric=metric, value=item.value, quality=quality)
        for m, t, v, q in zip(metric, ms, item.value, quality, strict=True):
            old = latest.get(m)
            # Never from the future, and a backlog never overwrites the present.
            if t <= limit and (t >= old[0] if old is not None else len(latest) < PER_DEVICE):
                latest[m] = (t, v, q)
        count += size
    return count


def event_rows(work: Work, *, learned: datetime) -> list[EventRow]:
    """Everything of a device's reports that is neither reading nor heartbeat, in order."""
    rows: list[EventRow] = []
    for applied in work.applied:
        for item in applied.report.items:
            if type(item) is Readings or type(item) is Heartbeat:
                continue
            rows.append(
                (
                    work.device.id,
                    work.device.org_id,
                    moment(item.at + applied.offset_ms),
                    learned,
                    kind_of(item),
                    _encode(item).decode(),
                )
            )
    return rows


def kind_of(item: Item) -> str:
    """The item's tag on the wire."""
    return str(item.__struct_config__.tag)


def inventories(work: Work) -> dict[str, Any] | None:
    """The inventory fields a device's reports say, newest last; None if they say nothing."""
    fields: dict[str, str] = {}
    for applied in work.applied:
        for item in applied.report.items:
            if type(item) is Inventory:
                fields.update(item.fields)
    return fields or None


async def drop_stored(connection: AsyncConnection[Any], work: Work, ids: MetricIds) -> None:
    """Leave only what is new in reports flagged ``again``: they may have been stored under an old number (6).

    The same device, metric, time and value is the same fact; so is an event of the same kind, time and body. What
    stands before in this very batch counts as stored.
    """
    kept: list[Applied] = []
    readings: set[ReadingKey] = set()
    events: list[EventKey] = []
    for applied in work.applied:
        one = applied
        if applied.numbers is not None and applied.numbers.again:
            times = [t for item in applied.report.items for t in _times(item, applied.offset_ms)]
            window = {"device": work.device.id, "first": moment(min(times)), "last": moment(max(times))}
            stored = await (await connection.execute(SQL["stored_readings"], window)).fetchall()
            readings.update((metric, at, value) for metric, at, value in stored)
            events += await (await connection.execute(SQL["stored_events"], window)).fetchall()
            items = _new_items(applied, ids, readings, events)
            if not items:
                continue
            one = msgspec.structs.replace(applied, report=msgspec.structs.replace(applied.report, items=items))
        kept.append(one)
        for item in one.report.items:
            if type(item) is Readings:
                readings.update(_reading_keys(item, one.offset_ms, ids))
            else:
                events.append(_event_key(item, one.offset_ms))
    work.applied[:] = kept


def _new_items(applied: Applied, ids: MetricIds, readings: set[ReadingKey], events: list[EventKey]) -> list[Item]:
    items: list[Item] = []
    for item in applied.report.items:
        if type(item) is Readings:
            new = [i for i, key in enumerate(_reading_keys(item, applied.offset_ms, ids)) if key not in readings]
            if new:
                items.append(_rows_of(item, new))
        elif _event_key(item, applied.offset_ms) not in events:
            items.append(item)
    return items


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


def _rows_of(item: Readings, rows: list[int]) -> Readings:
    return Readings(
        at=item.at,
        metric=[item.metric[i] for i in rows],
        value=[item.value[i] for i in rows],
        dt=None if item.dt is None else [item.dt[i] for i in rows],
        unit=None if item.unit is None else [item.unit[i] for i in rows],
        quality=None if item.quality is None else [item.quality[i] for i in rows],
    )


def _times(item: Item, offset: int) -> list[int]:
    base = item.at + offset
    if type(item) is Readings and item.dt:
        return [base + min(item.dt), base + max(item.dt)]
    return [base]
