"""Deletes by age what grows beside readings, in batches that block nobody: docs/database.md says what stays how long.

Each statement takes the oldest rows by an index, and a number of them at most: what a turn costs follows from what is
too old, not from what is there.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import alerts
import ingest
import people
import remote
from api import http
from desk import telling
from store.pieces import Pieces
from store.pool import Connection
from store.retention import Keep
from store.sql import queries_beside

MOST: Final = 5000
"""Rows of one statement: tens of milliseconds."""
MORE: Final = 20
"""Times as many where each statement has to look at all of a table to know which; rows that nobody else touches."""
LETTERS_A_DEVICE: Final = 1_000
"""Rows of dead letters of a device, whatever their age, each for those alike of ten minutes: one that is broken, or
hostile, fills no disk and no other's room."""
_STATEMENTS: Final = {
    name: queries[name]
    for queries in (
        queries_beside(ingest.__file__),
        queries_beside(alerts.__file__),
        queries_beside(telling.__file__),
        queries_beside(remote.__file__),
        queries_beside(people.__file__),
        queries_beside(http.__file__),
        queries_beside(__file__),
    )
    for name in queries.names
}
"""`sweep_TABLE` stands with the room whose table it is."""


def ages(keep: Keep) -> Mapping[str, int]:
    """By table, in the order in which they are swept, after how many days its rows go."""
    event_days = keep.noted["event"]
    return {
        "dead_letter": keep.letter_days,
        "reading_aside": keep.letter_days,
        "gap": event_days,
        "device_event": event_days,
        "alert": event_days,
        "alert_event": event_days,
        "telling": event_days,
        "command": event_days,
        "api_token": keep.letter_days,
        "idempotency": 1,
        "job": keep.letter_days,
    }


async def sweep(connection: Connection, *, now: datetime, keep: Keep, most: int = MOST) -> int:
    """Delete what is too old; returns how many rows. `connection` is steth_jobs', in autocommit: what is
    younger than `store.retention.note_keeping` says stays.

    Raises StoreError that names the tables that couldn't be swept, when the others are; psycopg's errors where the
    connection is gone. Cut off at any moment, the next call goes on.
    """
    pieces, gone = Pieces(), 0
    for table, days in ages(keep).items():
        with pieces.of(table):
            gone += await _all(connection, f"sweep_{table}", most, now=now, before=now - timedelta(days=days))
    with pieces.of("dead_letter, of a device"):
        gone += await _all(connection, "bound_letters", MORE * most, each=LETTERS_A_DEVICE)
    pieces.check()
    return gone


async def _all(connection: Connection, name: str, most: int, **given: object) -> int:
    gone = 0
    while True:
        cursor = await connection.execute(_STATEMENTS[name], {**given, "most": most})
        gone += cursor.rowcount
        if cursor.rowcount < most:
            return gone
