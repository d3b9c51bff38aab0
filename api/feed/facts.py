"""The devices' three facts as the stream tells them: what changed since the last look. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from api.devices.state import LOST_COUNTS, WORDS, Judged, Known, Reason, State, judge, patience
from catalog.model import Lang
from wire.times import ms_of

CHUNK: Final = 200
"""Devices of one event."""
LANGS: Final[tuple[Lang, Lang]] = ("zh", "en")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A device as last looked at. `viewers`: the organisations that see it; `row`: as the database had it; `until`:
    when it becomes another by itself.
    """

    uid: str
    viewers: frozenset[int]
    row: tuple[Any, ...]
    state: State
    last_seen: datetime | None
    open_alerts: int
    open_tickets: int
    until: datetime | None

    def shown(self) -> tuple[Any, ...]:
        """What a change of is told at once; that it was heard again is told by `seen` alone."""
        facts = (self.state.connected, self.state.fresh, self.state.healthy)
        return (*((fact.value, fact.reason) for fact in facts), self.open_alerts, self.open_tickets)


def look(row: tuple[Any, ...], before: Seen | None, *, now: datetime, default_interval_s: float) -> Seen:
    """A row of the statement `stream_devices`, judged; `before` itself where nothing can have changed."""
    if before is not None and before.row == row and (before.until is None or now <= before.until):
        return before
    _, uid, viewers, connected, interval_s, reached, last_seen, open_alerts, severity, since, doubted_since, *rest = row
    open_tickets, lost_at = rest
    known = Known(
        connected=bool(connected),
        last_seen=last_seen,
        interval_s=interval_s or 0.0,
        worst_severity=severity,
        worst_since=since,
        lost_at=lost_at,
        equipment_connected=reached,
        doubted_since=doubted_since,
    )
    state = judge(known, now=now, default_interval_s=default_interval_s)
    until = last_seen + patience(known, default_interval_s) if state.fresh.value else None
    if until is not None and state.healthy.reason is Reason.REFUSED:
        until = min(until, lost_at + LOST_COUNTS)
    return Seen(
        uid=uid,
        viewers=frozenset(viewers),
        row=row,
        state=state,
        last_seen=last_seen,
        open_alerts=open_alerts,
        open_tickets=open_tickets,
        until=until,
    )


def _fact(judged: Judged, lang: Lang) -> dict[str, Any]:
    return {
        "value": judged.value,
        "reason": judged.reason.value,
        "text": WORDS[judged.reason].get(lang),
        "since": judged.since,
    }


def chunks(devices: Iterable[Seen]) -> list[list[Seen]]:
    """At most CHUNK devices each."""
    every = list(devices)
    return [every[first : first + CHUNK] for first in range(0, len(every), CHUNK)]


def states(devices: list[Seen], *, now: datetime, lang: Lang) -> bytes:
    """The data of a `devices` event."""
    items = [
        {
            "id": seen.uid,
            "connected": _fact(seen.state.connected, lang),
            "fresh": _fact(seen.state.fresh, lang),
            "healthy": _fact(seen.state.healthy, lang),
            "last_seen": seen.last_seen,
            "open_alerts": seen.open_alerts,
            "open_tickets": seen.open_tickets,
        }
        for seen in devices
    ]
    return msgspec.json.encode({"now": now, "items": items})


def heard(devices: Iterable[Seen], *, now: datetime) -> Mapping[Lang, bytes]:
    """The data of a `seen` event: ms since 1970 UTC by device."""
    seen = {each.uid: ms_of(each.last_seen) for each in devices if each.last_seen is not None}
    data = msgspec.json.encode({"now": now, "seen": seen})
    return dict.fromkeys(LANGS, data)
