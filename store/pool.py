"""Connections, each as the login role of its use, and the transaction that sees one organisation."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from store.errors import StoreError, StoreErrorCode, one_line

Role = Literal["owner", "ingest", "api"]
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

EVERY_ORG: Final = "*"
RECONNECT_S: Final = 4.0
"""For so long the pool's own attempts to connect lie further and further apart, then they begin anew: after an hour's
outage the database is used again within seconds. The library would wait for minutes, and then not try at all."""
"""The setting under which the policies show every organisation: for the dealer's own staff and jobs."""


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """Server-side limits of a role's sessions, in milliseconds; 0 is none."""

    statement_ms: int
    idle_in_transaction_ms: int
    lock_ms: int


# Ingest: a partition's lease must outlive its longest transaction (DELIVERY 9). Api: a person waits.
# Owner: migrations and the jobs on partitions may run long, but must not queue for a lock with ingest behind them.
_LIMITS: Final = MappingProxyType(
    {
        "owner": _Limits(statement_ms=0, idle_in_transaction_ms=60_000, lock_ms=5_000),
        "ingest": _Limits(statement_ms=20_000, idle_in_transaction_ms=10_000, lock_ms=10_000),
        "api": _Limits(statement_ms=15_000, idle_in_transaction_ms=15_000, lock_ms=5_000),
    }
)


# Where nothing answers any more (a cable, a firewall), libpq by itself waits for a quarter of an hour or for ever.
_NETWORK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "connect_timeout": 10,  # s
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


@asynccontextmanager
async def open_pool(
    dsn: str, *, role: Role, min_size: int = 1, max_size: int = 8, name: str = "", timeout_s: float = 15.0
) -> AsyncIterator[Pool]:
    """A pool whose sessions are `role`'s, open with `min_size` connections; closed on leaving.

    The DSN must log in as that very role: a superuser or the owner would walk past row-level security without a sign.
    `name` is what the process calls itself in `pg_stat_activity`. Raises StoreError when the database can't be reached
    within `timeout_s` or the login is another role's.
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
    pool: Pool = AsyncConnectionPool(
        make_conninfo("", **{**_NETWORK, **given, "application_name": f"steth-{name or role}", "options": options}),
        min_size=min_size,
        max_size=max_size,
        timeout=timeout_s,
        reconnect_timeout=RECONNECT_S,
        reconnect_failed=_begin_anew,
        name=f"steth-{name or role}",
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    try:
        try:
            await pool.open(wait=True, timeout=timeout_s)
        except PoolTimeout:
            raise StoreError(StoreErrorCode.CONNECTION, await _why_not(dsn, timeout_s)) from None
        yield pool
    finally:
        await pool.close()


async def _begin_anew(pool: AsyncConnectionPool[Connection]) -> None:
    """A round of attempts failed: begin another, for those who wait."""
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
        await connection.execute("SELECT set_config('steth.org', %s, true)", (org,))
        yield connection
