"""Which database engine this is: plain PostgreSQL, or TimescaleDB in one of its two licences."""

from enum import StrEnum
from typing import Any

import psycopg


class Edition(StrEnum):
    """The engine's edition. Stored with each migration: add, never rename."""

    PLAIN = "plain"
    TIMESCALE_APACHE = "timescale-apache"
    TIMESCALE_COMMUNITY = "timescale-community"

    @property
    def parts(self) -> tuple[str, ...]:
        """The suffixes of the migration files this edition runs after the common one, in order.

        `timescale`: both licences; `jobs`: where no continuous aggregates are and jobs of ours do their work.
        """
        match self:
            case Edition.PLAIN:
                return (self.value, "jobs")
            case Edition.TIMESCALE_APACHE:
                return ("timescale", self.value, "jobs")
            case Edition.TIMESCALE_COMMUNITY:
                return ("timescale", self.value)


def edition_of(connection: psycopg.Connection[tuple[Any, ...]]) -> Edition:
    """The edition of the current database: what its extension and the server's licence setting allow."""
    row = connection.execute(
        "SELECT current_setting('timescaledb.license', true) FROM pg_extension WHERE extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        return Edition.PLAIN
    return Edition.TIMESCALE_COMMUNITY if row[0] == "timescale" else Edition.TIMESCALE_APACHE


def timescale_is_loaded(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """True if the administrator has loaded TimescaleDB into the server, so that a database may have the extension."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
        " AND current_setting('shared_preload_libraries') ~ '(^|[, ])timescaledb'"
    ).fetchone()
    return row == (True,)
