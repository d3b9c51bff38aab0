"""What keeps readings and their roll-ups in pieces that can be dropped: made ahead and dropped by age, outside ingest.

On plain PostgreSQL a piece is a month (UTC), called `TABLE_YYYY_MM`. TimescaleDB makes its chunks by itself, so there
only dropping is left to do. Both functions need a connection of steth_owner, and neither holds up ingest: attaching and
detaching take locks that COPY does not wait for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self, get_args

from psycopg import sql

from store.pieces import Pieces
from store.pool import Connection
from store.statements import QUERIES

Table = Literal["reading", "reading_1m", "reading_1h"]
"""What is kept for a time: readings, and their roll-ups by the minute and by the hour. Those by the day stay."""
TABLES: Final[tuple[Table, ...]] = get_args(Table)
_NAME: Final = re.compile(r"\w+_(\d{4})_(\d{2})\Z")


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, time: datetime) -> Self:
        """The month that a time (with its zone) falls in."""
        utc = time.astimezone(UTC)
        return cls(utc.year, utc.month)

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def of_table(self, table: Table) -> str:
        """The name of its partition of a table."""
        return f"{table}_{self.year:04}_{self.month:02}"

    @classmethod
    def in_name(cls, partition: str) -> Self | None:
        """The month that a partition's name says; None for another name."""
        found = _NAME.match(partition)
        return None if found is None else cls(int(found[1]), int(found[2]))


def months(*, first: datetime, last: datetime) -> Iterator[Month]:
    """The months from `first`'s to `last`'s, both included."""
    month, end = Month.of(first), Month.of(last)
    while month <= end:
        yield month
        month = month.next


async def ensure_partitions(connection: Connection, *, now: datetime, behind_days: int, ahead_days: int) -> list[str]:
    """Make the partitions that lack from `now` - `behind_days` to `now` + `ahead_days`; return the names of those made.

    `behind_days` must reach as far back as ingest takes readings (the store-and-forward horizon). What there are
    readings of has room for its roll-ups too. Does nothing on hypertables. May run any number of times, in any number
    of processes at once. Raises StoreError that names those that couldn't be made, when the others are.
    """
    wanted = set(months(first=now - timedelta(days=behind_days), last=now + timedelta(days=ahead_days)))
    made = []
    pieces = Pieces()
    async with connection.transaction():
        await connection.execute(QUERIES["lock_partitions"])
        for table in TABLES:
            if not await _is_partitioned(connection, table):
                continue
            there = {month for name, _, _ in await _partitions(connection, table) if (month := Month.in_name(name))}
            for month in sorted(wanted - there):
                with pieces.of(month.of_table(table)):
                    async with connection.transaction():
                        await _attach(connection, table, month)
                    made.append(month.of_table(table))
            if table == "reading":
                wanted |= there
    pieces.check()
    return made


async def _attach(connection: Connection, table: Table, month: Month) -> None:
    # Attached, not created in place: CREATE TABLE ... PARTITION OF would lock out every writer of the table.
    names = {"month": sql.Identifier(month.of_table(table)), "table": sql.Identifier(table)}
    await connection.execute(sql.SQL("CREATE TABLE {month} (LIKE {table} INCLUDING ALL)").format(**names))
    await connection.execute(
        sql.SQL("ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ({begin}) TO ({end})").format(
            **names,
            begin=sql.Literal(month.begin.isoformat()),
            end=sql.Literal(month.next.begin.isoformat()),
        )
    )


async def drop_pieces(connection: Connection, table: Table, *, before: datetime, pieces: Pieces) -> list[str]:
    """Drop the pieces of a table that lie wholly before a time; return their names. `pieces` notes those that fail.

    `connection` must be in autocommit: a partition is detached concurrently, so that nobody waits. Cut off at any
    moment, the next call goes on where it stopped.
    """
    if not connection.autocommit:
        raise ValueError("detaching concurrently needs a connection in autocommit")
    dropped = []
    if not await _is_partitioned(connection, table):
        chunks = await (await connection.execute(QUERIES["chunks_before"], (table, before))).fetchall()
        for name, begin, end in chunks:
            with pieces.of(name):
                await connection.execute(QUERIES["drop_chunk"], (table, begin, end))
                dropped.append(name)
        return dropped
    for name, attached, pending in await _partitions(connection, table):
        month = Month.in_name(name)
        if month is None or month.next.begin > before:
            continue
        with pieces.of(name):
            await _drop(connection, table, name, attached=attached, pending=pending)
            dropped.append(name)
    return dropped


async def _drop(connection: Connection, table: Table, name: str, *, attached: bool, pending: bool) -> None:
    if attached:
        how = sql.SQL("FINALIZE" if pending else "CONCURRENTLY")
        await connection.execute(
            sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(sql.Identifier(table), sql.Identifier(name), how)
        )
    await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


async def _is_partitioned(connection: Connection, table: Table) -> bool:
    row = await (await connection.execute(QUERIES["is_partitioned"], (table,))).fetchone()
    return row == (True,)


async def _partitions(connection: Connection, table: Table) -> list[tuple[str, bool, bool]]:
    rows = await (await connection.execute(QUERIES["partitions_of"], {"table": table})).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
