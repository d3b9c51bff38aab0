"""0009: letters of a former version keep that they came, and what was in them is in no file of the database."""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from store.migrate import MIGRATIONS, migrate
from tests.fixtures.postgres import Cluster

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
