"""Roll-ups of readings by the minute, hour and day, kept by a job where the engine has no continuous aggregates.

Ingest says in each batch's own transaction which times it wrote (`rollup_dirty`); a round takes what is said, makes the
buckets anew from what they are made from, and deletes what it took, all by one snapshot. So a kill loses nothing, twice
is once, what commits late is seen when it has committed (delivery 19), and a restored backup goes on where it stood.
The work is in the order of what was written, not of what is stored.

What can't be made stops nobody else: it is divided down to the bucket of a device that fails, which is set aside
(`rollup_aside`), tried again ever more seldom, and shown by `steth doctor`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

import psycopg
from psycopg import IsolationLevel, errors

from store.pool import Connection
from store.rollup_plan import Bounds, Budget, Piece, Plan, halves, plan
from store.statements import QUERIES

LEVELS: Final = ("minute", "hour", "day")
BUCKETS: Final = (60, 3_600, 86_400)
"""Seconds of a bucket: minutes, hours, days (UTC)."""
SETTLE_S: Final = 180
"""How long a minute stays open after its end. Ingest notes what is older than two minutes device by device
(``ingest.touched``), so a closed minute is seldom made again for all devices."""
BUDGETS: Final = (
    Budget(fleet_s=600, device_s=86_400),
    Budget(fleet_s=4 * 3_600, device_s=30 * 86_400),
    Budget(fleet_s=4 * 86_400, device_s=365 * 86_400),
)
"""What the first transaction makes at most. While they are quick, each next one makes twice as much: a backlog of a
small fleet is a few transactions, one of a large fleet many short ones."""
QUICK_S: Final = 0.5
MOST: Final = 50_000
"""Pieces taken by one transaction: those of minutes at a full rate, which become few when they are merged."""
STATEMENT_MS: Final = 120_000
MOST_ASIDE: Final = 1000
"""Buckets that one transaction sets aside, and tries again. Where more fail, it is no matter of single buckets."""
_OF_ROWS: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError)
"""What some rows alone may cause: a value, a constraint or a missing partition, a damaged page."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a transaction of one level did. `more`: there is more that could be made at once."""

    made: int
    lost_s: int
    more: bool


async def roll_up(connection: Connection, *, now: datetime, rounds: int = 50) -> int:
    """Make what was written since; returns the buckets made or changed. 0 where continuous aggregates do the work.

    `connection` is steth_jobs', in autocommit. At most `rounds` transactions a level, the next call goes on. Raises
    psycopg's errors; nothing is half done then.
    """
    row = await (await connection.execute(QUERIES["keeps_rollups"])).fetchone()
    if row != (True,):
        return 0
    made = 0
    for level in range(len(BUCKETS)):
        budget = BUDGETS[level]
        for _ in range(rounds):
            began = perf_counter()
            try:
                done = await roll_up_level(connection, level, now=now, budget=budget)
            except errors.SerializationFailure:
                continue  # retention wrote to the same row meanwhile
            except errors.QueryCanceled:
                if budget.fleet_s <= BUCKETS[level]:
                    raise
                smallest = Budget(fleet_s=BUCKETS[level], device_s=BUCKETS[level])
                budget = budget.times(0.5, least=smallest)  # too much for one statement
                continue
            made += done.made
            if not done.more:
                break
            factor = 2.0 if perf_counter() - began < QUICK_S else 0.5
            budget = budget.times(factor, least=BUDGETS[level])
    return made


async def lags(connection: Connection, *, now: datetime) -> list[float]:
    """Seconds from each level's watermark to `now`; of no level where continuous aggregates do the work."""
    row = await (await connection.execute(QUERIES["keeps_rollups"])).fetchone()
    if row != (True,):
        return []
    rows = await (await connection.execute(QUERIES["rollup_levels"])).fetchall()
    return [now.timestamp() - watermark for _, watermark, _ in rows]


