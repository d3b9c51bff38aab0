"""Alerts as rows; `api.alerts.words` puts them into the shapes of answers."""

from typing import Any, Final

from psycopg.rows import DictRow

from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
_ALL: Final[dict[str, Any]] = {
    **dict.fromkeys(("device", "severity", "hospital", "hospitals", "dealer", "site", "model", "family")),
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
