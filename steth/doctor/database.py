"""The database: who can log in, what it is, whether its schema is this code's, its clock, its room for readings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from steth.doctor.statements import QUERIES
from steth.settings import Settings, SettingsError
from store.editions import Edition
from store.errors import SchemaTooNew, StoreError, one_line
from store.migrate import require_current_schema
from store.partitions import Month
from store.pool import ROLES, Role, role_name
from store.retention import otherwise_noted
from store.rollup import lags

Connection = AsyncConnection[Any]
OLDEST_VERSION: Final = 160_000
"""PostgreSQL 16: older ones can't say which roles may be set (``store.roles``); tests run 17 and 18."""
CLOCK_WARN_S: Final = 1.0
CLOCK_FAIL_S: Final = 30.0
AHEAD: Final = timedelta(days=7)
ROLLUP_WARN_S: Final = 3600.0
_NEVER_S: Final = 1e9  # the watermark begins at 1970


async def check_logins(settings: Settings, stack: AsyncExitStack) -> tuple[list[Finding], dict[Role, Connection]]:
    """Log in as every role that has an address; what was found, and the connections, which the stack closes."""
    found: list[Finding] = []
    open_: dict[Role, Connection] = {}
    for role in ROLES:
        dsn: str = getattr(settings, f"dsn_{role}")
        check = f"database.{role}"
        if not dsn:
            found.append(
                warn(
                    check,
                    zh=f"未配置 dsn_{role}，跳过",
                    en=f"dsn_{role} is not set: skipped",
                    todo=Text(
                        zh=f"如由本机运行，请设置 STETH_DSN_{role.upper()}",
                        en=f"set STETH_DSN_{role.upper()} if a process of this machine needs it",
                    ),
                )
            )
            continue
        finding, connection = await _log_in(check, role, dsn)
        found.append(finding)
        if connection is not None:
            open_[role] = connection
            stack.push_async_callback(connection.close)
    return found, open_


async def _log_in(check: str, role: Role, dsn: str) -> tuple[Finding, Connection | None]:
    wanted = role_name(role)
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        said = {"zh": "地址无法解析", "en": "the address can't be read"}
        return fail(check, **said, todo=Text(zh="请检查 libpq 格式", en="write it as libpq reads it")), None
    where = f"{given.get('host', 'local')}:{given.get('port', 5432)}/{given.get('dbname', '')}"
    if given.get("user") != wanted:
        return (
            fail(
                check,
                zh=f"{where} 以其他用户登录",
                en=f"{where} logs in as another user",
                todo=Text(zh=f"用户必须是 {wanted}", en=f"the user must be {wanted}"),
            ),
            None,
        )
    try:
        connection: Connection = await AsyncConnection.connect(
            dsn, autocommit=True, connect_timeout=5, application_name="steth-doctor", options="-c statement_timeout=10s"
        )
    except psycopg.Error as error:
        return fail(check, zh=f"{where}：{one_line(error)}", en=f"{where}: {one_line(error)}", todo=_todo(error)), None
    return ok(check, zh=f"{where} 可登录", en=f"{where} lets us in"), connection


def _todo(error: psycopg.Error) -> Text:
    text = str(error)
    if "password" in text:
        return Text(
            zh="核对密码：psql 中 ALTER ROLE … PASSWORD", en="check the password; ALTER ROLE … PASSWORD sets it"
        )
    if "does not exist" in text:
        return Text(zh="先创建数据库并运行 steth migrate", en="make the database, then run `steth migrate`")
    return Text(zh="检查数据库是否运行、地址和防火墙", en="check that it runs, the address, and firewalls between")


async def check_database(settings: Settings, open_: dict[Role, Connection]) -> AsyncIterator[Finding]:
    """What the database is and has, as whoever could log in."""
    role = next((role for role in ROLES if role in open_), None)
    if role is None:
        return
    connection = open_[role]
    yield _version(connection.info.server_version)
    yield await _clock(connection)
    schema = await asyncio.to_thread(_schema, getattr(settings, f"dsn_{role}"))
    yield schema
    if schema.level == "fail":
        return
    yield await _room(connection)
    keepers: tuple[Role, ...] = ("jobs", "ingest", "owner")
    keeper = next((open_[role] for role in keepers if role in open_), None)
    if keeper is not None:
        async for finding in _rollups(keeper):
            yield finding
        yield await _ages(settings, keeper)


def _version(number: int) -> Finding:
    shown = f"{number // 10_000}.{number % 10_000}"
    if number < OLDEST_VERSION:
        return fail(
            "database.version",
            zh=f"PostgreSQL {shown} 过旧",
            en=f"PostgreSQL {shown} is too old",
            todo=Text(zh="升级到 16 或更新", en="upgrade to 16 or newer"),
        )
    return ok("database.version", zh=f"PostgreSQL {shown}", en=f"PostgreSQL {shown}")


