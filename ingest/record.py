"""What of the admitted reports goes into which table: readings into columns, everything else into events."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from ingest.arrays import FIRST_MS, LAST_MS
from ingest.latest import LATEST_AHEAD_MS
from ingest.memory import DeviceMemory
from ingest.metrics import MetricIds
from ingest.ports import Applied, Work
from ingest.rows import ReadingRows
from wire.items import Birth, Heartbeat, Inventory, Item, Readings

EventRow = tuple[int, int, int, int, str, str]
"""device id, org id, corrected time (ms), when we learned of it (ms), the item's tag, the item (JSON)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_encode: Final = msgspec.json.Encoder().encode


def moment(ms: int) -> datetime:
    """A time of the wire as the database takes it; beyond years 1 to 9999, the nearest that it can take."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, FIRST_MS), LAST_MS))


def add_readings(memory: DeviceMemory[Any], applied: Applied, ids: MetricIds, rows: ReadingRows, *, now_ms: int) -> int:
    """The readings of a report into ``rows`` and into the device's latest values; returns how many."""
    limit = now_ms + LATEST_AHEAD_MS
    count = 0
    for item in applied.report.items:
        if type(item) is not Readings:
            continue
        base = item.at + applied.offset_ms
        if item.unit is None:
            metric = [ids.bare[name] for name in item.metric]
        else:
            metric = [ids.by_key[key] for key in zip(item.metric, item.unit, strict=True)]
        rows.add(memory.device.id, base, item.dt, metric, item.value, item.quality)
        memory.latest.note(metric, base, item.dt, item.value, item.quality, limit_ms=limit)
        count += len(metric)
    return count


def event_rows(work: Work, *, learned_ms: int) -> list[EventRow]:
    """Everything of a device's reports that is neither reading nor heartbeat, in order."""
    rows: list[EventRow] = []
    for applied in work.applied:
        for item in applied.report.items:
            if type(item) is Readings or type(item) is Heartbeat:
                continue
            at = min(max(item.at + applied.offset_ms, FIRST_MS), LAST_MS)
            body = _encode(item).decode()
            rows.append((work.device.id, work.device.org_id, at, learned_ms, kind_of(item), body))
    return rows


def box(work: Work) -> str | None:
    """The box that a device's newest birth names, '' for one that names none; None: there is no birth."""
    told = [item for applied in work.applied for item in applied.report.items if type(item) is Birth]
    return (told[-1].box or "") if told else None


def kind_of(item: Item) -> str:
    """The item's tag on the wire."""
    return str(item.__struct_config__.tag)


def inventories(work: Work) -> dict[str, Any] | None:
    """The inventory fields of a device's reports, newest last; None if there are none."""
    fields: dict[str, str] = {}
    for applied in work.applied:
        for item in applied.report.items:
            if type(item) is Inventory:
                fields.update(item.fields)
    return fields or None
