"""TimescaleDB's community edition: aggregates, compression, policies, late data, on its WebAssembly build."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from store.editions import Edition
from store.errors import StoreError
from store.migrate import migrate, require_current_schema
from store.policies import apply_policies, check_policies, policies
from store.retention import Keep
from store.roles import ensure_roles
from store.schema import committed, describe
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


def test_policies_that_are_not_what_the_settings_say_are_named(community: Pglite) -> None:
    """The jobs can't change them: they say who can."""
    apply_policies(community.dsn, keep=KEEP, now=NOW)
    check_policies(community.dsn, keep=KEEP)
    with pytest.raises(StoreError, match=r"^reading_1m: policy_retention: not what .* run `steth migrate`"):
        check_policies(community.dsn, keep=Keep(minute_days=400))


@pytest.fixture(scope="module")
def migrated(community: Pglite) -> list[str]:
    """What the migrations make."""
    with community.connect() as connection:
        return describe(connection)


def _pieces(text: str) -> Iterator[str]:
    """This build of the server takes messages of 64 KiB at most. A blank line ends a statement, but in a function."""
    piece = ""
    for part in text.split("\n\n"):
        piece += part + "\n\n"
        if len(piece) > 30_000 and len(re.findall(r"\$_*\$", piece)) % 2 == 0:
            yield piece
            piece = ""
    yield piece


def _made_from(text: str, server: Pglite) -> list[str]:
    with server.connect() as connection:
        ensure_roles(connection)
        for piece in _pieces(text):
            connection.execute(piece.encode())
    with server.connect() as connection:
        return describe(connection)


def test_the_committed_schema_is_what_the_migrations_make(migrated: list[str], empty_community: Pglite) -> None:
    text = committed(Edition.TIMESCALE_COMMUNITY)
    assert _made_from(text, empty_community) == migrated, "run `make schema`"
