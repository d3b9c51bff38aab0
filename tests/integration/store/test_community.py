"""TimescaleDB's community edition: aggregates, compression, policies, late data, on its WebAssembly build."""

from datetime import UTC, datetime

from store.editions import Edition
from store.embedded import EmbeddedPostgres
from store.migrate import migrate, require_current_schema
from store.policies import apply_policies, policies
from store.retention import Keep
from store.roles import ensure_roles
from store.schema import describe, dump, schema_file
from tests.fixtures.pglite import Pglite

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEEP = Keep()


def test_it_is_the_community_edition(community: Pglite) -> None:
    assert require_current_schema(community.dsn) is Edition.TIMESCALE_COMMUNITY
    assert migrate(community.dsn) == []


def test_policies_are_made_and_changed_with_the_settings(community: Pglite) -> None:
    apply_policies(community.dsn, keep=KEEP, now=NOW)
    assert apply_policies(community.dsn, keep=KEEP, now=NOW) == []
    assert apply_policies(community.dsn, keep=Keep(minute_days=400), now=NOW) == ["reading_1m: policy_retention"]
    assert apply_policies(community.dsn, keep=KEEP, now=NOW) == ["reading_1m: policy_retention"]
    with community.connect() as connection:
        rows = connection.execute(
            "SELECT owner::text, hypertable_name::text, proc_name::text FROM timescaledb_information.jobs"
            " WHERE hypertable_schema = 'public'"
        ).fetchall()
    assert sorted(rows) == sorted(("steth_owner", policy.table, policy.process) for policy in policies(KEEP))


def test_the_committed_schema_is_what_the_migrations_make(
    community: Pglite, empty_community: Pglite, embedded: EmbeddedPostgres
) -> None:
    file = schema_file(Edition.TIMESCALE_COMMUNITY)
    with empty_community.connect() as connection:
        ensure_roles(connection)
        connection.execute(file.read_bytes())
    with empty_community.connect() as connection:
        loaded = describe(connection).splitlines()
    with community.connect() as connection:
        assert describe(connection).splitlines() == loaded, "run `make schema`"
    # Last: pg_dump leaves a transaction and settings behind, which on this server outlive its connection.
    assert dump(empty_community.dsn, binaries=embedded.binaries) == file.read_text("utf-8"), "run `make schema`"
