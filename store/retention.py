"""How long readings and their roll-ups are kept, and dropping what is older where no policies of the engine do it.

Days are kept for ever. A roll-up is made only from what is whole: what is dropped is noted before it goes
(`rollup.whole_from`), and nothing is made again from a rest.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from store.partitions import Table, drop_pieces
from store.pieces import Pieces
from store.pool import Connection
from store.statements import QUERIES

REACH_GAP_DAYS: Final = 2
"""Ingest takes readings as old as raw ones are kept, less this: none is dropped before its roll-ups are made."""


class KeepError(ValueError):
    """Ages that contradict one another. The message is one line that says which and what to do."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Ages in days: of readings, of roll-ups by the minute and by the hour; from when on chunks are compressed, which
    only TimescaleDB's community edition does; of what devices and alerts told (`event_days`, since it ended, and never
    less than readings, beside which it is looked up), and of what couldn't be taken (`letter_days`). Raises KeepError.
    """

    raw_days: int = 92
    minute_days: int = 366
    hour_days: int = 1830
    compress_days: int = 7
    event_days: int = 366
    letter_days: int = 92

    def __post_init__(self) -> None:
        if self.raw_days < REACH_GAP_DAYS + 1:
            raise KeepError(f"readings must be kept for {REACH_GAP_DAYS + 1} days at least, not {self.raw_days}")
        if not self.raw_days <= self.minute_days <= self.hour_days:
            raise KeepError(
                f"finer data can't be kept longer than what is made from it: {self.raw_days} days of readings, "
                f"{self.minute_days} of minutes, {self.hour_days} of hours"
            )
        if not self.compress_days >= 1:
            raise KeepError(f"chunks can be compressed after a day at the earliest, not {self.compress_days}")
        if not self.letter_days >= 1:
            raise KeepError(f"dead letters are kept for a day at least, not {self.letter_days}")

    @property
    def reach_days(self) -> int:
        """How far back ingest takes readings; what is older is set aside and counted."""
        return self.raw_days - REACH_GAP_DAYS

    @property
    def by_table(self) -> tuple[tuple[Table, int], ...]:
        """What is dropped, and after how many days, the finest first: each is the source of the next level."""
        return (("reading", self.raw_days), ("reading_1m", self.minute_days), ("reading_1h", self.hour_days))

    @property
    def noted(self) -> dict[str, int]:
        """As the table `keeping` has it."""
        events = max(self.event_days, self.raw_days)
        return {**dict(self.by_table), "event": events, "letter": self.letter_days}


async def note_keeping(connection: Connection, *, keep: Keep) -> int:
    """Note in the database how long what is kept, as steth_owner: steth_jobs can drop and delete nothing younger,
    whatever it is told; returns how many ages were changed."""
    noted = keep.noted
    return (await connection.execute(QUERIES["note_keeping"], (list(noted), list(noted.values())))).rowcount


async def otherwise_noted(connection: Connection, *, keep: Keep) -> dict[str, int]:
    """The ages noted in the database that `keep` says otherwise."""
    noted: dict[str, int] = dict(await (await connection.execute(QUERIES["keeping"])).fetchall())
    return {what: days for what, days in noted.items() if keep.noted[what] != days}


async def drop_old(connection: Connection, *, now: datetime, keep: Keep) -> list[str]:
    """Drop partitions or chunks that are wholly too old, and return their names; none where policies do it.

    What still waits to be rolled up stays, and so does what `note_keeping` says. `connection` is steth_jobs', in
    autocommit. Cut off at any moment, the next call goes on. Raises StoreError that names those that couldn't be
    dropped, when the others are.
    """
    row = await (await connection.execute(QUERIES["keeps_rollups"])).fetchone()
    if row != (True,):
        return []
    dropped: list[str] = []
    pieces = Pieces()
    for level, (table, days) in enumerate(keep.by_table):
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        parameters = {"level": level, "before": day - timedelta(days=days)}
        with pieces.of(table):
            noted = await (await connection.execute(QUERIES["note_dropped"], parameters)).fetchone()
            if noted is not None and noted[0] is not None:
                dropped += await drop_pieces(connection, table, before=noted[0], pieces=pieces)
    pieces.check()
    return dropped
