"""`steth migrate` and the upkeep of `steth jobs`, as processes and jobs call them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from steth.jobs.maintenance import Groundwork, Upkeep
from store.retention import Keep
from tests.fixtures.postgres import Database

ROOT = Path(__file__).resolve().parents[3]


def migrate(dsn: str, **settings: str) -> subprocess.CompletedProcess[str]:
    given = {f"STETH_{name.upper()}": value for name, value in settings.items()}
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("STETH_")},
        "STETH_DSN_OWNER": dsn,
        **given,
    }
    command = [sys.executable, "-m", "steth", "migrate"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT, timeout=120)


def test_migrate_makes_room_and_says_so(database: Database) -> None:
    first, second = migrate(database.owner), migrate(database.owner)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "schema is current; " in first.stdout
    assert "schema is current; 0 partitions made, 0 ages changed\n" in second.stdout
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute(
            "SELECT inhparent::regclass::text, count(*) > 3 FROM pg_inherits JOIN pg_class c ON c.oid = inhparent"
            " WHERE c.relkind = 'p' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("reading", True), ("reading_1h", True), ("reading_1m", True)]


def test_ages_that_contradict_one_another_are_one_line(database: Database) -> None:
    done = migrate(database.owner, keep_minute_days="30")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "steth: keep_*_days: finer data can't be kept longer than what is made from it:"
        " 92 days of readings, 30 of minutes, 1830 of hours"
    )


@pytest.mark.parametrize("keep", [Keep(), Keep(raw_days=3, minute_days=3, hour_days=3)])
def test_the_jobs_are_at_peace_with_one_another(engine_database: Database, keep: Keep) -> None:
    """What one makes ahead, another doesn't drop at once, at any age."""
    ground = Groundwork(dsn_owner=engine_database.owner, keep=keep)
    upkeep = Upkeep(dsn_jobs=engine_database.jobs, keep=keep)
    jobs = (upkeep.make_room, upkeep.roll_up, upkeep.drop_old, upkeep.sweep, upkeep.check_policies)

    async def turn() -> list[int]:
        return [await job() for job in jobs]

    assert asyncio.run(ground.set_ages()) == (0 if keep == Keep() else 3)
    assert asyncio.run(turn())[1:] == [0, 0, 0, 0]
    assert asyncio.run(turn()) == [0, 0, 0, 0, 0]
    assert asyncio.run(ground.move()) is False
