"""The schema as it stands, for people to read and for a test to hold against the migrations.

`schema.plain.sql` and `schema.timescale.sql` make it in an empty database; `make schema` writes them anew. `describe`
is what two databases are compared by.
"""

import re
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.editions import Edition, edition_of
from store.errors import StoreError, StoreErrorCode
from store.statements import QUERIES

_HERE: Final = Path(__file__).parent
_PARTS: Final = (
    "schema", "extensions", "types", "functions", "relations", "columns", "constraints", "indexes", "triggers",
    "policies", "grants", "comments",
)  # fmt: skip
_VOLATILE: Final = re.compile(
    r"^(?:--.*|\\(?:un)?restrict .*|SET .*|COMMENT ON EXTENSION .*|SELECT pg_catalog\.set_config\('search_path'.*)\n",
    re.MULTILINE,
)
# The trigger of a hypertable's root; create_hypertable makes it.
_BLOCKER: Final = re.compile(r"^CREATE TRIGGER ts_insert_blocker .*\n", re.MULTILINE)
_HEAD: Final = """\
-- Written by `make schema` from the migrations: don't edit. For an empty database, as a superuser,
-- once the roles exist (store.roles.ensure_roles).
SET check_function_bodies = off;
SET search_path = '';
"""


def schema_file(edition: Edition) -> Path:
    """Where the committed schema of an edition is; both licences of TimescaleDB share one."""
    return _HERE / f"schema.{edition.parts[0]}.sql"


def describe(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """All of the schema `public` in a canonical text: equal texts, equal schemas."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        parts = [*_PARTS, *(["hypertables"] if edition_of(connection) is not Edition.PLAIN else [])]
        return "".join(
            f"{row[0]}\n" for part in parts for row in connection.execute(QUERIES[f"describe_{part}"]).fetchall()
        )


def dump(dsn: str, *, binaries: Path) -> str:
    """The schema of a migrated database as statements, by the `pg_dump` in `binaries`, without what varies by run."""
    where = conninfo_to_dict(dsn)
    password = str(where.pop("password", ""))
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        edition = edition_of(connection)
        hypertables = (
            [] if edition is Edition.PLAIN else [row[0] for row in connection.execute(QUERIES["make_hypertables"])]
        )
    done = subprocess.run(  # noqa: S603 - our own program and arguments
        [
            binaries / "pg_dump",
            "--schema-only",
            "--exclude-schema=*timescaledb*",
            f"--dbname={make_conninfo('', **where)}",
        ],
        capture_output=True,
        check=False,
        text=True,
        env={"PGPASSWORD": password, "LC_ALL": "C"},  # not on the command line, which everybody can see
    )
    if done.returncode != 0:
        raise StoreError(StoreErrorCode.MIGRATION, f"pg_dump: {done.stderr.strip()}")
    body = _BLOCKER.sub("", _VOLATILE.sub("", done.stdout))
    return re.sub(r"\n{3,}", "\n\n", "\n".join([_HEAD, body, *hypertables])).strip() + "\n"
