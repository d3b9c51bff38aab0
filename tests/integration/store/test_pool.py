import asyncio

import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.errors import StoreError, StoreErrorCode
from store.pool import RECONNECT_S, Pool, Role, open_pool, scoped
from tests.chaos.cable import Cables
from tests.fixtures.postgres import Database


@pytest.mark.parametrize(
    ("role", "timeouts"),
    [("ingest", ("20s", "10s")), ("api", ("15s", "15s")), ("owner", ("0", "1min"))],
)
async def test_a_session_is_its_role_s(database: Database, role: Role, timeouts: tuple[str, str]) -> None:
    dsn = {"ingest": database.ingest, "api": database.api, "owner": database.owner}[role]
    async with open_pool(dsn, role=role, name="test") as pool, pool.connection() as connection:
        rows = await connection.execute(
            "SELECT session_user::text, current_setting('application_name'), current_setting('TimeZone'),"
            " current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        )
        assert await rows.fetchone() == (f"steth_{role}", "steth-test", "UTC", *timeouts)


async def test_a_dead_network_is_noticed_and_the_address_may_say_otherwise(database: Database) -> None:
    address = make_conninfo(database.api, keepalives_idle=60, options="-c work_mem=5MB")
    async with open_pool(address, role="api") as pool, pool.connection() as connection:
        found = connection.info.get_parameters()
        assert (found["tcp_user_timeout"], found["connect_timeout"], found["keepalives_idle"]) == ("20000", "10", "60")
        rows = await connection.execute("SELECT current_setting('work_mem'), current_setting('TimeZone')")
        assert await rows.fetchone() == ("5MB", "UTC")


@pytest.mark.parametrize("wrong", ["superuser", "owner", "ingest"])
async def test_another_role_s_address_is_refused_before_connecting(database: Database, wrong: str) -> None:
    dsn: str = getattr(database, wrong)
    with pytest.raises(StoreError, match="and must as 'steth_api'") as caught:
        async with open_pool(dsn, role="api"):
            pass
    assert caught.value.code is StoreErrorCode.ROLE


async def test_an_unreachable_database_is_one_line_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"^database 'x' at 127.0.0.1:1 can't be reached: [^\n]*refused") as caught:
        async with open_pool(
            "host=127.0.0.1 port=1 user=steth_api password=geheim dbname=x", role="api", timeout_s=0.2
        ):
            pass
    assert caught.value.code is StoreErrorCode.CONNECTION
    assert "geheim" not in str(caught.value)


async def test_the_pool_comes_back_soon_after_the_database_does(database: Database) -> None:
    """However long it was gone: whoever waits gets a connection at one of the next attempts."""
    port = conninfo_to_dict(database.api)["port"]
    with Cables() as cables:
        cable = cables.to(int(str(port)))
        dsn = make_conninfo(database.api, host="127.0.0.1", port=cable.port)
        async with open_pool(dsn, role="api", min_size=2) as pool:
            cable.pull()
            waiting = [asyncio.create_task(_one(pool)) for _ in range(3)]
            await asyncio.sleep(0.85 * RECONNECT_S)  # the library alone would try next after twice as long
            assert not any(task.done() for task in waiting)
            cable.plug()
            async with asyncio.timeout(RECONNECT_S / 2):
                assert await asyncio.gather(*waiting) == [(1,)] * 3


async def _one(pool: Pool) -> object:
    async with pool.connection() as connection:
        return await (await connection.execute("SELECT 1")).fetchone()


async def add_orgs(pool: Pool, *names: str) -> None:
    async with scoped(pool, "*") as connection:
        for name in names:
            await connection.execute("INSERT INTO org (name) VALUES (%s)", (name,))


async def test_a_scope_is_one_transaction(database: Database) -> None:
    async with open_pool(database.api, role="api", max_size=1) as pool:
        with pytest.raises(errors.UniqueViolation):
            await add_orgs(pool, "gone", "gone")
        async with scoped(pool, "*") as connection:
            assert await (await connection.execute("SELECT name FROM org")).fetchall() == []
        await add_orgs(pool, "kept")
        async with scoped(pool, "*") as connection:
            assert await (await connection.execute("SELECT name FROM org")).fetchall() == [("kept",)]


async def test_an_empty_scope_is_a_mistake(database: Database) -> None:
    async with open_pool(database.api, role="api") as pool:
        with pytest.raises(ValueError, match="empty"):
            async with scoped(pool, ""):
                pass
