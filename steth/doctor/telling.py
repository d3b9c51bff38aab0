"""Whether anybody is told: hospitals without a recipient that can be reached, how each recipient fails, what waits."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from agent.show.findings import Finding, fail, ok, warn
from catalog.load import load
from catalog.messages import render
from catalog.model import Catalog, Text
from desk.telling.addresses import shown
from desk.telling.watch import PATIENCE_S, Watch, look
from steth.doctor.statements import QUERIES
from wire.times import ms_of

MOST: Final = 10
"""Lines of each kind."""
_TEST: Final = Text(
    zh="更正地址后发测试通知：POST /api/v1/recipients/{id}/test（见 docs/telling.md）",
    en="correct the address, then send a test: POST /api/v1/recipients/{id}/test (docs/telling.md)",
)


async def check_telling(connection: AsyncConnection[Any], now: datetime) -> list[Finding]:
    """Look, as steth_jobs or steth_owner."""
    watch = await look(connection, ms_of(now))
    failing = await (await connection.execute(QUERIES["recipients_failing"])).fetchall()
    [outbox] = await (await connection.execute(QUERIES["outbox"])).fetchall()
    return [_outbox(*outbox), *judge_telling(watch, failing, load(), now)]


def _outbox(waiting: int, longest_s: float, given_up: int) -> Finding:
    """What waits, for how long at the longest, and what was given up within a day."""
    if waiting and longest_s > PATIENCE_S:
        return warn(
            "telling.outbox",
            zh=f"{waiting} 条通知未发出，最早的已等 {longest_s:.0f} s",
            en=f"{waiting} messages to people wait, the oldest for {longest_s:.0f} s",
            todo=Text(zh="检查 steth jobs 及出网", en="see that `steth jobs` runs and may reach the recipients"),
        )
    if given_up:
        return warn(
            "telling.outbox",
            zh=f"一天内 {given_up} 条通知最终未能送达",
            en=f"{given_up} messages to people were given up within a day",
            todo=Text(zh="核对收件人地址", en="check the recipients' addresses: GET /api/v1/recipients"),
        )
    return ok("telling.outbox", zh="通知无积压", en="no messages to people are overdue")


def judge_telling(watch: Watch, failing: list[tuple[Any, ...]], catalog: Catalog, now: datetime) -> Iterator[Finding]:
    """`failing`: id, name, address, since, error and its parameters of each recipient that fails.

    That nobody is to be told is how somebody set it up, or has yet to: a warning. That people are to be told and none
    can be reached is broken.
    """
    for each in watch.untold[:MOST]:
        nobody = each.why == "no-recipient"
        yield (warn if nobody else fail)(
            "telling.nobody",
            zh=f"{each.dealer} 无人收到 {each.name} 的工单通知："
            + ("没有启用的收件人" if nobody else "收件人都联系不上"),
            en=f"nobody of {each.dealer} is told of the tickets of {each.name}: "
            + ("it has no active recipient" if nobody else "none of its recipients can be reached"),
            todo=Text(
                zh="添加收件人：POST /api/v1/recipients（见 docs/telling.md）",
                en="add a recipient: POST /api/v1/recipients (docs/telling.md)",
            )
            if nobody
            else _TEST,
        )
    if len(watch.untold) > MOST:
        more = len(watch.untold) - MOST
        failed = any(each.why == "failing" for each in watch.untold[MOST:])
        yield (fail if failed else warn)(
            "telling.nobody",
            zh=f"另有 {more} 家医院也没有人收到通知",
            en=f"and of {more} more hospitals",
            todo=Text(zh="见 GET /api/v1/telling", en="see GET /api/v1/telling"),
        )
    if not watch.untold:
        yield ok("telling.nobody", zh="每家医院的工单都有人收到通知", en="somebody is told of each hospital's tickets")
    for id_, name, address, since, error, params in failing[:MOST]:
        minutes = round((now - since).total_seconds() / 60)
        why = {lang: render(error, params, lang, catalog) for lang in ("zh", "en")}
        yield warn(
            "telling.failing",
            zh=f"通知不到 {name}（{shown(address)}，编号 {id_}）已 {minutes} 分钟：{why['zh']}",
            en=f"{name} ({shown(address)}, id {id_}) can't be told since {minutes} min: {why['en']}",
            todo=_TEST,
        )
