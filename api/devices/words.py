"""A device in one reader's words."""

from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from api.devices.state import WORDS, Judged, Known, judge
from api.http.context import Session
from api.http.language import Reader


def device_fields(asked: Session, words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `Device` as plain values: building its models for a list takes longer than all the rest."""
    model = words.catalog.models.get(row["model"])
    state = judge(
        Known(
            connected=bool(row["connected"]),
            last_seen=row["last_seen"],
            interval_s=row["interval_s"] or 0.0,
            worst_severity=row["worst_severity"],
            worst_since=row["worst_since"],
            lost_at=row["lost_at"],
            equipment_connected=row["equipment_connected"],
            doubted_since=row["doubted_since"],
        ),
        now=asked.now,
        default_interval_s=asked.context.settings.heartbeat_s,
    )

    def fact(judged: Judged) -> dict[str, Any]:
        return {
            "value": judged.value,
            "reason": judged.reason.value,
            "text": WORDS[judged.reason].get(words.lang),
            "age_s": age_s(judged.since, asked.now),
        }

    return {
        "id": row["uid"],
        "name": row["name"],
        "model": row["model"],
        "model_name": words.text(None if model is None else model.name, row["model"]),
        "hospital": {"id": row["org_id"], "name": row["hospital"]},
        "site": {"id": row["site_id"], "name": row["site"]},
        "dealer": {"id": row["dealer_id"], "name": row["dealer"]},
        "department": row["department"],
        "serial": row["serial"],
        "status": row["status"],
        "connected": fact(state.connected),
        "fresh": fact(state.fresh),
        "healthy": fact(state.healthy),
        "equipment_connected": row["equipment_connected"],
        "clock_offset_s": None if row["clock_offset_ms"] is None else row["clock_offset_ms"] / 1000,
        "last_seen": row["last_seen"],
        "age_s": age_s(row["last_seen"], asked.now),
        "open_alerts": row["open_alerts"],
        "open_tickets": row["open_tickets"],
        "enrolled_at": row["enrolled_at"],
        "created_at": row["created_at"],
        "version": row["version"],
    }


def age_s(at: datetime | None, now: datetime) -> float | None:
    """Seconds since a moment, never below 0: a device's clock may be ahead of ours."""
    return None if at is None else max(0.0, round((now - at).total_seconds(), 3))