async def roll_up_level(
    connection: Connection, level: int, *, now: datetime, budget: Budget | None = None, most: int = MOST
) -> Done:
    """One transaction of one level; nothing, if another job is at it."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        async with connection.transaction():
            return await _round(connection, level, now, budget or BUDGETS[level], most)
    finally:
        await connection.set_isolation_level(None)


async def _round(connection: Connection, level: int, now: datetime, budget: Budget, most: int) -> Done:
    row = await (await connection.execute(QUERIES["begin_rollup"], {"statement_ms": str(STATEMENT_MS)})).fetchone()
    if row is None or not row[0]:
        return Done(made=0, lost_s=0, more=False)
    levels = await (await connection.execute(QUERIES["rollup_levels"])).fetchall()
    closed = int(now.timestamp()) - SETTLE_S if level == 0 else levels[level - 1][1]
    bucket = BUCKETS[level]
    _, watermark, whole_from = levels[level]
    until = max(closed - closed % bucket, watermark)
    bounds = Bounds(bucket=bucket, watermark=watermark, until=until, whole_from=whole_from)
    where = {"level": level, "watermark": watermark, "until": until, "most": most}
    head = await (await connection.execute(QUERIES["take_head"], where)).fetchall()
    late = await (await connection.execute(QUERIES["take_late"], where)).fetchall()
    blocked = await (await connection.execute(QUERIES["first_left"], where)).fetchone()
    blocked_at = None if blocked is None else blocked[0]
    decided = plan([Piece(*row) for row in (*head, *late)], bounds=bounds, budget=budget, blocked_at=blocked_at)
    before = await _take_aside(connection, level, now=now)
    again = [piece for piece in before if piece.lo >= whole_from]  # else what it would be made from is gone
    maker = _Maker(connection, level=level, now=now, before=before)
    for group in (*_groups(decided), again):
        await maker.make(group)
    if decided.rest:
        await _put(connection, level, decided.rest)
    if (decided.todo or again) and level + 1 < len(BUCKETS):
        await _put(connection, level + 1, [*decided.todo, *again])
    if decided.watermark > watermark:
        await connection.execute(QUERIES["set_watermark"], {"level": level, "watermark": decided.watermark})
    full = len(head) == most or len(late) == most
    return Done(made=maker.made, lost_s=decided.lost_s, more=full or any(piece.lo < until for piece in decided.rest))


def _groups(decided: Plan) -> list[list[Piece]]:
    """All devices piece by piece, then single devices together."""
    groups = [[piece] for piece in decided.todo if piece.device is None]
    return [*groups, [piece for piece in decided.todo if piece.device is not None]]


class _Maker:
    """Makes the buckets of pieces, and sets aside those that fail by themselves."""

    def __init__(
        self, connection: Connection, *, level: int, now: datetime, before: Mapping[Piece, tuple[int, datetime]]
    ) -> None:
        self.made = 0
        self._connection = connection
        self._level = level
        self._now = now
        self._before = before
        self._aside = 0
        self._devices: list[int] | None = None

    async def make(self, pieces: Sequence[Piece]) -> None:
        """Raises psycopg's errors where the cause isn't single rows."""
        if not pieces:
            return
        span = {"first": _time(min(p.lo for p in pieces)), "last": _time(max(p.hi for p in pieces))}
        try:
            async with self._connection.transaction():
                cursor = await self._connection.execute(QUERIES[f"make_{self._level}"], {**_columns(pieces), **span})
        except _OF_ROWS as error:
            parts = halves(pieces, bucket=BUCKETS[self._level], devices=await self._all_devices(pieces))
            for part in parts:
                await self.make(part)
            if not parts:
                await self._put_aside(pieces[0], error)
        else:
            self.made += cursor.rowcount

    async def _put_aside(self, piece: Piece, error: psycopg.Error) -> None:
        self._aside += 1
        if self._aside > MOST_ASIDE:
            raise error
        attempts, since = self._before.get(piece, (0, self._now))
        what = {"level": self._level, "device": piece.device, "lo": piece.lo, "error": error.sqlstate or "?"}
        when = {"attempts": attempts + 1, "since": since, "now": self._now}
        await self._connection.execute(QUERIES["put_aside"], {**what, **when})

    async def _all_devices(self, pieces: Sequence[Piece]) -> Sequence[int]:
        if self._devices is None and any(piece.device is None for piece in pieces):
            rows = await (await self._connection.execute(QUERIES["all_devices"])).fetchall()
            self._devices = [row[0] for row in rows]
        return self._devices or []


async def _take_aside(connection: Connection, level: int, *, now: datetime) -> dict[Piece, tuple[int, datetime]]:
    """What was set aside and is to be tried again, with how often it was and since when."""
    where = {"level": level, "now": now, "most": MOST_ASIDE}
    rows = await (await connection.execute(QUERIES["take_aside"], where)).fetchall()
    return {Piece(device, lo, lo + BUCKETS[level]): (attempts, since) for device, lo, attempts, since in rows}


async def _put(connection: Connection, level: int, pieces: Sequence[Piece]) -> None:
    await connection.execute(QUERIES["put_dirty"], {"level": level, **_columns(pieces)})


def _columns(pieces: Sequence[Piece]) -> dict[str, list[int | None] | list[int]]:
    return {
        "devices": [piece.device for piece in pieces],
        "lo": [piece.lo for piece in pieces],
        "hi": [piece.hi for piece in pieces],
    }


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
