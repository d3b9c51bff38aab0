"""Moves report numbers in the outbox's file; within the writer's transaction."""

import sqlite3


def from_one(connection: sqlite3.Connection) -> None:
    """Number the reports of each lane from 1, in order, without holes, flagged ``again``."""
    connection.execute(
        "CREATE TEMP TABLE renumbered AS SELECT *, row_number() OVER (PARTITION BY lane ORDER BY seq) AS n FROM report"
    )
    connection.execute("DELETE FROM report")
    connection.execute(
        "INSERT INTO report SELECT lane, n, body, digest, size, items, segment, created, 1 FROM renumbered"
    )
    connection.execute("DROP TABLE temp.renumbered")


def move_up(connection: sqlite3.Connection, lane: int, *, above: int, by: int) -> None:
    """Raise every number beyond ``above``. In two steps, for SQLite checks the primary key row by row."""
    if by:
        connection.execute("UPDATE report SET seq = -(seq + ?) WHERE lane = ? AND seq > ?", (by, lane, above))
        connection.execute("UPDATE report SET seq = -seq WHERE lane = ? AND seq < 0", (lane,))
