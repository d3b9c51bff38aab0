"""The backup of docs/deploy.md, on the real TimescaleDB: what is dumped is restored into an empty database."""

import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from store.migrate import migrate
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree

PAGE = Path(__file__).resolve().parents[3] / "docs" / "deploy.md"
ROWS = 1_000


def test_what_is_dumped_is_restored(trixie: Tree, timescale: Timescale) -> None:
    before, after = timescale.create_database(), timescale.create_database()
    migrate(timescale.dsn(before))
    with psycopg.connect(timescale.dsn(before)) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('h')")
        connection.execute("INSERT INTO metric (name) VALUES ('m')")
        connection.execute(
            "INSERT INTO reading (ts, device_id, metric_id, value, quality)"
            " SELECT now() - n * INTERVAL '1 hour', 1, 1, n, 0 FROM generate_series(1, %s) n",
            (ROWS,),
        )
    with psycopg.connect(timescale.dsn(after), autocommit=True) as connection:  # as 10-steth.sh leaves it
        connection.execute("CREATE EXTENSION timescaledb")
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO steth_owner, steth_view")
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO steth_owner").format(sql.Identifier(after)))
    where = conninfo_to_dict(timescale.dsn())
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(where["port"]),
        "PGPASSWORD": str(where["password"]),
    }

    def run(*command: str, given: bytes = b"") -> bytes:
        assert " ".join(command).replace(before, "steth").replace(after, "steth") in PAGE.read_text(encoding="utf-8")
        done = subprocess.run(
            trixie.command(*command, user="postgres"), env=environment, input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def call(function: str) -> None:
        assert f"SELECT {function}()" in PAGE.read_text(encoding="utf-8")
        with psycopg.connect(timescale.dsn(after), autocommit=True) as connection:
            connection.execute(sql.SQL("SELECT {}()").format(sql.Identifier(function)))

    dump = run("pg_dump", "--username=postgres", "--format=custom", before)
    call("timescaledb_pre_restore")
    run("pg_restore", "--username=postgres", f"--dbname={after}", given=dump)
    call("timescaledb_post_restore")
    assert migrate(timescale.dsn(after)) == [], "the schema is whole and of this version"
    with psycopg.connect(timescale.dsn(after)) as connection:
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (ROWS,)
        assert connection.execute("SELECT name FROM org WHERE kind = 'hospital'").fetchall() == [("h",)]
