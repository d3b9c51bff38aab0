"""Names of hospitals, sites and recipients: one for what looks alike, also of what a former version stored (0008)."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from people.names import clean_name
from store.migrate import MIGRATIONS, migrate
from tests.fixtures.postgres import Cluster, Database

COMPOSED, TORN = "Hôpital", "Ho\u0302pital"


@pytest.fixture
def empty(plain_cluster: Cluster) -> Iterator[str]:
    name = plain_cluster.create_empty()
    yield plain_cluster.database(name).superuser
    plain_cluster.drop(name)


def test_a_filled_database_of_before_keeps_every_row_and_no_name_twice(empty: str, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) < 8:
            shutil.copy(path, tmp_path)
    migrate(empty, folder=tmp_path)
    with psycopg.connect(empty, autocommit=True) as owner:
        for name in (TORN, COMPOSED, f" {COMPOSED}", "第一\u3000医院", "甲"):
            owner.execute("INSERT INTO org (name) VALUES (%s)", (name,))
        owner.execute("INSERT INTO site (org_id, name) SELECT id, unnest(ARRAY['急诊', ' 急诊', '急诊 ']) FROM org")
        owner.execute(
            "INSERT INTO site (org_id, name, time_zone) VALUES (5, 'x', 'localtime'), (5, 'y', 'Asia/Urumqi')"
        )
        owner.execute(
            "INSERT INTO recipient (org_id, name, address)"
            " VALUES (NULL, 'NOC', 'a'), (NULL, 'NOC', 'b'), (1, 'NOC ', 'c')"
        )
    migrate(empty)
    with psycopg.connect(empty, autocommit=True) as owner:
        names = owner.execute("SELECT name FROM org WHERE kind = 'hospital' ORDER BY id").fetchall()
        assert [name for (name,) in names] == [f"{COMPOSED} #1", COMPOSED, f"{COMPOSED} #3", "第一 医院", "甲"]
        sites = owner.execute("SELECT name FROM site WHERE org_id = 1 ORDER BY id").fetchall()
        assert [name for (name,) in sites] == ["急诊", "急诊 #2", "急诊 #3"]
        zones = owner.execute("SELECT time_zone FROM site WHERE name IN ('x', 'y') ORDER BY id").fetchall()
        assert zones == [("Asia/Shanghai",), ("Asia/Urumqi",)]
        told = owner.execute("SELECT name, address FROM recipient ORDER BY id").fetchall()
        assert told == [("NOC", "a"), ("NOC #2", "b"), ("NOC", "c")]


@pytest.mark.parametrize("name", [TORN, " a", "a ", "a  b", "a\u3000b", "a\u00a0b", "a\tb", ""])
def test_the_database_takes_no_other_spelling_than_the_api_makes(database: Database, name: str) -> None:
    with psycopg.connect(database.superuser, autocommit=True) as owner:
        (there,) = owner.execute("SELECT clean_name(%s)", (name,)).fetchone() or ("",)
        assert there == clean_name(name)
        if there != name:
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.execute("INSERT INTO org (name) VALUES (%s)", (name,))
