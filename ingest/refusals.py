"""Inserts what was refused, into ``device_refusal``: by a device's agent, as it reports, or by our own gate.

What a device says is its whole count so far, so the newest holds. Ours are added up.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from ingest.arrays import bigints, booleans, integers, texts, times
from ingest.memory import SQL
from ingest.ports import Applied, Device
from wire.items import Heartbeat, Refusal
from wire.limits import MAX_MILLIS

PER_DEVICE: Final = 128
"""Rows of a device, twice what an agent tells apart; those told last stay, or a hostile one could fill the disk."""
SERVER: Final = "server"
"""The source of what our own gate refused; the catalog has words for it. The gate lets no device say so."""
Key = tuple[int, str, str, str]
"""device id, kind, source, reason."""


class Refused(Struct, frozen=True, kw_only=True, gc=False):
    """A row: times in ms, corrected. ``again``: of a report that may be older than what is stored."""

    org_id: int
    told: Refusal
    since_ms: int
    last_ms: int
    told_ms: int
    again: bool


def note(rows: dict[Key, Refused], device: Device, applied: Applied, beat: Heartbeat) -> None:
    """Add what a heartbeat reports, in order of arrival."""
    again = applied.numbers is not None and applied.numbers.again
    # A clock that is wrong and not corrected yet must not make something last beyond the moment we learned of it.
    told_ms = _within(beat.at + applied.offset_ms, applied.received_ms)
    for each in beat.refusals or ():
        key = (device.id, each.kind, each.source, each.reason)
        known = rows.get(key)
        if again and known is not None and known.told_ms > told_ms:
            continue
        last_ms = _within(each.last + applied.offset_ms, told_ms)
        rows[key] = Refused(
            org_id=device.org_id,
            told=each,
            since_ms=_within(each.since + applied.offset_ms, last_ms),
            last_ms=last_ms,
            told_ms=told_ms,
            again=again,
        )


def note_own(rows: dict[Key, Refused], device: Device, refused: Counter[str], *, now_ms: int) -> None:
    """Add what the gate refused, by reason."""
    for reason, count in refused.items():
        key = (device.id, "refused", SERVER, reason)
        known = rows.get(key)
        rows[key] = Refused(
            org_id=device.org_id,
            told=Refusal(
                source=SERVER,
                reason=reason,
                count=count + (0 if known is None else known.told.count),
                since=now_ms,
                last=now_ms,
            ),
            since_ms=now_ms if known is None else known.since_ms,
            last_ms=now_ms,
            told_ms=now_ms,
            again=False,
        )


async def write_refusals(connection: AsyncConnection[Any], rows: dict[Key, Refused]) -> None:
    """Replace what was reported before, and add our own."""
    if not rows:
        return
    values = rows.values()
    columns = {
        "devices": integers([device for device, *_ in rows]),
        "orgs": integers([row.org_id for row in values]),
        "kinds": texts([row.told.kind for row in values]),
        "sources": texts([row.told.source for row in values]),
        "reasons": texts([row.told.reason for row in values]),
        "counts": bigints([row.told.count for row in values]),
        "since": times([row.since_ms for row in values]),
        "last": times([row.last_ms for row in values]),
        "forms": texts([row.told.form for row in values]),
        "told": times([row.told_ms for row in values]),
        "again": booleans([row.again for row in values]),
    }
    await connection.execute(SQL["write_refusals"], columns)
    await connection.execute(SQL["bound_refusals"], {"devices": integers(_devices(rows)), "most": PER_DEVICE})


def _devices(keys: Iterable[Key]) -> list[int]:
    return sorted({device for device, *_ in keys})


def _within(ms: int, latest_ms: int) -> int:
    return max(0, min(ms, latest_ms, MAX_MILLIS))
