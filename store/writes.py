"""Whether the database accepts writes: tested by inserting, since its log has no room on a full disk either."""

from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

_TABLE: Final = b"CREATE TEMP TABLE write_probe (filling bytea STORAGE EXTERNAL) ON COMMIT DELETE ROWS"
# The server takes new pages of the disk for it and gives them back at the end of the statement.
_WRITE: Final = b"INSERT INTO write_probe SELECT decode(repeat('00', 1900), 'hex') FROM generate_series(1, 500)"
_MEANT: Final = {
    "53100": "the disk is full",
    "58030": "the disk does not take what is written to it",
    "25006": "the database may only be read",
}


class WriteProbe:
    """Of one connection, in autocommit."""

    def __init__(self) -> None:
        self._made = False

    async def trouble(self, connection: AsyncConnection[Any]) -> str | None:
        """What keeps the database from storing a megabyte; None: nothing. Raises psycopg.Error for any other error."""
        try:
            if not self._made:
                await connection.execute(_TABLE)
                self._made = True
            await connection.execute(_WRITE)
        except psycopg.Error as error:
            meant = _MEANT.get(error.sqlstate or "")
            if meant is None:
                raise
            detail = " ".join((error.diag.message_primary or "").split())
            return f"{meant} ({detail})"
        return None
