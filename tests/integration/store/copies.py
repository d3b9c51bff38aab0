"""What stands in a database before it becomes a copy, and how it noticed that it is one."""

from typing import Final

import psycopg

from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import Hospital, batch, episode, rows
from tests.integration.desk.test_tickets import run

OLD: Final = 5_000_000
"""A transaction of a cluster that has run for long; a new one counts from less than a thousand."""


def settled(database: Database, *, dsn: str = "") -> bool:
    with psycopg.connect(dsn or database.ingest, autocommit=True) as connection:
        return connection.execute("SELECT settle_installation()").fetchone() == (True,)


async def with_a_past(database: Database) -> Hospital:
    """A hospital with a ticket, whose rows a cluster wrote that has counted far."""
    hospital = Hospital.make(database, devices=3)
    assert not settled(database)
    await run(database, batch((hospital.devices[0], [episode()])))
    rows(database, "UPDATE ticket_event SET xid = %s::text::xid8", OLD)
    return hospital


def restored_by(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT restores, restored_by FROM installation")
