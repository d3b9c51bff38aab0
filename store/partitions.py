"""What keeps readings and their roll-ups in pieces that can be dropped: made ahead and dropped by age, outside ingest.

On plain PostgreSQL a piece is a month (UTC), called `TABLE_YYYY_MM`. TimescaleDB makes its chunks by itself, so there
only dropping is left to do. Both are functions of the database's (migration 0009): who calls them as steth_jobs can
make and drop these pieces and nothing else, and none that is to be kept. Neither holds up ingest: attaching takes locks
that COPY does not wait for, and a drop gives up its place in the queue after a tenth of a second, to try again.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self, get_args

from psycopg import errors

from store.pieces import Pieces
from store.pool import Connection
from store.statements import QUERIES

Table = Literal["reading", "reading_1m", "reading_1h"]
"""What is kept for a time: readings, and their roll-ups by the minute and by the hour. Those by the day stay."""
TABLES: Final[tuple[Table, ...]] = get_args(Table)
TRIES: Final = 10
"""To get the lock that a drop needs. A reader may hold it off for as long as it reads: then the next turn does it."""
PAUSE_S: Final = 0.2
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
            there = {month for _, month in await _partitions(connection, table)}
            for month in sorted(wanted - there):
                with pieces.of(month.of_table(table)):
                    async with connection.transaction():
                        await connection.execute(QUERIES["make_piece"], (table, month.begin))
                    made.append(month.of_table(table))
            if table == "reading":
                wanted |= there
    pieces.check()
    return made


async def drop_pieces(connection: Connection, table: Table, *, before: datetime, pieces: Pieces) -> list[str]:
    """Drop the pieces of a table that lie wholly before a time; return their names. `pieces` notes those that fail,
    as those do that are younger than what is to be kept (`store.retention.note_keeping`).

    `connection` must be in autocommit: each is a transaction of its own, so that nobody waits for the next one too.
    """
    if not connection.autocommit:
        raise ValueError("dropping wants a connection in autocommit")
    if await _is_partitioned(connection, table):
        months_there = await _partitions(connection, table)
        old = [(name, month.begin) for name, month in months_there if month.next.begin <= before]
    else:
        old = await (await connection.execute(QUERIES["chunks_before"], (table, before))).fetchall()
    dropped = []
    for name, begin in old:
        with pieces.of(name):
            await _drop(connection, table, begin)
            dropped.append(name)
    return dropped


async def _drop(connection: Connection, table: Table, begin: datetime) -> None:
    for left in reversed(range(TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(QUERIES["drop_piece"], (table, begin))
        except errors.LockNotAvailable:
            if not left:
                raise
            await asyncio.sleep(PAUSE_S)
        else:
            return


async def _is_partitioned(connection: Connection, table: Table) -> bool:
    row = await (await connection.execute(QUERIES["is_partitioned"], (table,))).fetchone()
    return row == (True,)


async def _partitions(connection: Connection, table: Table) -> list[tuple[str, Month]]:
    rows = await (await connection.execute(QUERIES["partitions_of"], (table,))).fetchall()
    return [(name, month) for (name,) in rows if (month := Month.in_name(name))]
