"""Columns that are sent ready arrive as what they were."""

from datetime import UTC, datetime

import psycopg
import pytest

from ingest.arrays import bigints, booleans, byteas, doubles, integers, texts, times
from tests.fixtures.postgres import Database


def test_every_type_arrives_whole_and_in_order(database: Database) -> None:
    moment = datetime(2026, 11, 22, 4, 0, 0, 123_000, tzinfo=UTC)
    columns = [
        integers([1, -(2**31), 2**31 - 1]),
        bigints([0, -(2**63), 2**63 - 1]),
        times([round(moment.timestamp() * 1000), -62_135_596_800_000, None]),
        doubles([1.5, -0.0, 1e300]),
        booleans([True, False, True]),
        texts(["a", "", "听诊 'x' \\ {}"]),
        byteas([b"\x00\xff", b"", b"x" * 1000]),
    ]
    with psycopg.connect(database.ingest) as connection:
        rows = connection.execute(
            "SELECT i, l, nullif(t, '-infinity'), d, b, x, y FROM unnest(%s, %s, %s, %s, %s, %s, %s)"
            " AS u (i, l, t, d, b, x, y)",
            columns,
        ).fetchall()
    assert rows == [
        (1, 0, moment, 1.5, True, "a", b"\x00\xff"),
        (-(2**31), -(2**63), datetime(1, 1, 1, tzinfo=UTC), -0.0, False, "", b""),
        (2**31 - 1, 2**63 - 1, None, 1e300, True, "听诊 'x' \\ {}", b"x" * 1000),
    ]


def test_nothing_is_an_empty_column(database: Database) -> None:
    with psycopg.connect(database.ingest) as connection:
        assert connection.execute("SELECT * FROM unnest(%s, %s)", [integers([]), texts([])]).fetchall() == []


def test_what_does_not_fit_is_an_error_of_the_batch_not_a_wrong_value(database: Database) -> None:
    """Each of them leads to the bisection (delivery 12)."""
    for column, values in ((integers, [2**31]), (bigints, [2**63]), (times, [253_402_300_800_000])):
        with pytest.raises(OverflowError):
            column(values)
    with psycopg.connect(database.ingest) as connection, pytest.raises(psycopg.DataError):
        connection.execute("SELECT * FROM unnest(%s)", [texts(["a\x00b"])])
