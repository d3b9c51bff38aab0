"""Writes store's schema.sql and schema.*.diff anew from the migrations, each from the real engine: `make schema`."""

import sys
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg

from store.editions import edition_of
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from store.schema import commit, dump
from tests.fixtures.pglite import Pglite, installed
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree


def _write(dsn: str, *, binaries: Path) -> None:
    migrate(dsn)
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        edition = edition_of(connection)
    file = commit(edition, dump(dsn, binaries=binaries))
    sys.stdout.write(f"{file.name}\n")


def main() -> int:
    """Write schema.sql and schema.*.diff. Exit code 1 where the TimescaleDB of Debian is missing."""
    tree = Tree.find()
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(folder=Path(folder) / "postgres", settings={"fsync": "off"})
        dsn = server.start()
        try:
            _write(dsn, binaries=server.binaries)
            with Pglite(folder=installed()) as community:
                _write(community.dsn, binaries=server.binaries)
            if tree is None:
                sys.stderr.write("schema.timescale-apache.diff is not written: run `make test-deps` as root first\n")
                return 1
            with Timescale(tree=tree) as timescale:
                _write(timescale.dsn(timescale.create_database(template="template1")), binaries=server.binaries)
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