async def _clock(connection: Connection) -> Finding:
    before = datetime.now(UTC)
    row = await (await connection.execute(QUERIES["clock"])).fetchone()
    after = datetime.now(UTC)
    theirs: datetime = row[0] if row else after
    offset_s = (theirs - (before + (after - before) / 2)).total_seconds()
    return judge_clock(offset_s)


def judge_clock(offset_s: float) -> Finding:
    """The database's clock less this machine's, in seconds."""
    said = {"zh": f"数据库时钟与本机相差 {offset_s:+.3f} s", "en": f"its clock differs from ours by {offset_s:+.3f} s"}
    todo = Text(zh="两台机器都用 NTP 对时（chrony）", en="keep both machines' clocks by NTP (chrony)")
    if abs(offset_s) >= CLOCK_FAIL_S:
        return fail("database.clock", **said, todo=todo)
    if abs(offset_s) >= CLOCK_WARN_S:
        return warn("database.clock", **said, todo=todo)
    return ok("database.clock", **said)


def _schema(dsn: str) -> Finding:
    try:
        edition = require_current_schema(dsn)
    except SchemaTooNew as error:
        return fail(
            "database.schema",
            zh=f"数据库比程序新：{error}",
            en=f"{error}",
            todo=Text(zh="升级 steth", en="upgrade steth on this machine"),
        )
    except (StoreError, psycopg.Error) as error:
        return fail(
            "database.schema",
            zh=f"结构不是当前版本：{one_line(error)}",
            en=f"{one_line(error)}",
            todo=Text(zh="备份后运行 steth migrate", en="make a backup, then run `steth migrate`"),
        )
    shown = {
        Edition.PLAIN: "PostgreSQL",
        Edition.TIMESCALE_APACHE: "TimescaleDB Apache",
        Edition.TIMESCALE_COMMUNITY: "TimescaleDB Community",
    }[edition]
    return ok("database.schema", zh=f"结构为当前版本（{shown}）", en=f"the schema is current ({shown})")


async def _room(connection: Connection) -> Finding:
    row = await (await connection.execute(QUERIES["partitioned"])).fetchone()
    if row != (True,):
        return ok("database.room", zh="时序表自动分块", en="the hypertable makes its chunks by itself")
    now = datetime.now(UTC)
    lacking = []
    for moment in (now, now + AHEAD):
        name = Month.of(moment).of_table("reading")
        row = await (await connection.execute(QUERIES["lacks"], (f"public.{name}",))).fetchone()
        if row == (True,):
            lacking.append(name)
    if not lacking:
        return ok("database.room", zh="读数分区已提前建好", en="there is room for readings ahead")
    todo = Text(
        zh="运行 steth migrate，并让 steth jobs 保持运行",
        en="run `steth migrate`, and let `steth jobs` run: its leader makes them",
    )
    said = {"zh": f"缺少分区 {', '.join(lacking)}", "en": f"partitions are missing: {', '.join(lacking)}"}
    return fail("database.room", **said, todo=todo)


async def _ages(settings: Settings, keeper: Connection) -> Finding:
    """`steth migrate` notes how long what is kept; who was told otherwise since keeps to what is longer."""
    try:
        keep = settings.keep()
    except SettingsError as error:
        todo = Text(zh="更正设置", en="correct the settings")
        return fail("database.ages", zh=str(error), en=str(error), todo=todo)
    otherwise = await otherwise_noted(keeper, keep=keep)
    if not otherwise:
        return ok("database.ages", zh="保留天数与设置一致", en="how long what is kept is as the settings say")
    here = keep.noted
    said = ", ".join(f"{what} {days} ≠ {here[what]}" for what, days in sorted(otherwise.items()))
    return warn(
        "database.ages",
        zh=f"数据库中的保留天数与此处设置不同：{said}",
        en=f"the database was told other days to keep what it has than these settings say: {said}",
        todo=Text(
            zh="给 migrate、ingest、jobs 相同的 keep_*_days，再运行 steth migrate",
            en="give migrate, ingest and jobs the same keep_*_days, then run `steth migrate`",
        ),
    )


async def _rollups(keeper: Connection) -> AsyncIterator[Finding]:
    """The minutes' lag tells whether the job works: by their nature those of hours and days lie a bucket behind."""
    late = await lags(keeper, now=datetime.now(UTC))
    if not late:
        return
    said = {"zh": f"汇总落后 {late[0]:.0f} s", "en": f"roll-ups are {late[0]:.0f} s behind"}
    if late[0] > _NEVER_S:
        said = {"zh": "还从未做过汇总", "en": "roll-ups were never made yet"}
    if late[0] > ROLLUP_WARN_S:
        todo = Text(zh="检查 steth jobs 是否运行及其日志", en="see that `steth jobs` runs, and read its log")
        yield warn("database.rollup", **said, todo=todo)
    else:
        yield ok("database.rollup", **said)
