"""A ticket with all that belongs to it, as rows; `api.tickets.words` puts them into the shapes of answers.

Named as the shapes' fields are, columns go into an answer by themselves: what a ticket has more is a column here in
queries.sql and a field in shapes.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import DictRow

from remote.prepare import WAITS
from store.pool import Connection
from store.sql import queries_beside

MOST: Final = 500
"""Of each list of a ticket the newest so many: a fault that comes and goes all night makes thousands of events."""
_SQL: Final = queries_beside(__file__)
_ALL: Final[dict[str, Any]] = {
    **dict.fromkeys(("device", "family", "model", "severity", "hospital", "hospitals", "dealer", "site", "status")),
    **dict.fromkeys(("holder", "open", "age", "now", "sought", "many", "numbered", "families", "subjects")),
    "families_of_codes": None,
}
_BEGIN: Final[dict[str, Any]] = dict.fromkeys(("ids", "number", "below", "urgency", "rank", "after_at", "after_id"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A ticket's row as of `read_tickets`, and the rows of all that belongs to it. The readings are apart:
    `desk.tickets.evidence`."""

    ticket: DictRow
    bring: DictRow
    events: list[DictRow]
    alerts: list[DictRow]
    sessions: list[DictRow]
    commands: list[DictRow]
    tellings: list[DictRow]
    reports: list[DictRow]
    repairs: list[DictRow]


async def read_tickets(connection: Connection, *, limit: int, **of: Any) -> list[DictRow]:
    """Tickets, the latest opened first or by `urgency`; `of`: the filters of the statement `tickets`."""
    return await _SQL.many(connection, "tickets", {**_ALL, **_BEGIN, **of, "limit": limit}, anew=True)


async def count_tickets(connection: Connection, *, by: str | None, most: int | None, **of: Any) -> list[DictRow]:
    """How many of each value; `of`: the filters of the statement `tickets_counted`."""
    return await _SQL.many(connection, "tickets_counted", {**_ALL, **of, "by": by, "most": most}, anew=True)


async def find_ticket(connection: Connection, number: str) -> DictRow | None:
    """What a route must know of a ticket before it does anything: `id`, `org_id`, `version`, `model`, and whether it is
    the asker's `own` to do something with."""
    return await _SQL.one(connection, "ticket_by_number", {"number": number})


async def bring_of(connection: Connection, ticket: int) -> DictRow:
    """What may be the cause of a ticket, and what to bring."""
    [bring] = await _SQL.many(connection, "ticket_bring", {"ticket": ticket})
    return bring


async def read_case(connection: Connection, number: str, *, now: datetime) -> Case | None:
    """The ticket, or None where the transaction sees no such. Nine statements: wants one transaction."""
    found = await read_tickets(connection, number=number, limit=1)
    if not found:
        return None
    of = {"ticket": found[0]["id"], "limit": MOST, "prepared": now - WAITS}
    return Case(
        ticket=found[0],
        bring=await bring_of(connection, found[0]["id"]),
        events=await _SQL.many(connection, "ticket_events", of),
        alerts=await _SQL.many(connection, "ticket_alerts", of),
        sessions=await _SQL.many(connection, "ticket_sessions", of),
        commands=await _SQL.many(connection, "ticket_commands", of),
        tellings=await _SQL.many(connection, "ticket_tellings", of),
        reports=await _SQL.many(connection, "ticket_reports", of),
        repairs=await _SQL.many(connection, "ticket_repairs", of),
    )
