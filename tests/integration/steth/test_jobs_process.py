"""`steth jobs` as it is installed: what is broken under one job stops neither the process nor the other jobs."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Database

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def health(database: Database) -> Iterator[str]:
    """The address of its health, with the table of one job broken."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("ALTER TABLE device_state RENAME COLUMN interval_s TO beats_s")
        connection.execute(
            "INSERT INTO recipient (name, address)"
            " VALUES ('a', 'json://127.0.0.1:5432/'), ('b', 'json://127.0.0.2:9/'), ('c', 'forms://hook.example/')"
        )
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "STETH_DSN_JOBS": database.jobs,
        "STETH_DSN_OWNER": "host=127.0.0.1 port=1",  # as a former version had it: never used, and said to be too much
        "STETH_HEALTH": address,
        "STETH_TELL_PRIVATE": "127.0.0.2:9",
        "STETH_LOG": "json",
        "STETH_MQTT": f"mqtt://127.0.0.1:{free_port()}",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STETH_")} | settings
    command = [sys.executable, "-m", "steth", "jobs"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    yield f"http://{address}"
    assert process.poll() is None, "it lives"
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert said.count('"event": "job_failed"') == 1, "once for each kind"
    assert said.count('"event": "owner_address_not_needed"') == 1


async def test_a_broken_job_is_told_and_the_others_work(health: str, database: Database) -> None:
    wanted = {"commands", "telling", "evidence", "backlog", "rollup", "partitions", "retention", "sweep", "policies"}
    async with (
        asyncio.timeout(30),
        await psycopg.AsyncConnection.connect(database.jobs, autocommit=True) as connection,
    ):
        worked: set[str] = set()
        failing: list[tuple[str, str]] = []
        while not (wanted <= worked and failing):
            await asyncio.sleep(0.1)
            rows = await (await connection.execute("SELECT name, error FROM job ORDER BY name")).fetchall()
            worked = {name for name, error in rows if not error}
            failing = [(name, error) for name, error in rows if error]
        recipients: list[tuple[str, str]] = []
        while [error for _, error in recipients] != ["telling.target", "", "telling.address_not_allowed"]:
            await asyncio.sleep(0.1)
            recipients = await (await connection.execute("SELECT name, error FROM recipient ORDER BY name")).fetchall()
    assert failing == [("fleet", "UndefinedColumn 42703")]
    async with httpx.AsyncClient(trust_env=False) as http:
        ready = await http.get(f"{health}/readyz")
        assert (ready.status_code, ready.text.splitlines()[0]) == (200, "ready")
        assert ready.text.splitlines()[1].startswith("fleet fails since ")
        metrics = (await http.get(f"{health}/metrics")).text
    assert 'steth_jobs_failing{job="fleet"} 1.0' in metrics
    assert 'steth_jobs_failing{job="rollup"} 0.0' in metrics
