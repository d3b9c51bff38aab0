"""Whether the database is a restored copy and who was not heard since; alerts and tickets that drifted apart."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from psycopg import AsyncConnection

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from desk.tickets.drift import Drift, find_drift
from steth.doctor.statements import QUERIES

NAMED: Final = 10
"""Devices that are named; a fleet may have thousands."""
RECENT: Final = timedelta(days=7)
HOW: Final = {
    "dump": Text(zh="由转储恢复", en="restored from a dump"),
    "timeline": Text(zh="由备份恢复到某时刻，或备库切换", en="brought to a point in time, or a replica took over"),
    "gaps": Text(zh="被放回较早的状态", en="put back to an older state"),
}


class Copy(Struct, frozen=True, kw_only=True):
    """A restore: when and how it was noticed, the newest report that the copy knew, and which devices have not been
    heard since, or lost live reports."""

    restored_at: datetime
    how: str
    known_until: datetime | None
    now: datetime
    unheard: list[str]
    lost: list[str]


async def check_installation(connection: AsyncConnection[Any]) -> list[Finding]:
    """Look, as steth_jobs or steth_owner."""
    row = await (await connection.execute(QUERIES["copy"])).fetchone()
    fields = ("restored_at", "how", "known_until", "now", "unheard", "lost")
    copy = None if row is None else Copy(**dict(zip(fields, row, strict=True)))
    return [*judge_copy(copy), *judge_drift(await find_drift(connection))]


def judge_copy(copy: Copy | None) -> Iterator[Finding]:
    """What is to be said of a restore: for a week, and as long as a device has not been heard since."""
    if copy is None or (not copy.unheard and copy.now - copy.restored_at > RECENT):
        yield ok("database.copy", zh="近期未被恢复过", en="it was not restored lately")
        return
    at, until = f"{copy.restored_at:%Y-%m-%d %H:%M} UTC", "—"
    if copy.known_until is not None:
        until = f"{copy.known_until:%Y-%m-%d %H:%M} UTC"
    how = HOW[copy.how]
    yield warn(
        "database.copy",
        zh=f"数据库{how.zh}（{at} 发现；恢复的数据止于 {until}）；其间数据丢失的设备：{_names(copy.lost, '无')}",
        en=f"the database was {how.en} (noticed {at}; what it knew ends {until}); devices that lost reports of"
        f" between: {_names(copy.lost, 'none')}",
        todo=Text(
            zh="其间开出的工单、受理和备注已不在库中：请与相关人员核对",
            en="tickets, acknowledgements and notes of between are gone: go through them with those who worked then",
        ),
    )
    if copy.unheard:
        yield warn(
            "database.copy.unheard",
            zh=f"恢复后尚未上报的设备：{_names(copy.unheard, '')}；其未消除的报警是否仍在未知",
            en=f"not heard since: {_names(copy.unheard, '')}; nobody knows whether their alerts last",
            todo=Text(
                zh="在其工作站上运行 steth agent doctor", en="run `steth agent doctor CONFIG` on their workstations"
            ),
        )


def judge_drift(drift: Drift) -> Iterator[Finding]:
    """Alerts and tickets that disagree. That an alert outlasts its ticket was a person's decision."""
    if drift.lasting:
        since = "—" if drift.lasting_since is None else f"{drift.lasting_since:%Y-%m-%d %H:%M} UTC"
        yield warn(
            "pipeline.lasting",
            zh=f"{drift.lasting} 条报警未恢复而工单已关闭，最早自 {since}",
            en=f"{drift.lasting} alerts last though their tickets were closed, the first since {since}",
            todo=Text(
                zh="再次发生时会重新开单；如设备已停用，请在系统中停用",
                en="the next occurrence opens another; retire the device if it is not in use",
            ),
        )
    if drift.apart:
        yield fail(
            "pipeline.tickets",
            zh=f"{len(drift.apart)} 张工单与其报警不一致：{_names(drift.apart, '')}",
            en=f"{len(drift.apart)} tickets say other things than their alerts: {_names(drift.apart, '')}",
            todo=Text(
                zh="请报告此问题，并附 ingest 日志", en="report it with the log of ingest; go by the alerts meanwhile"
            ),
        )
    if drift.astray:
        yield fail(
            "pipeline.dealers",
            zh=f"{len(drift.astray)} 条工单、报警或通知不属于现任服务商：{_names(drift.astray, '')}",
            en=f"{len(drift.astray)} tickets, alerts or messages aren't the serving dealer's: "
            f"{_names(drift.astray, '')}",
            todo=Text(
                zh="请报告此问题，并附 steth jobs 日志", en="report it with the log of `steth jobs`, job service"
            ),
        )
    if not (drift.lasting or drift.apart or drift.astray):
        yield ok("pipeline.tickets", zh="工单与报警一致", en="tickets and alerts agree")


def _names(names: list[str], none: str) -> str:
    more = "" if len(names) <= NAMED else f" … +{len(names) - NAMED}"
    return (", ".join(names[:NAMED]) or none) + more
