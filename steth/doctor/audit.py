"""The audit log: whether what is new of it verifies, and whether signed heads cover it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import psycopg

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from people.audit.chain import Chain, read_chains
from people.audit.heads import Head, HeadError, by_position, latest, signed_head
from steth.chains import WHAT_TO_DO, check_kept, connect, finding_of, gone, kept_heads, verify_chain
from steth.jobs.heads import uncovered_s
from steth.settings import Settings, SettingsError

MOST: Final = 20_000
"""Entries walked in all: some seconds. The whole is `steth audit verify`'s."""
RECENT: Final = 1_000
"""Entries of a chain without a head."""
LATE: Final = timedelta(days=2)
_SET_UP: Final = Text(
    zh="设置 audit_key 和 audit_heads，见 docs/deploy.md“The audit log”",
    en="set audit_key and audit_heads: docs/deploy.md, The audit log",
)


async def check_audit(settings: Settings, now: datetime) -> AsyncIterator[Finding]:
    """Look, as whoever may read the audit log."""
    try:
        async for finding in _look(settings, now):
            yield finding
    except psycopg.Error as error:  # of an entry that can't be read too: a time of no calendar
        said = f"{type(error).__name__} {error.sqlstate or ''}".strip()
        yield fail(
            "audit.chains", zh=f"审计日志无法读取：{said}", en=f"the audit log can't be read: {said}", todo=WHAT_TO_DO
        )


async def _look(settings: Settings, now: datetime) -> AsyncIterator[Finding]:
    try:
        connection = await connect(settings)
    except (SettingsError, psycopg.Error):  # which the database's checks say
        return
    async with connection:
        chains = await read_chains(connection)
        try:
            heads = kept_heads(settings)
            check_kept(settings, chains, heads)
        except HeadError as error:
            todo = Text(
                zh="查明是谁改动了它，恢复留存的副本", en="find out who changed it, and bring back what was kept"
            )
            yield fail("audit.heads", zh=f"链头文件有问题：{error}", en=f"the heads can't be used: {error}", todo=todo)
            return
        last, kept = latest(heads), by_position(heads)
        found = [gone(id_, last[id_].org) for id_ in sorted(last.keys() - {chain.id for chain in chains})]
        left = MOST
        for chain in chains:
            behind = _begin(chain, last.get(chain.id))
            if chain.entries - behind <= left:
                left -= max(chain.entries - behind, 0)
                found.append(await verify_chain(connection, chain, kept.get(chain.id, {}), behind=behind))
        broken = [one for one in found if one.broken is not None]
        for one in broken:
            yield finding_of(one)
        if not broken:
            walked = sum(one.position - one.behind for one in found)
            yield ok(
                "audit.chains",
                zh=f"{len(found)}/{len(chains)} 条审计链最近的 {walked} 条相接；全部由 steth audit verify 验证",
                en=f"the last {walked} entries of {len(found)} of {len(chains)} chains fit; "
                "`steth audit verify` walks all",
            )
        told = last if settings.audit_key else _told(chains)
        yield judge_heads(settings, told, await uncovered_s(connection, chains, told, now))


def _begin(chain: Chain, head: Head | None) -> int:
    return max(chain.entries - RECENT, 0) if head is None else head.entries


def _told(chains: list[Chain]) -> dict[int, Head]:
    """What the database says of heads, where another process has the key."""
    return {chain.id: head for chain in chains if (head := signed_head(chain)) is not None}


def judge_heads(settings: Settings, heads: Mapping[int, Head], uncovered: float) -> Finding:
    """`heads`: the last of each chain; `uncovered`: the age in seconds of the oldest entry that none covers."""
    hours = round(uncovered / 3600)
    if not settings.audit_key and not heads:
        return warn(
            "audit.heads",
            zh="没有签名的链头：数据库的所有者改写审计日志时无人能发现",
            en="no heads are signed: whoever owns the database could rewrite the audit log, and nobody would know",
            todo=_SET_UP,
        )
    if uncovered > LATE.total_seconds():
        return warn(
            "audit.heads",
            zh=f"最早 {hours} 小时前的审计条目还没有签名的链头",
            en=f"no signed head covers entries of the audit log since {hours} h",
            todo=Text(zh="查看 steth jobs 的任务 heads", en="look at the job heads of `steth jobs`"),
        )
    return ok(
        "audit.heads",
        zh=f"{len(heads)} 条链有签名的链头，其后的条目在 {hours} 小时内",
        en=f"{len(heads)} chains have a signed head; what it doesn't cover yet is of the last {hours} h",
    )
