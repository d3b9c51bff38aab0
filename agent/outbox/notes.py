"""What the outbox's file keeps beside reports: positions, sources seen, inventory, commands, clock segments.

It commits with the reports: a position never stands without what was read up to it (delivery 1).
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from agent.clock import Segment
from wire.items import Inventory, Item, Reply
from wire.limits import MAX_FIELDS

SEEN_MAX: Final = 100_000
SEEN_AGE_MS: Final = 90 * 86_400_000
COMMAND_AGE_MS: Final = 7 * 86_400_000
"""How long after its expiry a command's id is still known."""
_PRUNE_EVERY: Final = 1_000


class Notes:
    """Every method runs in the writer's transaction."""

    def __init__(self, *, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._entered = 0

    def keep_positions(self, positions: Mapping[str, bytes]) -> None:
        """How far sources were read."""
        self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", positions.items())

    def positions(self) -> dict[str, bytes]:
        """Everything that adapters keep as positions."""
        return dict(self._db.execute("SELECT name, value FROM position").fetchall())

    def recognise(self, seen: Sequence[bytes], *, at: int) -> bool:
        """Whether anything of ``seen`` is new; remembers all of it, the newest ``SEEN_MAX`` for ``SEEN_AGE_MS``."""
        new = self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(hash_, at) for hash_ in seen]).rowcount
        self._entered += new
        if self._entered >= _PRUNE_EVERY:
            self._entered = 0
            self._db.execute("DELETE FROM seen WHERE at < ?", (at - SEEN_AGE_MS,))
            self._db.execute(
                "DELETE FROM seen WHERE hash IN (SELECT hash FROM seen ORDER BY at DESC LIMIT -1 OFFSET ?)", (SEEN_MAX,)
            )
        return new > 0

    def keep_inventory(self, items: Iterable[Item]) -> None:
        """Remember the fields told, so that the server can ask for them again."""
        for item in items:
            if isinstance(item, Inventory):
                rows = [(field, value, item.at) for field, value in item.fields.items()]
                self._db.executemany("INSERT OR REPLACE INTO inventory VALUES (?, ?, ?)", rows)
                self._db.execute(
                    "DELETE FROM inventory WHERE field IN "
                    "(SELECT field FROM inventory ORDER BY at DESC, field LIMIT -1 OFFSET ?)",
                    (MAX_FIELDS,),
                )

    def inventory(self) -> dict[str, str]:
        """The fields last told, newest value each."""
        return dict(self._db.execute("SELECT field, value FROM inventory ORDER BY field").fetchall())

    def claim(self, command: str, *, expires: int, now: int) -> bool:
        """True once for each command id: whoever gets it executes it. ``expires``, ``now``: server's clock."""
        self._db.execute("DELETE FROM command WHERE expires < ?", (now - COMMAND_AGE_MS,))
        return self._db.execute("INSERT OR IGNORE INTO command VALUES (?, ?, NULL)", (command, expires)).rowcount == 1

    def replied(self, reply: Reply) -> None:
        """Keep a command's reply."""
        self._db.execute("UPDATE command SET reply = ? WHERE id = ?", (msgspec.msgpack.encode(reply), reply.command))

    def interrupted(self) -> list[str]:
        """Commands that were begun and have no reply: the agent was killed in between."""
        return [row[0] for row in self._db.execute("SELECT id FROM command WHERE reply IS NULL ORDER BY id")]

    def keep_segments(self, segments: Iterable[Segment]) -> None:
        """Store the clock's segments and forget those that are gone."""
        kept = {segment.number: msgspec.msgpack.encode(segment) for segment in segments}
        self._db.execute("DELETE FROM segment WHERE number < ?", (min(kept, default=0),))
        self._db.executemany("INSERT OR REPLACE INTO segment VALUES (?, ?)", kept.items())

    def segments(self) -> list[Segment]:
        """The clock's segments as stored, oldest first."""
        rows = self._db.execute("SELECT value FROM segment ORDER BY number")
        return [msgspec.msgpack.decode(row[0], type=Segment) for row in rows]

    def oldest_segment(self) -> int | None:
        """The oldest segment that a report still belongs to."""
        found: int | None = self._db.execute("SELECT min(segment) FROM report").fetchone()[0]
        return found
