"""Alerts as rows; `api.alerts.words` puts them into the shapes of answers."""

from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
NO_TICKET: Final = "none"
_ALL: Final[dict[str, Any]] = {
    **dict.fromkeys(("device", "severity", "hospital", "hospitals", "dealer", "site", "model", "family")),
    **dict.fromkeys(("wanted",)),
    **dict.fromkeys(("conditions", "watched", "acknowledged", "age", "now", "sought", "many", "subjects", "ticketed")),
}
_BEGIN: Final[dict[str, Any]] = {
    **dict.fromkeys(("ids", "before_at", "before_id", "urgency", "rank", "after_at", "after_id")),
}


async def read_alerts(connection: Connection, *, limit: int, **of: Any) -> list[DictRow]:
    """Alerts, the newest first or by `urgency`; `of`: the filters of the statement `alerts`."""
    return await _SQL.many(connection, "alerts", {**_ALL, **_BEGIN, **of, "limit": limit}, anew=True)


async def count_alerts(connection: Connection, *, by: str | None, most: int | None, **of: Any) -> list[DictRow]:
    """How many of each value; `of`: the filters of the statement `alerts_counted`."""
    return await _SQL.many(connection, "alerts_counted", {**_ALL, **of, "by": by, "most": most}, anew=True)


async def wanted_alerts(
    connection: Connection, *, actors: list[str] | None, tickets: list[str] | None
) -> list[UUID] | None:
    """Alerts of `tickets`, by number (NO_TICKET: of none, and not over), that one of `actors` acknowledged and that
    aren't over. None: all."""
    wanted: set[UUID] | None = None
    if tickets is not None:
        wanted = {row["id"] for row in await _SQL.many(connection, "alerts_of_tickets", {"numbers": tickets})}
        if NO_TICKET in tickets:
            wanted |= {row["id"] for row in await _SQL.many(connection, "alerts_of_none")}
    if actors is not None:
        held = {row["id"] for row in await _SQL.many(connection, "alerts_held", {"actors": actors})}
        wanted = held if wanted is None else held & wanted
    return None if wanted is None else list(wanted)
