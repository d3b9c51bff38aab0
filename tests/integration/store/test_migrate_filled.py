"""A filled database of version 9 goes on: what will be done is said before, it can be broken off and repeated, and no
row is lost or changed. `make upgrade` does it with a million rows of each table that grows."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store.migrate import newest_version, plan, require_current_schema
from tests.fixtures.filled import GROWING, VERSION, fill, migrate_to
from tests.fixtures.postgres import Cluster

ROOT = Path(__file__).resolve().parents[3]
ROWS = int(os.environ.get("STETH_MIGRATE_ROWS", "10000"))
SIZES = {**dict.fromkeys(GROWING, ROWS), "org": 1_000, "device": 1_000, "account": 100, "metric": 20, "recipient": 50}
PATIENCE_S = 30 + ROWS / 1_000
LOST = {"kill": -9, "terminate": 2}
"""What the process ends with: killed itself, or told in one line that the database ended its session."""

Sync = psycopg.Connection[tuple[Any, ...]]
Digest = dict[str, tuple[int, int]]


@pytest.fixture
def filled(engine: Cluster, tmp_path: Path) -> Iterator[str]:
    name = engine.create_empty()
    migrate_to(engine.dsn(name), tmp_path)
    fill(engine.dsn(name), SIZES, sessions=2)
    yield engine.dsn(name)
    engine.drop(name)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def start(dsn: str, said: Path) -> subprocess.Popen[bytes]:
    """`steth migrate`, writing into a file."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STETH_")} | {"STETH_DSN_OWNER": dsn}
    command = [sys.executable, "-u", "-m", "steth", "migrate"]
    with said.open("wb") as into:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=into, stderr=subprocess.STDOUT)


@contextmanager
def held(dsn: str, table: str) -> Iterator[None]:
    """Somebody reads this table and doesn't end: the migration comes as far as there."""
    with psycopg.connect(dsn) as reader:
        reader.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE".encode())
        yield


def sessions(connection: Sync, *, where: str = "true") -> list[int]:
    found = connection.execute(
        "SELECT a.pid FROM pg_stat_activity a LEFT JOIN pg_stat_progress_create_index i USING (pid)"  # noqa: S608
        f" WHERE a.datname = current_database() AND application_name = 'steth-migrate' AND {where}".encode()
    )
    return [pid for (pid,) in found.fetchall()]


def broken_off(dsn: str, said: Path, *, at: str, how: str) -> None:
    """In the middle of the migration: where `at` holds of its session. Nothing of it is left, and it is soon gone."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        process = start(dsn, said)
        until(lambda: bool(sessions(connection, where=at)) or process.poll() is not None, at)
        assert "to apply: 0010 tree: " in said.read_text(), "said before it is done"
        if how == "kill":
            process.kill()
        else:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (sessions(connection),)
            )
        assert process.wait(PATIENCE_S) == LOST[how], said.read_text()
        began = time.monotonic()
        until(lambda: not sessions(connection), "what the process asked for goes on without it")
        assert time.monotonic() - began < 20
        assert connection.execute("SELECT max(version) FROM schema_version").fetchone() == (VERSION,)
        assert connection.execute("SELECT to_regclass('service')").fetchone() == (None,)


def columns(connection: Sync) -> dict[str, str]:
    """Of each table those that it has."""
    found = connection.execute(
        "SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY column_name)"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%s) GROUP BY 1",
        ([*GROWING, "device", "site", "mark", "device_state", "device_refusal", "recipient"],),
    )
    return dict(found.fetchall())


def digest(connection: Sync, of: dict[str, str]) -> Digest:
    """Rows, and a sum over their contents in these columns."""
    return {
        table: (
            connection.execute(
                f"SELECT count(*), sum(hashtextextended(({names})::text, 0)) FROM {table}".encode()  # noqa: S608
            ).fetchone()
            or (0, 0)
        )
        for table, names in of.items()
    }


def test_it_is_announced_can_be_broken_off_and_keeps_every_row(filled: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        of = columns(connection)
        before = digest(connection, of)
        assert all(before[table][0] >= ROWS * 0.9 for table in GROWING)

        foreseen = r"to apply: 0010 tree: .*indexes alert \([0-9,]+ rows\).*: about [0-9]+ s\n"
        assert re.match(foreseen, "\n".join(plan(filled)))
        for table, how in (("alert", "kill"), ("remote_session", "terminate")):
            with held(filled, table):
                broken_off(filled, said, at="wait_event_type = 'Lock'", how=how)
        if ROWS >= 1_000_000:
            for how in LOST:
                broken_off(filled, said, at="i.phase = 'building index: loading tuples in tree'", how=how)

        began = time.monotonic()
        assert start(filled, said).wait(PATIENCE_S) == 0, said.read_text()
        done = said.read_text()
        took = time.monotonic() - began
        assert re.match(
            foreseen + r"(to apply: .*\n)*about .*\neach is one transaction.*\napplied 0010 tree, ", done
        ), done
        require_current_schema(filled)
        assert newest_version() > VERSION
        assert digest(connection, of) == before
        found = connection.execute("SELECT count(*), min(id) FROM org WHERE kind = 'dealer'").fetchone()
        assert found is not None
        assert found[0] == 1
        roles = connection.execute(
            "SELECT a.role, o.kind, count(*) FROM account a JOIN org o ON o.id = a.org_id GROUP BY 1, 2 ORDER BY 1"
        ).fetchall()
        assert roles == [
            (role, kind, SIZES["account"] // 5)
            for role, kind in (
                ("engineer", "dealer"), ("equipment", "hospital"), ("manager", "dealer"), ("noc", "dealer"),
                ("staff", "operator"),
            )
        ]  # fmt: skip
        who = connection.execute(
            "SELECT status, holder, repaired_by FROM ticket WHERE status <> 'closed' GROUP BY 1, 2, 3 ORDER BY 1"
        ).fetchall()
        taken = ("accepted", "awaiting-parts", "to-verify")
        assert who == [*((status, "somebody", "") for status in taken[:2]), ("new", "", ""), (taken[2], "somebody", "")]
        for table, names in columns(connection).items():
            for whose in {"dealer_id", "owner_id"} & {*names.split(", ")}:
                query = f"SELECT DISTINCT {whose} FROM {table}".encode()  # noqa: S608
                assert connection.execute(query).fetchall() == [(found[1],)], table
    sys.stdout.write(f"\n{ROWS:,} rows of each: {took:.1f} s with the start of the process\n{done}")
