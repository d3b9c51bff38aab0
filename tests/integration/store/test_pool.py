import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.errors import StoreError, StoreErrorCode
from store.pool import ANSWER_S, EVERY_ORG, RETRY_S, Connection, Pool, Role, open_pool, scoped
from tests.chaos.cable import Cables
from tests.fixtures.postgres import Cluster, Database
from tests.fixtures.timescale import Timescale
from tests.fixtures.trixie import Tree


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
        assert (found["tcp_user_timeout"], found["connect_timeout"], found["keepalives_idle"]) == ("20000", "5", "60")
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


SIZES = {"ingest": (3, 6), "api": (2, 10)}
BELIEVED_S = {"ingest": 1.0, "api": 0.0}
"""As the processes open them."""


@pytest.fixture(params=SIZES)
def role(request: pytest.FixtureRequest) -> Role:
    given: Role = request.param
    return given


@asynccontextmanager
async def filled(dsn: str, role: Role) -> AsyncIterator[Pool]:
    """A pool of as many idle sessions as it may have."""
    async with open_pool(dsn, role=role, min_size=SIZES[role][1], max_size=SIZES[role][1], timeout_s=20) as pool:
        yield pool


def address(database: Database, role: Role, **where: str | int) -> str:
    dsn: str = getattr(database, role)
    return make_conninfo(dsn, **where)


async def test_whoever_waits_goes_on_soon_after_the_database_is_back(database: Database, role: Role) -> None:
    """However long it was gone."""
    port = conninfo_to_dict(database.api)["port"]
    with Cables() as cables:
        cable = cables.to(int(str(port)))
        dsn = address(database, role, host="127.0.0.1", port=cable.port)
        async with open_pool(dsn, role=role, min_size=SIZES[role][0], max_size=SIZES[role][1], timeout_s=30) as pool:
            cable.pull()
            waiting = [asyncio.create_task(_one(pool)) for _ in range(20)]
            await asyncio.sleep(3)  # the library alone would try next after twice as long
            assert not any(task.done() for task in waiting)
            cable.plug()
            async with asyncio.timeout(2 * RETRY_S + 0.5):
                assert await asyncio.gather(*waiting) == [(1,)] * 20


