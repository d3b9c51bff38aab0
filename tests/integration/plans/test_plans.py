"""What runs often finds its rows by an index: at 10,000 hospitals and devices, and 100 million readings."""

import asyncio
import re
from collections.abc import Iterator, Mapping

import psycopg
import pytest

from store.embedded import EmbeddedPostgres
from store.partitions import ensure_partitions
from tests.fixtures.folders import thrown_away
from tests.fixtures.postgres import Cluster
from tests.integration.plans.size import NOW, SIZES, SMALL, Sync, grow, growing
from tests.integration.plans.statements import SELDOM, Plan, Statement, plans, statements

ALL = list(statements())
MOST_COST = 300_000.0
"""Of the planner: about a second. What loops over an index of what waits costs more, and reads nothing whole."""
_SCANS = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}


@pytest.fixture(scope="module")
def large() -> Iterator[Sync]:
    """A server of its own, as a superuser: its files are made long."""
    with thrown_away() as folder:
        settings = {"fsync": "off", "max_connections": "20", "autovacuum": "off", "jit": "off"}
        server = EmbeddedPostgres(folder=folder / "postgres", shared_buffers_mb=32, settings=settings)
        server.start()
        try:
            database = Cluster(superuser_dsn=server.dsn).create()
            asyncio.run(_room(database.jobs))
            with psycopg.connect(database.superuser, autocommit=True) as connection:
                connection.prepare_threshold = None  # our own has a name
                grow(connection, folder / "postgres" / "data")
                connection.execute("SET plan_cache_mode = force_custom_plan")
                connection.execute("SET steth.org = '0'")
                yield connection
        finally:
            server.stop()


async def _room(jobs: str) -> None:
    async with await psycopg.AsyncConnection.connect(jobs, autocommit=True) as connection:
        await ensure_partitions(connection, now=NOW, behind_days=366, ahead_days=40)


@pytest.fixture(scope="module")
def leading(large: Sync) -> dict[str, str]:
    """The first column of each index of all rows of a table that grows. Others are of what is open, or waits."""
    rows = large.execute(
        "SELECT c.relname, t.relname, pg_get_indexdef(i.indexrelid, 1, true) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE i.indpred IS NULL"
    ).fetchall()
    grow = growing(large)
    return {index: column for index, table, column in rows if table in grow}


@pytest.fixture(scope="module")
def tables(large: Sync) -> set[str]:
    """Those that grow."""
    return growing(large)


def nodes(plan: Plan, *, few: bool = False) -> Iterator[tuple[Plan, bool]]:
    """Each node of a plan, and whether no more than some of its rows are asked for."""
    few = few or plan["Node Type"] == "Limit"
    yield plan, few
    for child in plan.get("Plans", []):
        yield from nodes(child, few=few)


def whole(plan: Plan, tables: set[str], leading: Mapping[str, str]) -> list[str]:
    """What a plan reads from one end to the other: tables that grow, and indexes of all their rows.

    By its first column an index is entered; to skip through the values of that column is more than older servers can.
    """
    found = []
    for node, few in nodes(plan):
        kind, index = node["Node Type"], node.get("Index Name", "")
        if kind == "Seq Scan" and node["Relation Name"] in tables:
            found.append(node["Relation Name"])
        if kind in _SCANS and index in leading and not few:
            entered = re.search(rf"\b{re.escape(leading[index])}\b", node.get("Index Cond", ""))
            found += [] if entered else [index]
    return found


@pytest.mark.parametrize("statement", [one for one in ALL if one.name not in SELDOM], ids=lambda one: one.name)
def test_it_finds_its_rows_by_an_index(
    large: Sync, tables: set[str], leading: dict[str, str], statement: Statement
) -> None:
    planned = plans(large, statement)
    assert {given: found for given, plan in planned if (found := whole(plan, tables, leading))} == {}
    if statement.name != "api/feed.stream_boundary":  # the planner can't know that the boundary lies at the end
        assert max(plan["Total Cost"] for _, plan in planned) < MOST_COST


@pytest.mark.parametrize("whose", ["dealer", "hospital"])
@pytest.mark.parametrize(
    "statement", [one for one in ALL if one.roles == ("api",) and one.name not in SELDOM], ids=lambda one: one.name
)
def test_so_it_does_for_whoever_sees_but_a_part(
    large: Sync, tables: set[str], leading: dict[str, str], statement: Statement, whose: str
) -> None:
    """A dealer's and a hospital's people, with the filter that the routes add: one of 200, one of 10,000."""
    with large.transaction(force_rollback=True):
        large.execute("SET LOCAL steth.org = '17'")
        planned = plans(large, statement, always=whose)
    assert {given: found for given, plan in planned if (found := whole(plan, tables, leading))} == {}
    if f"%({whose})s" in statement.text:
        assert max(plan["Total Cost"] for _, plan in planned) < MOST_COST / 10


def test_what_is_seldom_is_still_there() -> None:
    assert set(SELDOM) <= {one.name for one in ALL}


def test_every_table_has_a_size(tables: set[str]) -> None:
    """A new one needs its columns' statistics in size.py, or to be among those that stay small."""
    parts = re.compile(r"_\d{4}_\d{2}$")
    assert {table for table in tables if not parts.search(table)} <= set(SIZES)
    assert set(SIZES) - SMALL <= tables


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM device_event WHERE at > now() - INTERVAL '1 day'",
        "SELECT device_id, max(ts) FROM reading GROUP BY device_id",
        "SELECT max(learned_at) FROM device_event",
        "UPDATE ticket SET severity = 'major' WHERE message = 'x'",
    ],
)
def test_a_statement_that_reads_everything_is_found(
    large: Sync, tables: set[str], leading: dict[str, str], text: str
) -> None:
    ((_, plan),) = plans(large, Statement(name="bad", text=text, roles=("ingest",)))
    assert whole(plan, tables, leading)
