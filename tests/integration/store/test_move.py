"""An existing database goes on: from version 3, and from TimescaleDB's Apache edition to the community's."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from store.editions import Edition
from store.errors import StoreError
from store.migrate import MIGRATIONS, migrate, require_current_schema
from store.move import move_to_community
from store.policies import apply_policies, policies
from store.retention import Keep
from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Cluster
from tests.integration.store.ground import BUCKETS, Ground, Reading, ago, expected, on_server, on_wasm

NOW = datetime(2026, 11, 22, 4, 0, 30, tzinfo=UTC)
WRITTEN = [Reading(ago(NOW, hours=hours), device, 1, hours / 8, 0) for hours in range(0, 100, 3) for device in (1, 2)]
OLD = [Reading(ago(NOW, days=days), 1, 1, days / 8, 0) for days in (100, 130, 200)]


@pytest.fixture
def version_3(tmp_path: Path) -> Path:
    """The migrations of a release that knew no roll-ups."""
    for path in MIGRATIONS.glob("000[123]_*.sql"):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


@pytest.fixture
def old_database(engine: Cluster, version_3: Path) -> Iterator[str]:
    """The name of a database at version 3 on each engine, with readings."""
    name = engine.create_empty()
    migrate(engine.dsn(name), folder=version_3)
    with psycopg.connect(engine.dsn(name), autocommit=True) as connection:
        if connection.execute("SELECT relkind FROM pg_class WHERE relname = 'reading'").fetchone() == ("p",):
            connection.execute(
                "CREATE TABLE reading_2026_11 PARTITION OF reading FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')"
            )
        connection.execute("INSERT INTO metric (name) VALUES ('a')")
        connection.execute("INSERT INTO org (name) VALUES ('one')")
        connection.execute("INSERT INTO site (org_id, name) VALUES (1, 'main')")
        connection.execute(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name)"
            " SELECT 'd' || n, 1, 1, 0, 'dr', 'DR' FROM generate_series(1, 2) AS n"
        )
        with connection.cursor() as cursor:
            insert = "INSERT INTO reading VALUES (to_timestamp(%s), %s, %s, %s, %s)"
            cursor.executemany(insert, WRITTEN)
    yield name
    engine.drop(name)


def whole(ground: Ground, written: list[Reading]) -> None:
    for level, seconds in BUCKETS.items():
        assert ground.ask(level) == expected(written, seconds), level


def test_readings_of_version_3_are_rolled_up(engine: Cluster, old_database: str) -> None:
    assert next(done.version for done in migrate(engine.dsn(old_database))) == 4
    ground = on_server(engine.database(old_database), now=NOW)
    try:
        whole(ground, WRITTEN)  # from the first moment
        ground.settle(NOW)
        whole(ground, WRITTEN)
        with ground.connect("") as connection:
            rows = connection.execute("SELECT count(*) FROM rollup WHERE watermark > '2026-11-21'").fetchone()
        assert rows == (3,)
    finally:
        ground.close()


def test_parts_of_an_old_ticket_tell_in_both_languages(engine: Cluster, old_database: str) -> None:
    parts = '[{"key": "b", "spec": "12 V"}, {"key": "a", "spec": {"zh": "直流", "en": "DC"}}]'
    with psycopg.connect(engine.dsn(old_database), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ticket (number, org_id, site_id, device_id, family, severity, occurred_at, detected_at,"
            " evidence_from, evidence_to, message, parts)"
            " SELECT 'WX-' || n, 1, 1, n, 'f', 'major', now(), now(), now(), now(), 'm', p"
            " FROM (VALUES (1, %s::jsonb), (2, '[]')) AS old (n, p)",
            (parts,),
        )
    migrate(engine.dsn(old_database))
    with psycopg.connect(engine.dsn(old_database)) as connection:
        rows = connection.execute("SELECT parts FROM ticket ORDER BY number").fetchall()
    told = [
        {"key": "b", "spec": {"zh": "12 V", "en": "12 V"}},
        {"key": "a", "spec": {"zh": "直流", "en": "DC"}},
    ]
    assert rows == [(told,), ([],)]


def apache(server: Pglite) -> Ground:
    """A database of the Apache edition on a server that could do more, which is what a change of licence leaves. With
    readings, roll-ups by our job, and roll-ups of readings that are no longer kept."""
    assert migrate(server.dsn, edition=Edition.TIMESCALE_APACHE)
    assert require_current_schema(server.dsn) is Edition.TIMESCALE_APACHE  # services go on
    ground = on_wasm(server)
    ground.hospitals()
    ground.write(WRITTEN, now=NOW)
    with server.connect("steth_owner") as connection:
        for level, seconds in BUCKETS.items():
            with connection.cursor() as cursor:
                into = b"INSERT INTO reading_" + level.encode()
                cursor.executemany(into + b" VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", expected(OLD, seconds))
        connection.execute("UPDATE rollup SET whole_from = '2026-08-20Z'")
    return ground


def test_apache_becomes_community_with_all_it_kept(empty_community: Pglite, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = apache(empty_community)

    def cut_off(*_: object, **__: object) -> None:
        raise errors.AdminShutdown("cut off")

    with monkeypatch.context() as patch:
        patch.setattr("store.move.refresh", cut_off)
        with pytest.raises(errors.AdminShutdown):
            move_to_community(empty_community.dsn, now=NOW)
    with pytest.raises(StoreError, match="run `steth migrate`"):
        apply_policies(empty_community.dsn, keep=Keep(), now=NOW)
    assert move_to_community(empty_community.dsn, now=NOW)
    assert not move_to_community(empty_community.dsn, now=NOW)
    assert require_current_schema(empty_community.dsn) is Edition.TIMESCALE_COMMUNITY
    assert migrate(empty_community.dsn) == []
    whole(ground, WRITTEN + OLD)
    assert len(apply_policies(empty_community.dsn, keep=Keep(), now=NOW)) == len(policies(Keep()))
    more = [Reading(ago(NOW, hours=31), 2, 2, 5.0, 0)]
    ground.write(more, now=NOW)
    ground.settle(NOW)
    whole(ground, WRITTEN + OLD + more)


def test_nothing_moves_on_other_editions(plain_cluster: Cluster) -> None:
    made = plain_cluster.create()
    assert not move_to_community(made.superuser, now=NOW)
    assert apply_policies(made.superuser, keep=Keep(), now=NOW) == []
    plain_cluster.drop(made.name)


@pytest.mark.parametrize(
    ("edition", "said"),
    [
        (Edition.TIMESCALE_COMMUNITY, "set timescaledb.license = 'timescale' in the server's configuration"),
        (Edition.TIMESCALE_APACHE, "give it the TimescaleDB it had"),
    ],
)
def test_a_server_that_can_do_less_is_refused_in_one_line(plain_cluster: Cluster, edition: Edition, said: str) -> None:
    made = plain_cluster.create()
    with psycopg.connect(made.superuser, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET edition = %s", (edition.value,))
    with pytest.raises(StoreError, match=f"^this database was made for the edition {edition} and .*{said}[^\n]*$"):
        migrate(made.superuser)
    plain_cluster.drop(made.name)
