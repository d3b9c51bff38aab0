"""Who sees what, as the roles the processes log in as, on each engine: readings, facts, accounts (ADR 0036).

Every table and view, and what a change of dealer ends: `test_tree.py`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from store.partitions import ensure_partitions
from store.pool import EVERY_ORG, Pool, open_pool, scoped
from tests.fixtures.postgres import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
READINGS = 3  # of each device


@dataclass(frozen=True, kw_only=True)
class Hospitals:
    """Two hospitals, each with a device that has three readings, an event and a ticket."""

    database: Database
    first: int
    second: int


@pytest.fixture
async def hospitals(engine_database: Database) -> Hospitals:
    async with await psycopg.AsyncConnection.connect(engine_database.owner, autocommit=True) as owner:
        await ensure_partitions(owner, now=NOW, behind_days=1, ahead_days=1)
        await owner.execute("INSERT INTO metric (name) VALUES ('tube.temperature')")
        orgs = []
        for number in (1, 2):
            row = await (
                await owner.execute(
                    "WITH o AS (INSERT INTO org (name) VALUES (%(name)s) RETURNING id),"
                    " s AS (INSERT INTO site (org_id, name) SELECT id, 'main' FROM o RETURNING id, org_id)"
                    " INSERT INTO device (uid, org_id, site_id, partition, model, name)"
                    " SELECT %(uid)s, org_id, id, 0, 'dr', %(name)s FROM s RETURNING org_id, id",
                    {"name": f"hospital {number}", "uid": f"d{number:012}"},
                )
            ).fetchone()
            assert row is not None
            orgs.append(row)
    async with await psycopg.AsyncConnection.connect(engine_database.ingest) as ingest:
        async with ingest.cursor().copy(
            "COPY reading (ts, device_id, metric_id, value, quality) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["timestamptz", "int4", "int4", "float8", "int2"])
            for _, device in orgs:
                for minute in range(READINGS):
                    await copy.write_row((NOW + timedelta(minutes=minute), device, 1, 36.6, 0))
        for org, device in orgs:
            await ingest.execute(
                "INSERT INTO device_event (device_id, org_id, at, learned_at, kind, body)"
                " VALUES (%s, %s, %s, %s, 'fault', '{}')",
                (device, org, NOW, NOW),
            )
    return Hospitals(database=engine_database, first=orgs[0][0], second=orgs[1][0])


@pytest.fixture
async def api(hospitals: Hospitals) -> AsyncIterator[Pool]:
    async with open_pool(hospitals.database.api, role="api", max_size=2) as pool:
        yield pool


async def devices_seen(pool: Pool, org: str) -> list[tuple[str, int]]:
    """The devices whose readings are seen under a setting, each with how many."""
    async with scoped(pool, org) as connection:
        rows = await connection.execute("SELECT device, count(*) FROM device_reading GROUP BY device ORDER BY device")
        return [(row[0], row[1]) for row in await rows.fetchall()]


async def test_readings_themselves_are_closed_to_the_api(api: Pool) -> None:
    for org in ("1", EVERY_ORG):
        with pytest.raises(errors.InsufficientPrivilege):
            async with scoped(api, org) as connection:
                await connection.execute("SELECT count(*) FROM reading")


async def test_an_org_sees_the_names_of_its_own_metrics(hospitals: Hospitals, api: Pool) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        async with scoped(api, EVERY_ORG) as connection:
            await connection.execute("SELECT name FROM metric")
    async with await psycopg.AsyncConnection.connect(hospitals.database.ingest, autocommit=True) as ingest:
        await ingest.execute("INSERT INTO metric (name, unit) VALUES ('zhang', 'san')")
        await ingest.execute("INSERT INTO org_metric (metric_id, org_id) VALUES (1, %s)", (hospitals.first,))
        await ingest.execute("INSERT INTO org_metric SELECT id, %s FROM metric", (hospitals.second,))
    for org, seen in (
        (str(hospitals.first), ["tube.temperature"]),
        (str(hospitals.second), ["tube.temperature", "zhang"]),
        (EVERY_ORG, ["tube.temperature", "zhang"]),
        ("999", []),
    ):
        async with scoped(api, org) as connection:
            rows = await connection.execute("SELECT name FROM seen_metric WHERE length(unit) >= 0 ORDER BY name")
            assert [name for (name,) in await rows.fetchall()] == seen


async def test_an_org_sees_the_readings_of_its_own_devices(hospitals: Hospitals, api: Pool) -> None:
    assert await devices_seen(api, str(hospitals.first)) == [("d000000000001", READINGS)]
    assert await devices_seen(api, str(hospitals.second)) == [("d000000000002", READINGS)]
    assert await devices_seen(api, "999") == []


async def test_staff_sees_all(api: Pool) -> None:
    assert await devices_seen(api, EVERY_ORG) == [("d000000000001", READINGS), ("d000000000002", READINGS)]


async def test_a_dealer_sees_the_readings_of_what_it_serves_now(hospitals: Hospitals, api: Pool) -> None:
    """All of them, of whosever time; the former dealer none."""
    async with await psycopg.AsyncConnection.connect(hospitals.database.superuser, autocommit=True) as owner:
        rows = await owner.execute(
            "WITH second AS (INSERT INTO org (name, kind, prefix) VALUES ('second', 'dealer', 'BB') RETURNING id)"
            " SELECT only_dealer(), id FROM second"
        )
        ((first, second),) = await rows.fetchall()
        assert len(await devices_seen(api, str(first))) == 2
        await owner.execute(
            "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
            " SELECT id, org_id, %s, now(), 'chief', now() FROM device WHERE uid = 'd000000000001'",
            (second,),
        )
        await owner.execute("SELECT change_dealer(id, now()) FROM device WHERE uid = 'd000000000001'")
    assert await devices_seen(api, str(first)) == [("d000000000002", READINGS)]
    assert await devices_seen(api, str(second)) == [("d000000000001", READINGS)]
    assert await devices_seen(api, str(hospitals.first)) == [("d000000000001", READINGS)]


async def test_without_the_setting_nothing_is_seen(api: Pool) -> None:
    async with api.connection() as connection:
        for table in (b"device_reading", b"device", b"org", b"site", b"seen_device_event"):
            row = await (await connection.execute(b"SELECT count(*) FROM " + table)).fetchone()
            assert row == (0,), table


async def test_the_setting_ends_with_its_transaction(api: Pool) -> None:
    async with api.connection() as connection:
        async with connection.transaction():
            await connection.execute("SELECT set_config('steth.org', '0', true)")
            seen = await (await connection.execute("SELECT count(*) FROM device")).fetchone()
        left = await (await connection.execute("SELECT count(*) FROM device")).fetchone()
    assert (seen, left) == ((2,), (0,))


async def test_a_leaky_condition_does_not_see_behind_the_barrier(hospitals: Hospitals, api: Pool) -> None:
    """A function that raises on each value it sees would tell of others' rows, were it run before the policy."""
    async with scoped(api, str(hospitals.first)) as connection:
        rows = await connection.execute(
            "SELECT count(*) FROM device_reading WHERE 1 / (CASE WHEN device = 'd000000000002' THEN 0 ELSE 1 END) = 1"
        )
        assert await rows.fetchone() == (READINGS,)


