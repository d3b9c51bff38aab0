"""Migrations on each engine."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from store.editions import Edition, edition_of
from store.embedded import EmbeddedPostgres
from store.errors import SchemaTooNew, StoreError, StoreErrorCode
from store.migrate import _LOCK, MIGRATIONS, applied_migrations, migrate, migrations_for, require_current_schema
from tests.fixtures.folders import thrown_away
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.timescale import Timescale


@pytest.fixture
def empty(engine: Cluster) -> Iterator[str]:
    """A superuser's address of an empty database on each engine."""
    name = engine.create_empty()
    yield engine.dsn(name)
    engine.drop(name)


def test_a_second_time_does_nothing(engine_database: Database) -> None:
    assert migrate(engine_database.superuser) == []
    assert migrate(engine_database.owner) == []  # later, no superuser is needed


def test_each_role_can_check_the_schema(engine_database: Database) -> None:
    editions = {
        require_current_schema(dsn) for dsn in (engine_database.owner, engine_database.ingest, engine_database.api)
    }
    with psycopg.connect(engine_database.superuser) as connection:
        assert editions == {edition_of(connection)}


def test_the_server_decides_the_edition(plain_cluster: Cluster, timescale_cluster: Cluster) -> None:
    for cluster, expected in ((plain_cluster, Edition.PLAIN), (timescale_cluster, Edition.TIMESCALE_APACHE)):
        made = cluster.create()
        with psycopg.connect(made.superuser) as connection:
            assert {row.edition for row in applied_migrations(connection)} == {expected}
        cluster.drop(made.name)


def test_plain_may_be_asked_for_where_timescale_is_loaded(timescale_cluster: Cluster) -> None:
    name = timescale_cluster.create_empty()
    assert migrate(timescale_cluster.dsn(name), edition=Edition.PLAIN)
    assert require_current_schema(timescale_cluster.dsn(name)) is Edition.PLAIN
    timescale_cluster.drop(name)


def test_an_edition_that_is_not_there_is_refused(plain_cluster: Cluster) -> None:
    name = plain_cluster.create_empty()
    with pytest.raises(StoreError, match="timescale-apache was asked for and this server is plain") as caught:
        migrate(plain_cluster.dsn(name), edition=Edition.TIMESCALE_APACHE)
    assert caught.value.code is StoreErrorCode.EDITION
    plain_cluster.drop(name)


def test_everything_belongs_to_the_owner_and_views_to_their_own(engine_database: Database) -> None:
    with psycopg.connect(engine_database.superuser) as connection:
        rows = connection.execute(
            "SELECT relkind::text, pg_get_userbyid(relowner), count(*) FROM pg_class c"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
            " GROUP BY 1, 2"
        ).fetchall()
    owners = {(kind, owner) for kind, owner, _ in rows}
    assert owners - {("p", "steth_owner")} == {("r", "steth_owner"), ("v", "steth_view")}


def test_too_new_a_database(engine_database: Database) -> None:
    with psycopg.connect(engine_database.owner) as connection:
        connection.execute(
            "INSERT INTO schema_version (version, name, checksum, edition)"
            " SELECT 999, 'later', '', edition FROM schema_version WHERE version = 1"
        )
    for check in (migrate, require_current_schema):
        with pytest.raises(SchemaTooNew, match="at schema version 999 and this version of steth knows only"):
            check(engine_database.owner)


