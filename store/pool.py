"""Connections, each as the login role of its use, and the transaction that sees one organisation."""

import asyncio
import os
import random
import select
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, Literal, get_args
from weakref import WeakKeyDictionary

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from store.errors import StoreError, StoreErrorCode, one_line
from store.statements import QUERIES

Role = Literal["owner", "ingest", "jobs", "api"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Connection = psycopg.AsyncConnection[tuple[Any, ...]]

EVERY_ORG: Final = "0"
"""The setting under which the policies show every organisation: for the dealer's own staff and jobs."""
RETRY_S: Final = 0.5
"""Between two attempts to connect at most: whoever waits goes on within a second of the database's return. The library
by itself would try more and more seldom, and in the end not at all."""
ANSWER_S: Final = 1.0
"""A session that doesn't answer nothing within this time is taken for dead."""


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """Server-side limits of a role's sessions, in milliseconds; 0 is none."""

    statement_ms: int
    idle_in_transaction_ms: int
    lock_ms: int


# Ingest: a takeover waits for the former owner's transaction (delivery 9), and whoever holds one device's row must not
# hold up a lane. Api: a person waits.
# Jobs: telling, commands and the like; upkeep, which may run long, has sessions of its own (steth.jobs.maintenance).
# Owner: migrations may run long, but must not queue for a lock with ingest behind them.
_LIMITS: Final = MappingProxyType(
    {
        "owner": _Limits(statement_ms=0, idle_in_transaction_ms=60_000, lock_ms=5_000),
        "ingest": _Limits(statement_ms=20_000, idle_in_transaction_ms=10_000, lock_ms=2_000),
        "jobs": _Limits(statement_ms=20_000, idle_in_transaction_ms=10_000, lock_ms=2_000),
        "api": _Limits(statement_ms=15_000, idle_in_transaction_ms=15_000, lock_ms=5_000),
    }
)


# Where nothing answers any more (a cable, a firewall), libpq by itself waits for a quarter of an hour or for ever.
_NETWORK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "connect_timeout": 5,  # s
        "keepalives_idle": 10,  # s
        "keepalives_interval": 5,  # s
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # ms
    }
)


def role_name(role: Role) -> str:
    """The login role in the database."""
    return f"steth_{role}"


def role_dsn(dsn: str, *, role: Role, password: str) -> str:
    """The same server and database as `dsn`, as another role."""
    return make_conninfo(dsn, user=role_name(role), password=password)


class Pool(AsyncConnectionPool[Connection]):
    """A pool that hands out only sessions that answer, and looks for the next one at once.

    The library's own `check=` waits a second after the first dead session, then twice as long after each, and for as
    long as the network does after one whose server is gone without a word: sessions that are cut once a second would
    never be had, and ten dead ones would cost minutes.

    A session that worked within the last ``believed_s`` isn't asked, unless its server has said something by itself, as
    it does where it ends one: for whoever takes one many times a second, asking is a round trip each time.
    """

    believed_s = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._worked: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    async def putconn(self, conn: Connection) -> None:
        """It has worked until now."""
        self._worked[conn] = monotonic()
        await super().putconn(conn)

    def _believed(self, connection: Connection) -> bool:
        worked = self._worked.get(connection)
        return worked is not None and monotonic() - worked < self.believed_s and not _spoke(connection)

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - the library's
        """Raises PoolTimeout."""
        deadline = monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            connection = await super().getconn(deadline - monotonic())
            if self._believed(connection):
                return connection
            try:
                await self.check_connection(connection)
            except TimeoutError:
                await self.putconn(connection)
                await self.drain()  # the others' server is the same
            except (psycopg.Error, OSError):
                await self.putconn(connection)
            except BaseException:
                await self.putconn(connection)
                raise
            else:
                return connection

    @staticmethod
    async def check_connection(conn: Connection) -> None:
        """Raises psycopg.Error, or TimeoutError after `ANSWER_S`; the connection is closed then."""
        asking = asyncio.create_task(AsyncConnectionPool.check_connection(conn))
        try:
            await asyncio.wait([asking], timeout=ANSWER_S)
        finally:
            if late := not asking.done():
                # To cancel it would ask the server once more, and wait for that.
                _cut(conn)
                await asyncio.wait([asking])
        error = asking.exception()
        if late:
            raise TimeoutError
        if error is not None:
            raise error


def _spoke(connection: Connection) -> bool:
    """Whether something of the server waits to be read, be it the end."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _cut(connection: Connection) -> None:
    """End a connection whose other end may be gone: whoever waits for it is told at once."""
    with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    role: Role,
    min_size: int = 1,
    max_size: int = 8,
    name: str = "",
    timeout_s: float = 15.0,
    believed_s: float = 0.0,
) -> AsyncIterator[Pool]:
    """A pool whose sessions are `role`'s, open with `min_size` connections; closed on leaving.

    The DSN must log in as that very role: a superuser or the owner would walk past row-level security without a sign.
    `name` is what the process calls itself in `pg_stat_activity`; `believed_s`: see `Pool`.
    Raises StoreError when the database can't be reached within `timeout_s` or the login is another role's.
    """
    wanted = role_name(role)
    given = conninfo_to_dict(dsn)
    if given.get("user") != wanted:
        raise StoreError(
            StoreErrorCode.ROLE, f"this database address logs in as {given.get('user')!r} and must as {wanted!r}"
        )
    limits = _LIMITS[role]
    options = (
        f"{given.pop('options', '')} -c timezone=UTC -c statement_timeout={limits.statement_ms} "
        f"-c lock_timeout={limits.lock_ms} -c idle_in_transaction_session_timeout={limits.idle_in_transaction_ms}"
    )
    pool = Pool(
        make_conninfo("", **{**_NETWORK, **given, "application_name": f"steth-{name or role}", "options": options}),
        min_size=min_size,
        max_size=max_size,
        timeout=timeout_s,
        reconnect_timeout=0.0,
        reconnect_failed=_begin_anew,
        name=f"steth-{name or role}",
        open=False,
    )
    pool.believed_s = believed_s
    try:
        try:
            await pool.open(wait=True, timeout=timeout_s)
        except PoolTimeout:
            raise StoreError(StoreErrorCode.CONNECTION, await _why_not(dsn, timeout_s)) from None
        yield pool
    finally:
        await pool.close()


async def _begin_anew(pool: AsyncConnectionPool[Connection]) -> None:
    """An attempt failed: begin another, for those who wait."""
    await asyncio.sleep(random.uniform(RETRY_S / 2, RETRY_S))  # noqa: S311 - so that processes don't come together
    await pool.check()


async def _why_not(dsn: str, timeout_s: float) -> str:
    """What one plain attempt says: the pool itself only knows that it waited. Names no password."""
    where = conninfo_to_dict(dsn)
    place = f"database {where.get('dbname')!r} at {where.get('host')}:{where.get('port')}"
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=5):
            return f"{place} did not give the connections asked for within {timeout_s:.0f} s"
    except psycopg.OperationalError as error:
        return f"{place} can't be reached: {one_line(error)}"


@asynccontextmanager
async def scoped(pool: Pool, org: str) -> AsyncIterator[Connection]:
    """One transaction of the api role that sees what belongs to `org` (or to all: EVERY_ORG), committed on leaving."""
    if not org:
        raise ValueError("an empty organisation would see nothing: pass its id or EVERY_ORG")
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(QUERIES["see"], (org,))
        yield connection