async def test_facts_follow_the_same_rule(hospitals: Hospitals, api: Pool) -> None:
    for org in (hospitals.first, hospitals.second):
        async with scoped(api, str(org)) as connection:
            rows = await connection.execute(
                "SELECT d.org_id FROM seen_device_event e JOIN device d ON d.id = e.device_id"
            )
            assert await rows.fetchall() == [(org,)]


@pytest.mark.parametrize("role", ["ingest", "api"])
async def test_no_role_of_a_process_can_take_a_higher_one(hospitals: Hospitals, role: str) -> None:
    dsn = {"ingest": hospitals.database.ingest, "api": hospitals.database.api}[role]
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for higher in (b"steth_owner", b"steth_view"):
            with pytest.raises(errors.InsufficientPrivilege):
                await connection.execute(b"SET ROLE " + higher)
        for statement in (
            b"CREATE TABLE mine ()",
            b"ALTER TABLE device DISABLE ROW LEVEL SECURITY",
            b"DROP TABLE reading",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                await connection.execute(statement)


async def test_ingest_can_not_change_history(hospitals: Hospitals) -> None:
    async with await psycopg.AsyncConnection.connect(hospitals.database.ingest, autocommit=True) as connection:
        for statement in (b"DELETE FROM reading", b"UPDATE reading SET value = 0", b"DELETE FROM device_event"):
            with pytest.raises(errors.InsufficientPrivilege):
                await connection.execute(statement)


async def test_the_api_writes_of_accounts_what_its_routes_write_and_reads_no_hash(
    hospitals: Hospitals, api: Pool
) -> None:
    """Whoever could run statements of their own as the API's role."""
    ids: dict[str, int] = {}
    async with await psycopg.AsyncConnection.connect(hospitals.database.owner, autocommit=True) as owner:
        for name, org, kind, role in (
            ("staff", 0, "operator", "staff"),
            ("first", hospitals.first, "hospital", "equipment"),
            ("second", hospitals.second, "hospital", "equipment"),
        ):
            made = await owner.execute(
                "WITH a AS (INSERT INTO account (name, org_id, org_kind, role, password_hash)"
                " VALUES (%s, %s, %s, %s, 'h') RETURNING id)"
                " INSERT INTO api_token (account_id, hash, label)"
                " SELECT id, sha256(%s), 't' FROM a RETURNING account_id",
                (name, org, kind, role, name.encode()),
            )
            ids[name] = (await made.fetchone() or (0,))[0]
    alone = str(hospitals.first)
    never = (
        "SELECT password_hash FROM account",
        "SELECT hash FROM api_token",
        "UPDATE account SET role = 'staff'",
        "UPDATE account SET org_id = 0",
        "UPDATE account SET name = 'x'",
        "INSERT INTO account (name, org_id, org_kind, role, password_hash) VALUES ('x', 0, 'operator', 'staff', 'h')",
        "UPDATE api_token SET account_id = 1",
        "UPDATE api_token SET hash = 'x'",
        "UPDATE api_token SET expires_at = NULL",
        "UPDATE api_token SET revoked_at = NULL",
        "DELETE FROM account",
        "DELETE FROM api_token",
    )
    a_stranger = f"VALUES ('x', {hospitals.second}, 'hospital', 'it', 'h')"
    beyond_its_own = (
        f"INSERT INTO api_token (account_id, hash, label) VALUES ({ids['second']}, 'x', 'x')",  # noqa: S608
        f"INSERT INTO account (name, org_id, org_kind, role, password_hash) {a_stranger}",
        "INSERT INTO account (name, org_id, org_kind, role, password_hash) VALUES ('x', 1, 'dealer', 'manager', 'h')",
    )
    for sees, statement in (*((EVERY_ORG, one) for one in never), *((alone, one) for one in beyond_its_own)):
        with pytest.raises((errors.InsufficientPrivilege, errors.CheckViolation)):
            async with scoped(api, sees) as connection:
                await connection.execute(statement.encode())
    async with scoped(api, alone) as connection:
        for statement in (
            "SELECT name FROM account",
            "SELECT label FROM api_token",
            "UPDATE account SET active = true",
            "UPDATE api_token SET revoked_at = now()",
        ):
            assert (await connection.execute(statement.encode())).rowcount == 1, statement
    async with api.connection() as connection:
        for statement, known in (
            ("SELECT max(name) FROM account", None),
            ("SELECT max(label) FROM api_token", None),
            ("SELECT max(name) FROM authenticate(sha256('staff'), now())", "staff"),
            ("SELECT max(name) FROM authenticate(sha256('first'), now())", None),
            ("SELECT max(password_hash) FROM account_by_name('second')", "h"),
        ):
            found = await connection.execute(statement.encode())
            assert await found.fetchone() == (known,), statement
    async with await psycopg.AsyncConnection.connect(hospitals.database.ingest, autocommit=True) as ingest:
        for statement in ("SELECT authenticate('x', now())", "SELECT account_by_name('staff')", "TABLE account"):
            with pytest.raises(errors.InsufficientPrivilege):
                await ingest.execute(statement.encode())
