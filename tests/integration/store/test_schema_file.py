"""The committed schema.*.sql is what the migrations make."""

from collections.abc import Iterator

import psycopg
import pytest

from store.editions import edition_of
from store.embedded import EmbeddedPostgres
from store.schema import describe, dump, schema_file
from tests.fixtures.postgres import Cluster, Database


@pytest.fixture
def loaded(engine: Cluster, engine_database: Database) -> Iterator[str]:
    """A superuser's address of a database made from the file."""
    with psycopg.connect(engine_database.superuser) as connection:
        text = schema_file(edition_of(connection)).read_bytes()
    name = engine.create_empty()
    with psycopg.connect(engine.dsn(name), autocommit=True) as connection:
        connection.execute(b'ALTER DATABASE "' + name.encode() + b'" OWNER TO steth_owner')
        connection.execute(text)
    yield engine.dsn(name)
    engine.drop(name)


def description(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return describe(connection).splitlines()


def test_the_file_makes_what_the_migrations_make(engine_database: Database, loaded: str) -> None:
    assert description(loaded) == description(engine_database.superuser), "run `make schema`"


def test_the_file_is_written_by_make_schema(embedded: EmbeddedPostgres, engine_database: Database) -> None:
    with psycopg.connect(engine_database.superuser) as connection:
        file = schema_file(edition_of(connection))
    assert dump(engine_database.superuser, binaries=embedded.binaries) == file.read_text("utf-8"), "run `make schema`"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE ticket ALTER COLUMN number DROP NOT NULL",
        "ALTER TABLE ticket ALTER COLUMN opened_at SET DEFAULT now() + interval '1 s'",
        "ALTER TABLE ticket ALTER COLUMN severity TYPE varchar(9)",
        "ALTER TABLE ticket DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE ticket FORCE ROW LEVEL SECURITY",
        "ALTER TABLE ticket DROP CONSTRAINT ticket_status_check",
        "ALTER TABLE mark SET (fillfactor = 70)",
        "DROP INDEX ticket_one_open",
        "DROP POLICY tenant ON device",
        "ALTER POLICY tenant ON device USING (true)",
        "ALTER POLICY tenant ON device TO steth_api",
        "GRANT SELECT ON reading TO steth_api",
        "GRANT SELECT (value) ON reading TO steth_api",
        "GRANT CREATE ON SCHEMA public TO steth_api",
        "REVOKE EXECUTE ON FUNCTION sees_org FROM public",
        "ALTER VIEW device_reading RESET (security_barrier)",
        "ALTER VIEW device_reading OWNER TO steth_owner",
        "CREATE OR REPLACE FUNCTION sees_org(org integer) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE TYPE mood AS ENUM ('fine')",
        "COMMENT ON TABLE ticket IS 'x'",
    ],
)
def test_a_difference_is_seen(database: Database, change: str) -> None:
    before = description(database.superuser)
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(change.encode())
    assert description(database.superuser) != before
