"""The reports in the outbox's file, by lane and number; within the writer's transaction.

A body stands apart from its row, so that renumbering moves no bodies.
"""

import sqlite3
from typing import Final

from msgspec import Struct

from agent.errors import DamagedReport
from agent.outbox.forming import Formed
from agent.outbox.states import Held
from wire.codec import digest
from wire.limits import MAX_BODY, WINDOW_REPORTS
from wire.topics import Lane

LANES: Final = {Lane.LIVE: 0, Lane.BULK: 1}
"""As the file has them."""


class Report(Struct, frozen=True, kw_only=True):
    """One report. ``created``: device's clock, ms."""

    body: bytes
    items: int
    segment: int
    created: int
    again: bool


class Oldest(Struct, frozen=True, kw_only=True):
    """What is known of a report without its body. ``size``: of it, bytes."""

    seq: int
    size: int
    created: int


class Count(Struct, frozen=True, kw_only=True):
    """How much reports are; ``size`` in bytes of their bodies."""

    reports: int
    size: int
    items: int


class Reports:
    """See the module."""

    def __init__(self, *, connection: sqlite3.Connection) -> None:
        self._db = connection

    def get(self, lane: Lane, seq: int) -> Report | None:
        """None: it isn't held."""
        row = self._db.execute(
            "SELECT bytes, items, segment, created, again FROM report JOIN body ON body.id = report.body "
            "WHERE lane = ? AND seq = ?",
            (LANES[lane], seq),
        ).fetchone()
        if row is None:
            return None
        body, items, segment, created, again = row
        return Report(body=body, items=items, segment=segment, created=created, again=bool(again))

    def digest(self, lane: Lane, seq: int) -> bytes | None:
        """As it was when entered; None: it isn't held."""
        row = self._db.execute("SELECT digest FROM report WHERE lane = ? AND seq = ?", (LANES[lane], seq)).fetchone()
        return None if row is None else bytes(row[0])

    def fetch(self, lane: Lane, *, seq: int, reports: int, size: int, alone: bool) -> list[Held]:
        """Reports from ``seq`` on without a hole between, within the bounds; the first one in any case if ``alone``.

        Raises ``DamagedReport`` if the first one isn't what was entered.
        """
        rows = self._db.execute(
            "SELECT seq, size, segment, again, body, digest FROM report "
            "WHERE lane = ? AND seq >= ? ORDER BY seq LIMIT ?",
            (LANES[lane], seq, reports),
        ).fetchall()
        found: list[Held] = []
        for number, bytes_, segment, again, number_of_body, expected in rows:
            size -= bytes_
            if (found and number != found[-1].seq + 1) or (size < 0 and not (alone and not found)):
                break
            body: bytes = self._db.execute("SELECT bytes FROM body WHERE id = ?", (number_of_body,)).fetchone()[0]
            if digest(body) != expected:  # SQLite doesn't see a flipped bit, and the server's digest would never match
                if found:
                    break
                raise DamagedReport(number)
            found.append(Held(seq=number, body=body, segment=segment, again=bool(again)))
        return found

    def oldest(self, lane: Lane, *, above: int, size: int) -> list[Oldest]:
        """The first ones beyond a number, as many as make up ``size`` bytes, or all."""
        rows = self._db.execute(
            "SELECT seq, size, created FROM report WHERE lane = ? AND seq > ? ORDER BY seq", (LANES[lane], above)
        )
        found: list[Oldest] = []
        for seq, bytes_, created in rows:
            if size <= 0:
                break
            size -= bytes_
            found.append(Oldest(seq=seq, size=bytes_, created=created))
        rows.close()
        return found

    def insert(self, lane: Lane, seq: int, report: Formed, *, segment: int, created: int, again: bool) -> None:
        """Under a number that is free."""
        body = self._db.execute("INSERT INTO body (bytes) VALUES (?)", (report.body,)).lastrowid
        size, items = len(report.body), len(report.items)
        self._db.execute(
            "INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (LANES[lane], seq, body, report.digest, size, items, segment, created, int(again)),
        )

    def rewrite(self, lane: Lane, seq: int, report: Formed) -> None:
        """Another body under the same number."""
        key = (LANES[lane], seq)
        self._db.execute(
            "UPDATE body SET bytes = ? WHERE id = (SELECT body FROM report WHERE lane = ? AND seq = ?)",
            (report.body, *key),
        )
        self._db.execute(
            "UPDATE report SET digest = ?, size = ? WHERE lane = ? AND seq = ?",
            (report.digest, len(report.body), *key),
        )

    def delete(self, lane: Lane, above: int, upto: int) -> Count:
        """Delete the numbers above..upto; what that was."""
        range_ = (LANES[lane], above, upto)
        gone = self._count("lane = ? AND seq > ? AND seq <= ?", range_)
        self._db.execute(
            "DELETE FROM body WHERE id IN (SELECT body FROM report WHERE lane = ? AND seq > ? AND seq <= ?)", range_
        )
        self._db.execute("DELETE FROM report WHERE lane = ? AND seq > ? AND seq <= ?", range_)
        return gone

    def doubt(self, lane: Lane) -> None:
        """All of the lane may be known to the server already."""
        self._db.execute("UPDATE report SET again = 1 WHERE lane = ? AND again = 0", (LANES[lane],))

    # -- figures -------------------------------------------------------------------------------------------------------

    def count(self, lane: Lane) -> Count:
        """All that is held of a lane."""
        return self._count("lane = ?", (LANES[lane],))

    def lowest(self, lane: Lane) -> int | None:
        """The lowest number held; None: nothing is."""
        found: int | None = self._db.execute("SELECT min(seq) FROM report WHERE lane = ?", (LANES[lane],)).fetchone()[0]
        return found

    def highest(self, lane: Lane) -> int:
        """The highest number held; 0: nothing is."""
        found: int = self._db.execute(
            "SELECT coalesce(max(seq), 0) FROM report WHERE lane = ?", (LANES[lane],)
        ).fetchone()[0]
        return found

    def window_end(self, lane: Lane) -> int:
        """The highest number that may be under way: a window's worth from the lowest (delivery 11)."""
        rows = self._db.execute(
            "SELECT seq, size FROM report WHERE lane = ? ORDER BY seq LIMIT ?", (LANES[lane], WINDOW_REPORTS)
        ).fetchall()
        total, end = 0, 0
        for seq, size in rows:
            total += size
            if end and total > MAX_BODY:
                break
            end = seq
        return end

    def _count(self, where: str, values: tuple[int, ...]) -> Count:
        reports, size, items = self._db.execute(
            f"SELECT count(*), coalesce(sum(size), 0), coalesce(sum(items), 0) FROM report WHERE {where}",  # noqa: S608
            values,
        ).fetchone()
        return Count(reports=reports, size=size, items=items)

    # -- numbers -------------------------------------------------------------------------------------------------------

    def number_from_one(self) -> None:
        """Number the reports of each lane from 1, in order, without holes, flagged ``again``."""
        self._db.execute(
            "CREATE TEMP TABLE renumbered AS "
            "SELECT *, row_number() OVER (PARTITION BY lane ORDER BY seq) AS n FROM report"
        )
        self._db.execute("DELETE FROM report")
        self._db.execute(
            "INSERT INTO report SELECT lane, n, body, digest, size, items, segment, created, 1 FROM renumbered"
        )
        self._db.execute("DROP TABLE temp.renumbered")

    def move_up(self, lane: Lane, *, above: int, by: int) -> None:
        """Raise every number beyond ``above``. In two steps, for SQLite checks the primary key row by row."""
        if by:
            number = LANES[lane]
            self._db.execute("UPDATE report SET seq = -(seq + ?) WHERE lane = ? AND seq > ?", (by, number, above))
            self._db.execute("UPDATE report SET seq = -seq WHERE lane = ? AND seq < 0", (number,))
