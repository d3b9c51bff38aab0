"""The pipeline, from what it leaves in the database: partitions owned, clocks advancing, marks, what lies aside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from steth.doctor.statements import QUERIES
from wire.ids import PARTITIONS

MARK_WARN_S: Final = 300.0
JUDGE_FAIL_S: Final = 3600.0
_INGEST: Final = Text(zh="检查 steth ingest 是否运行及其日志", en="see that `steth ingest` runs, and read its log")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look into the database showed; ages in seconds."""

    unowned: int
    clocks: Mapping[str, int]
    devices: int
    mark_s: float | None
    unheard: int
    dead: int
    dead_before: int
    dead_codes: str
    to_judge: int
    to_judge_s: float


async def look(connection: AsyncConnection[Any]) -> Seen:
    """Look, as steth_ingest or steth_owner."""
    row = await (await connection.execute(QUERIES["pipeline"])).fetchone()
    assert row is not None  # noqa: S101 - no FROM
    names = Seen.__dataclass_fields__
    values = dict(zip(names, row, strict=True))
    return Seen(**{**values, "dead_codes": values["dead_codes"] or ""})


def judge_pipeline(first: Seen, last: Seen) -> Iterator[Finding]:
    """What two looks some seconds apart say. A clock that stands is seen only by looking twice."""
    yield _partitions(last)
    if last.unowned < PARTITIONS:
        yield _clocks(first, last)
    yield from _marks(last)
    yield from _letters(last)
    yield _to_judge(last)


def _partitions(seen: Seen) -> Finding:
    if seen.unowned:
        return fail(
            "pipeline.partitions",
            zh=f"16 个分区中有 {seen.unowned} 个无人接收",
            en=f"nobody takes {seen.unowned} of the 16 partitions",
            todo=_INGEST,
        )
    return ok("pipeline.partitions", zh="16 个分区都有接收进程", en="all 16 partitions are owned")


def _clocks(first: Seen, last: Seen) -> Finding:
    standing = sorted(int(id_) for id_, clock in last.clocks.items() if first.clocks.get(id_) == clock)
    if standing:
        return fail(
            "pipeline.clock",
            zh=f"分区 {standing} 的时钟不走：探测消息未从消息服务器返回",
            en=f"the clocks of partitions {standing} stand: probes don't come back from the broker",
            todo=Text(
                zh="检查消息服务器及 steth ingest 与它的连接",
                en="check the broker, and the way from `steth ingest` to it",
            ),
        )
    return ok("pipeline.clock", zh="各分区时钟在走", en="the clocks of the partitions advance")


def _marks(seen: Seen) -> Iterator[Finding]:
    if seen.devices == 0:
        yield ok("pipeline.marks", zh="还没有设备", en="there are no devices yet")
        return
    age = "—" if seen.mark_s is None else f"{seen.mark_s:.0f} s"
    said = {"zh": f"最新一份报告在 {age} 前入库", "en": f"the newest report was committed {age} ago"}
    if seen.mark_s is None or seen.mark_s > MARK_WARN_S:
        todo = Text(
            zh="检查设备端代理能否连上消息服务器", en="see whether the agents reach the broker: steth agent doctor"
        )
        yield warn("pipeline.marks", **said, todo=todo)
    else:
        yield ok("pipeline.marks", **said)
    if seen.unheard:
        yield warn(
            "pipeline.silent",
            zh=f"{seen.devices} 台设备中 {seen.unheard} 台一小时内没有报告",
            en=f"{seen.unheard} of {seen.devices} devices did not report within the hour",
            todo=Text(
                zh="在其工作站上运行 steth agent doctor", en="run `steth agent doctor CONFIG` on their workstations"
            ),
        )


def _letters(seen: Seen) -> Iterator[Finding]:
    if not seen.dead:
        yield ok("pipeline.dead_letters", zh="一小时内没有死信", en="no dead letters within the hour")
        return
    growing = seen.dead > seen.dead_before
    yield warn(
        "pipeline.dead_letters",
        zh=f"一小时内 {seen.dead} 份死信（前一小时 {seen.dead_before}）：{seen.dead_codes}",
        en=f"{seen.dead} dead letters within the hour ({seen.dead_before} in the one before): {seen.dead_codes}"
        + (", growing" if growing else ""),
        todo=Text(
            zh="查 dead_letter 表的 code、place、excerpt：多为设备端版本或格式问题",
            en="see code, place, excerpt in dead_letter: mostly a maker's format, or an agent newer than this server",
        ),
    )


def _to_judge(seen: Seen) -> Finding:
    said = {
        "zh": f"{seen.to_judge} 份报告待重新判断，最早 {seen.to_judge_s:.0f} s 前",
        "en": f"{seen.to_judge} reports wait to be judged again, the oldest for {seen.to_judge_s:.0f} s",
    }
    todo = Text(zh="查 ingest 日志中的 device_not_judged", en="read device_not_judged in ingest's log: error and where")
    if seen.to_judge and seen.to_judge_s > JUDGE_FAIL_S:
        return fail("pipeline.to_judge", **said, todo=todo)
    if seen.to_judge:
        return warn("pipeline.to_judge", **said, todo=todo)
    return ok("pipeline.to_judge", zh="没有待重新判断的报告", en="nothing waits to be judged again")
