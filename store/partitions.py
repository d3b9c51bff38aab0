"""What keeps the table `reading` in pieces that can be dropped: made ahead and dropped by age, outside ingest.

On plain PostgreSQL a piece is a month (UTC), called `reading_YYYY_MM`. TimescaleDB makes its chunks by itself, so there
only dropping is left to do. Both functions need a connection of steth_owner, and neither holds up ingest: attaching and
detaching take locks that COPY does not wait for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from psycopg import sql

from store.pool import Connection
from store.statements import QUERIES

_NAME: Final = re.compile(r"reading_(\d{4})_(\d{2})\Z")


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

    @property
    def table(self) -> str:
        """The name of its partition."""
        return f"reading_{self.year:04}_{self.month:02}"


def months(*, first: datetime, last: datetime) -> Iterator[Month]:
    """The months from `first`'s to `last`'s, both included."""
    month, end = Month.of(first), Month.of(last)
    while month <= end:
        yield month
        month = month.next


async def ensure_partitions(connection: Connection, *, now: datetime, behind_days: int, ahead_days: int) -> list[str]:
    """Make the partitions that lack from `now` - `behind_days` to `now` + `ahead_days`; return the names of those made.

    `behind_days` must reach as far back as ingest takes readings (the store-and-forward horizon). Does nothing on a
    hypertable. May run any number of times, in any number of processes at once.
    """
    wanted = list(months(first=now - timedelta(days=behind_days), last=now + timedelta(days=ahead_days)))
    async with connection.transaction():
        if not await _is_partitioned(connection):
            return []
        await connection.execute(QUERIES["lock_partitions"])
        there = {name for name, _, _ in await _partitions(connection)}
        missing = [month for month in wanted if month.table not in there]
        for month in missing:
            # Attached, not created in place: CREATE TABLE ... PARTITION OF would lock out every writer of `reading`.
            names = {"month": sql.Identifier(month.table), "reading": sql.Identifier("reading")}
            await connection.execute(sql.SQL("CREATE TABLE {month} (LIKE {reading} INCLUDING ALL)").format(**names))
            await connection.execute(
                sql.SQL("ALTER TABLE {reading} ATTACH PARTITION {month} FOR VALUES FROM ({begin}) TO ({end})").format(
                    **names,
                    begin=sql.Literal(month.begin.isoformat()),
                    end=sql.Literal(month.next.begin.isoformat()),
                )
            )
    return [month.table for month in missing]


async def drop_readings(connection: Connection, *, before: datetime) -> list[str]:
    """Drop the pieces of `reading` that lie wholly before a time; return their names.

    `connection` must be in autocommit: a partition is detached concurrently, so that nobody waits. Cut off at any
    moment, the next call goes on where it stopped.
    """
    if not connection.autocommit:
        raise ValueError("detaching concurrently needs a connection in autocommit")
    if not await _is_partitioned(connection):
        chunks = await connection.execute(QUERIES["drop_chunks"], (before,))
        return [row[0] for row in await chunks.fetchall()]
    dropped = []
    for name, attached, pending in await _partitions(connection):
        found = _NAME.match(name)
        if found is None or Month(int(found[1]), int(found[2])).next.begin > before:
            continue
        if attached:
            how = sql.SQL("FINALIZE" if pending else "CONCURRENTLY")
            await connection.execute(
                sql.SQL("ALTER TABLE reading DETACH PARTITION {} {}").format(sql.Identifier(name), how)
            )
        await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
        dropped.append(name)
    return dropped


async def _is_partitioned(connection: Connection) -> bool:
    row = await (await connection.execute(QUERIES["reading_is_partitioned"])).fetchone()
    return row == (True,)


async def _partitions(connection: Connection) -> list[tuple[str, bool, bool]]:
    rows = await (await connection.execute(QUERIES["reading_partitions"])).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]
