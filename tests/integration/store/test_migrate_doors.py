"""0009: letters of a former version keep that they came, and what was in them is in no file of the database; names of
metrics are each tenant's own."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from store.errors import StoreError
from store.installation import settle_first
from store.migrate import MIGRATIONS, migrate
from store.pool import ROLES, open_pool
from tests.fixtures.postgres import Cluster
from tests.integration.store.ground import make_room_before_version_9

WORD = "ZhangSanCanary"


@pytest.fixture
def before(engine: Cluster, tmp_path: Path) -> Iterator[str]:
    """A database of version 8."""
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) < 9:
            shutil.copy(path, tmp_path)
    name = engine.create_empty()
    migrate(engine.dsn(name), folder=tmp_path)
    yield engine.dsn(name)
    engine.drop(name)


def test_nothing_of_a_body_is_left(before: str) -> None:
    body = f'{{"items":[{{"t":"fault","code":"{WORD}"}}]}}'.encode()
    letters = [
        ("12:01", 5, f"steth/1/00/{WORD}/live", "schema", "$.items[0].code", body),
        ("12:09", 5, f"steth/1/00/{WORD}/live", "schema", "$.items[0].code", body + b" "),
        ("12:10", 5, "", "schema", "$.items[0].code", body),
        ("12:01", 5, "", "schema", f"$.items[0].{WORD} ({WORD})", body),
        ("12:01", None, f"{WORD}/{WORD}", "topic", WORD, body),
        ("12:02", None, f"{WORD}/{WORD}", "topic", "topic", body),
    ]
    with psycopg.connect(before, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO dead_letter (at, partition, device_id, topic, lane, epoch, seq, code, place, detail,"
                " content_type, body)"
                " VALUES (('2026-11-01 ' || %s || '+00')::timestamptz, 3, %s, %s, 1, 'e', 7, %s, %s, %s, %s, %s)",
                [(*letter[:5], WORD, WORD, letter[5]) for letter in letters],
            )
        (file,) = connection.execute("SELECT pg_relation_filepath('dead_letter')").fetchone() or ()
    assert migrate(before)
    with psycopg.connect(before) as connection:
        found = connection.execute(
            "SELECT to_char(at AT TIME ZONE 'UTC', 'HH24:MI'), device_id, code, place, count, digest, bytes, seq"
            " FROM dead_letter ORDER BY id"
        ).fetchall()
        whole = repr(connection.execute("SELECT to_jsonb(d)::text FROM dead_letter d").fetchall())
        left = connection.execute("SELECT coalesce((pg_stat_file(%s, true)).size, 0)", (file,)).fetchone()
    of = (sha256(body).digest(), len(body), 7)
    assert found == [
        ("12:09", 5, "schema", "$.items[0].code", 2, *of),
        ("12:10", 5, "schema", "$.items[0].code", 1, *of),
        ("12:01", 5, "schema", "", 1, *of),
        ("12:02", 0, "topic", "", 2, *of),
    ]
    assert WORD not in whole
    assert WORD.encode().hex() not in whole
    assert left == (0,)


def test_a_tenant_goes_on_seeing_the_names_of_its_retired_devices(before: str) -> None:
    """Of those that are watched, ingest says so as it loads them."""
    now = datetime.now(UTC)
    with psycopg.connect(before, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('a'), ('b')")
        connection.execute("INSERT INTO site (org_id, name) VALUES (1, 's'), (2, 's')")
        connection.execute(
            "INSERT INTO device (uid, org_id, site_id, partition, model, name, status) VALUES"
            " ('d000000000001', 1, 1, 0, 'dr', 'DR', 'retired'), ('d000000000002', 2, 2, 0, 'dr', 'DR', 'active')"
        )
        connection.execute("INSERT INTO metric (name) VALUES ('one'), ('two'), ('three')")
        connection.execute("INSERT INTO device_metric (device_id, metric_id) VALUES (1, 3)")
    make_room_before_version_9(before, now=now, behind_days=2)
    with psycopg.connect(before, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO reading (ts, device_id, metric_id, value, quality)"
            " SELECT now(), device, metric, 1, 0 FROM (VALUES (1, 1), (1, 2), (2, 3)) AS r (device, metric)"
        )
    assert migrate(before)
    with psycopg.connect(before) as connection:
        assert connection.execute("SELECT metric_id, org_id FROM org_metric ORDER BY 1").fetchall() == [(1, 1), (2, 1)]


async def test_no_process_starts_before_it(engine: Cluster, before: str) -> None:
    database = engine.database(str(conninfo_to_dict(before)["dbname"]))
    for role in ROLES:
        async with open_pool(
            getattr(database, role), role=role, min_size=1, max_size=1, name="early", timeout_s=10
        ) as pool:
            with pytest.raises(StoreError, match=r"^the database lacks migrations: run `steth migrate` first$"):
                await settle_first(pool)