def test_a_migration_that_was_changed_after_it_was_applied(engine_database: Database, tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    with (tmp_path / "migrations" / "0001_base.sql").open("a") as file:
        file.write("-- a word more\n")
    with pytest.raises(StoreError, match="0001_base was changed after it was applied"):
        migrate(engine_database.owner, folder=tmp_path / "migrations")


def test_a_migration_that_fails_leaves_nothing_and_says_where(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good ();")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half ();\n\nCREATE TABLE bad (\n    x nonsense\n);\n")
    with pytest.raises(StoreError, match=r'^0002_bad\.sql:4: type "nonsense" does not exist$') as caught:
        migrate(empty, folder=tmp_path)
    assert caught.value.code is StoreErrorCode.MIGRATION
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regclass('good')::text, to_regclass('half')").fetchone() == ("good", None)
        assert [row.version for row in applied_migrations(connection)] == [1]
    with pytest.raises(StoreError, match="lacks 1 migration"):
        require_current_schema(empty, folder=tmp_path)


def test_a_filled_database_of_the_version_before_refusals_goes_on(empty: str, tmp_path: Path) -> None:
    """0007: what is there stays, and each role may do with the new table what it has to."""
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) < 7:
            shutil.copy(path, tmp_path)
    migrate(empty, folder=tmp_path)
    with psycopg.connect(empty, autocommit=True) as owner:
        owner.execute("SET ROLE steth_owner")
        owner.execute("INSERT INTO org (name) VALUES ('one'), ('two')")
        owner.execute("INSERT INTO site (org_id, name) SELECT id, 's' FROM org")
        owner.execute(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
            " SELECT 'd' || org_id, org_id, id, 0, 'generic-dr', 'DR' FROM site"
        )
        owner.execute(
            "INSERT INTO device_state (device_id, lane, org_id, engine, latest, heartbeat, as_of)"
            """ SELECT id, 0, org_id, '', '', '{"refused": 7}', now() FROM device"""
        )
    assert next(migration.name for migration in migrate(empty)) == "refusals"
    with psycopg.connect(empty, autocommit=True) as connection:
        assert connection.execute("SELECT heartbeat->>'refused' FROM device_state").fetchall() == [("7",), ("7",)]
        connection.execute("SET ROLE steth_ingest")
        connection.execute(
            "INSERT INTO device_refusal"
            " SELECT id, org_id, 'refused', 'astm', 'unknown-code', 1, now(), now(), '', now(), dealer_id FROM device"
        )
        assert connection.execute("SELECT count(*) FROM device_refusal").fetchone() == (2,)
        connection.execute("RESET ROLE")
        connection.execute("SET ROLE steth_api")
        assert connection.execute("SELECT count(*) FROM device_refusal").fetchone() == (0,), "no tenant, nothing seen"
        with connection.transaction():
            connection.execute("SET LOCAL steth.org = '0'")
            (first, _) = connection.execute("SELECT id FROM org WHERE kind = 'hospital' ORDER BY id").fetchall()
            connection.execute("SELECT set_config('steth.org', %s, true)", (str(first[0]),))
            assert connection.execute("SELECT org_id FROM device_refusal").fetchall() == [first]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM device_refusal")


def test_two_at_once_on_one_database_wait_for_each_other(empty: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(migrate, [empty] * 4))
    with psycopg.connect(empty) as connection:
        edition = edition_of(connection)
    assert sorted(map(len, done)) == [0, 0, 0, len(migrations_for(edition))]


def test_whoever_holds_what_it_needs_is_waited_for_and_then_named(empty: str, tmp_path: Path) -> None:
    """A person's session that was left open, or a process that was taken over: nobody waits for them all night."""
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good ();")
    migrate(empty, folder=tmp_path)
    with psycopg.connect(empty) as other:
        pid = other.info.backend_pid
        other.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        with pytest.raises(StoreError, match=rf"^postgres \(pid {pid}\) holds the lock of migrations: "):
            migrate(empty, folder=tmp_path, wait_ms=50)
        other.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        other.execute("SELECT FROM good")
        (tmp_path / "0002_less.sql").write_text("DROP TABLE good;")
        with pytest.raises(StoreError, match=r"^0002_less\.sql: .*: a session holds what is to be changed: "):
            migrate(empty, folder=tmp_path, wait_ms=50)
    assert [done.version for done in migrate(empty, folder=tmp_path)] == [2]


@pytest.fixture
def new_server() -> Iterator[EmbeddedPostgres]:
    """A server on which nobody has made any role yet."""
    with thrown_away() as folder:
        server = EmbeddedPostgres(folder=folder / "postgres", shared_buffers_mb=16, settings={"fsync": "off"})
        server.start()
        yield server
        server.stop()


def test_databases_of_one_new_cluster_migrated_at_once(new_server: EmbeddedPostgres) -> None:
    """Roles are the cluster's: each database finds them missing and makes them at the same moment."""
    names = [f"db{number}" for number in range(6)]
    with psycopg.connect(new_server.dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
    addresses = [make_conninfo(new_server.dsn, dbname=name) for name in names]
    with ThreadPoolExecutor(len(names)) as threads:
        done = list(threads.map(migrate, addresses))
    assert {len(applied) for applied in done} == {len(migrations_for(Edition.PLAIN))}
    assert {require_current_schema(address) for address in addresses} == {Edition.PLAIN}


def test_nobody_but_a_superuser_makes_the_roles(new_server: EmbeddedPostgres) -> None:
    with psycopg.connect(new_server.dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE someone LOGIN PASSWORD 'one'")
    with pytest.raises(StoreError, match="run `steth migrate` once as a superuser") as caught:
        migrate(make_conninfo(new_server.dsn, user="someone", password="one"))
    assert caught.value.code is StoreErrorCode.ROLE


def test_an_unreachable_database_is_one_line_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"^the database can't be reached: [^\n]*refused[^\n]*$") as caught:
        migrate("host=127.0.0.1 port=1 user=postgres password=geheim dbname=x")
    assert "geheim" not in str(caught.value)


def test_timescale_has_a_hypertable(timescale: Timescale, timescale_cluster: Cluster) -> None:
    made = timescale_cluster.create()
    with psycopg.connect(made.superuser) as connection:
        rows = connection.execute("SELECT hypertable_name::text FROM timescaledb_information.hypertables").fetchall()
    assert ("reading",) in rows
    timescale_cluster.drop(made.name)
    assert timescale.pid
