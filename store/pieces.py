"""Work in pieces: one that fails is noted, the rest goes on, and in the end one error names those that failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from store.errors import StoreError, StoreErrorCode

_NAMED: Final = 5


class Pieces:
    """`with pieces.of("reading_2026_08"): ...` for each, then `check`."""

    def __init__(self) -> None:
        self._failed: list[str] = []

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Psycopg's errors are noted by type and code; those of a connection that is gone concern all: raised."""
        try:
            yield
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:3] in {"08", "080", "57P"}:
                raise
            self.failed(name, f"{type(error).__name__} {error.sqlstate or ''}".strip())

    def failed(self, name: str, why: str) -> None:
        """Note one that failed."""
        self._failed.append(f"{name}: {why}")

    def check(self) -> None:
        """Raises StoreError where one failed."""
        if self._failed:
            more = len(self._failed) - _NAMED
            named = "; ".join(self._failed[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
            raise StoreError(StoreErrorCode.PIECES, f"{named}: the rest is done, and these are tried again")