def cut_all(database: Database, role: Role) -> None:
    """End a role's sessions; when it returns they are gone."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = %s AND datname = current_database()",
            (f"steth_{role}",),
        )


async def test_dead_sessions_cost_no_time(database: Database, role: Role) -> None:
    """A restarted server leaves nothing but dead ones; the library alone waits ever longer after each."""
    async with filled(address(database, role), role) as pool:
        cut_all(database, role)
        async with asyncio.timeout(1.5):
            assert await asyncio.gather(*(_one(pool) for _ in range(20))) == [(1,)] * 20


async def test_a_session_that_just_worked_is_not_asked_and_one_that_was_ended_is_not_believed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def ask(connection: Connection) -> None:
        nonlocal asked
        asked += 1
        await check(connection)

    check = Pool.check_connection
    monkeypatch.setattr(Pool, "check_connection", staticmethod(ask))
    async with open_pool(database.ingest, role="ingest", min_size=1, max_size=1, believed_s=60.0) as pool:
        for _ in range(10):
            assert await _one(pool) == (1,)
        assert asked == 1
        cut_all(database, "ingest")
        assert await _one(pool) == (1,)
        pool.believed_s = 0.0
        asked = 0
        for _ in range(3):
            assert await _one(pool) == (1,)
        assert asked == 3


async def test_sessions_that_are_cut_again_and_again_stop_no_work(database: Database, role: Role) -> None:
    async def cutting() -> None:
        while True:
            await asyncio.to_thread(cut_all, database, role)
            await asyncio.sleep(0.2)

    async def work() -> float:
        began = monotonic()
        while True:
            try:
                async with pool.connection() as connection, connection.transaction():
                    await connection.execute("SELECT 1")
                    await asyncio.sleep(0.01)
            except psycopg.OperationalError:  # cut in the middle: tried again, as everything of ours is
                continue
            return monotonic() - began

    low, high = SIZES[role]
    dsn = address(database, role)
    async with open_pool(dsn, role=role, min_size=low, max_size=high, believed_s=BELIEVED_S[role]) as pool:
        cuts = asyncio.create_task(cutting())
        took = [max(await asyncio.gather(*(work() for _ in range(4)))) for _ in range(40)]
        cuts.cancel()
        await asyncio.wait([cuts])
    assert max(took) < 1.0


async def test_a_server_that_was_killed_is_used_again_within_a_second(trixie: Tree) -> None:
    """Of every process at once: each has its own pool."""
    with Timescale(tree=trixie) as server:
        made = Cluster(superuser_dsn=server.dsn()).create()
        async with filled(made.ingest, "ingest") as ingest, filled(made.api, "api") as api:
            server.kill()
            waiting = [asyncio.create_task(_one(pool)) for pool in (ingest, api) for _ in range(10)]
            await asyncio.sleep(1.0)
            await asyncio.to_thread(server.start)  # returns once it lets in
            async with asyncio.timeout(2 * RETRY_S + 0.5):
                assert await asyncio.gather(*waiting) == [(1,)] * 20


async def test_sessions_whose_server_is_gone_without_a_word_cost_a_second_in_all(
    database: Database, role: Role
) -> None:
    """As after a failover: nothing answers on what was connected, and what connects anew works."""
    port = conninfo_to_dict(database.api)["port"]
    with Cables() as cables:
        cable = cables.to(int(str(port)))
        async with filled(address(database, role, host="127.0.0.1", port=cable.port), role) as pool:
            cable.freeze()
            began = monotonic()
            async with asyncio.timeout(ANSWER_S + 2):
                assert await asyncio.gather(*(_one(pool) for _ in range(20))) == [(1,)] * 20
            assert monotonic() - began >= 0.9 * ANSWER_S
            async with asyncio.timeout(0.5):
                await _one(pool)


async def test_who_gives_up_waiting_leaves_the_pool_whole(database: Database, role: Role) -> None:
    port = conninfo_to_dict(database.api)["port"]
    with Cables() as cables:
        cable = cables.to(int(str(port)))
        async with filled(address(database, role, host="127.0.0.1", port=cable.port), role) as pool:
            cable.freeze()
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await _one(pool)
            async with asyncio.timeout(ANSWER_S + 2):
                assert await asyncio.gather(*(_one(pool) for _ in range(20))) == [(1,)] * 20


async def _one(pool: Pool) -> object:
    async with pool.connection() as connection:
        return await (await connection.execute("SELECT 1")).fetchone()


async def add_orgs(pool: Pool, *names: str) -> None:
    async with scoped(pool, EVERY_ORG) as connection:
        for name in names:
            await connection.execute("INSERT INTO org (name) VALUES (%s)", (name,))


async def test_a_scope_is_one_transaction(database: Database) -> None:
    async with open_pool(database.api, role="api", max_size=1) as pool:
        with pytest.raises(errors.UniqueViolation):
            await add_orgs(pool, "gone", "gone")
        async with scoped(pool, EVERY_ORG) as connection:
            assert await (await connection.execute("SELECT name FROM org WHERE kind = 'hospital'")).fetchall() == []
        await add_orgs(pool, "kept")
        async with scoped(pool, EVERY_ORG) as connection:
            assert await (await connection.execute("SELECT name FROM org WHERE kind = 'hospital'")).fetchall() == [
                ("kept",)
            ]


async def test_an_empty_scope_is_a_mistake(database: Database) -> None:
    async with open_pool(database.api, role="api") as pool:
        with pytest.raises(ValueError, match="empty"):
            async with scoped(pool, ""):
                pass
