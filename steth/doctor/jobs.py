"""The jobs of `steth jobs`, as its leader noted them, and what they set aside."""

from collections.abc import AsyncIterator
from typing import Any

from psycopg import AsyncConnection

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from steth.doctor.statements import QUERIES


async def check_jobs(connection: AsyncConnection[Any]) -> AsyncIterator[Finding]:
    """What fails, what hangs, and which roll-ups can't be made. As steth_jobs or steth_owner."""
    known, late = await (await connection.execute(QUERIES["jobs_known"])).fetchone() or (0, 0)
    if known == late:  # none ever noted anything, or none does any more
        yield warn(
            "jobs",
            zh="steth jobs 没有在运行：无人发送通知和命令，也无人维护数据库",
            en="`steth jobs` doesn't run: nobody tells people, sends commands or keeps the database",
            todo=Text(zh="启动 steth jobs 并查看其日志", en="start `steth jobs`, and read its log"),
        )
        return
    rows = await (await connection.execute(QUERIES["jobs_that_fail"])).fetchall()
    for name, since, failures, error, ended in rows:
        todo = Text(zh="查 steth jobs 日志中的 job_failed", en="read job_failed in the log of `steth jobs`")
        if since is None:
            at = "—" if ended is None else f"{ended:%Y-%m-%d %H:%M} UTC"
            yield fail(
                f"jobs.{name}", zh=f"任务没有结束，上次完成于 {at}", en=f"it doesn't end; last did at {at}", todo=todo
            )
            continue
        at = f"{since:%Y-%m-%d %H:%M} UTC"
        yield fail(
            f"jobs.{name}",
            zh=f"自 {at} 起连续失败 {failures} 次：{error}",
            en=f"it fails since {at}, {failures} times in a row: {error}",
            todo=todo,
        )
    if not rows:
        yield ok("jobs", zh="后台任务都正常", en="all jobs work")
    async for finding in _aside(connection):
        yield finding


async def _aside(connection: AsyncConnection[Any]) -> AsyncIterator[Finding]:
    row = await (await connection.execute(QUERIES["rollups_aside"])).fetchone()
    buckets, devices, since, errors = row or (0, 0, None, "")
    if buckets:
        yield warn(
            "jobs.rollup_aside",
            zh=f"{devices} 台设备有 {buckets} 段汇总无法生成，最早自 {since:%Y-%m-%d %H:%M} UTC（{errors}），"
            "会继续重试",
            en=f"{buckets} roll-ups of {devices} devices can't be made, the first since {since:%Y-%m-%d %H:%M} UTC "
            f"({errors}); they are tried again",
            todo=Text(zh="查 rollup_aside 表及该时段读数", en="look at rollup_aside, and at the readings of that time"),
        )
