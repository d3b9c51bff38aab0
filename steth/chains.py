"""Chains of the audit log in a database or a file, verified in themselves and against signed heads."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg

from agent.show.findings import Finding, fail, ok
from catalog.model import Text
from people.audit.chain import Chain, Link, link_of, read_chains, read_links
from people.audit.heads import (
    Head,
    HeadError,
    Signer,
    by_position,
    check_heads,
    latest,
    read_heads,
    read_key,
    read_public,
    signed_head,
)
from people.audit.walk import Broken, Fault, Walk, own_head
from people.roles import OPERATOR
from steth.settings import Settings, SettingsError
from store.pool import EVERY_ORG, Connection

_SAID: Final[Mapping[Fault, Text]] = MappingProxyType(
    {
        Fault.CHANGED: Text(zh="内容与写入时不符", en="it isn't what was written"),
        Fault.UNLINKED: Text(
            zh="与前一条不相接：其间有条目被删除、插入或调换",
            en="it doesn't follow the one before: something was removed, put in or moved",
        ),
        Fault.FOREIGN: Text(zh="属于其他机构", en="it is another organisation's"),
        Fault.REWRITTEN: Text(
            zh="与签过名的链头不符：此前的条目被整体重写",
            en="a head was signed of another one: all before was written anew",
        ),
        Fault.CUT: Text(zh="从此条起缺失：末尾被截断", en="it is missing, and what followed: the end was cut off"),
    }
)
WHAT_TO_DO: Final = Text(
    zh="什么都不要改：保全数据库和链头文件，见 docs/deploy.md“When the audit log doesn't verify”",
    en="change nothing, keep the database and the heads as they are: docs/deploy.md, When the audit log doesn't verify",
)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found of a chain. `behind`: from where it was walked; `position`, `hash`: how far all is well."""

    chain: Chain
    behind: int
    position: int
    hash: bytes
    broken: Broken | None
    heads: int


async def connect(settings: Settings) -> Connection:
    """A connection that sees every chain. Raises SettingsError where no address is given, and psycopg.Error."""
    dsn = settings.dsn_jobs or settings.dsn_api or settings.dsn_owner
    if not dsn:
        raise SettingsError("give STETH_DSN_JOBS, STETH_DSN_API or STETH_DSN_OWNER, or one in the --config file")
    return await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        connect_timeout=10,
        application_name="steth-audit",
        options=f"-c timezone=UTC -c steth.org={EVERY_ORG}",
    )


def load_heads(files: Iterable[Path], *, key: str, public: Iterable[Path] = ()) -> list[Head]:
    """The heads of files, every signature checked. `key`: the setting audit_key, or "". Raises HeadError."""
    keys = [read_public(path) for path in public]
    if key:
        keys.append(read_key(Path(key)).public)
    placed = [head for path in files for head in _read(path)]
    check_heads(placed, keys)
    return [head for _, head in placed]


def kept_heads(settings: Settings) -> list[Head]:
    """The heads of the file that the settings name; none where there is no file yet. Raises HeadError.

    The signature of each chain's last one is checked, on which all that follows rests: a file of years has many.
    """
    placed = [head for path in kept_files(settings) for head in _read(path)]
    if placed:
        last = {head.chain: (place, head) for place, head in placed}
        check_heads(last.values(), [read_key(Path(settings.audit_key)).public])
    return [head for _, head in placed]


def kept_files(settings: Settings) -> list[Path]:
    """The file of heads that the settings name, if there is one yet. Raises HeadError."""
    path = Path(settings.audit_heads)
    try:
        return [path] if settings.audit_heads and path.exists() else []
    except OSError as error:
        raise HeadError(f"{path} can't be read: {error.strerror}") from None


def _read(path: Path) -> Iterator[tuple[str, Head]]:
    try:
        with path.open("rb") as lines:
            yield from read_heads(lines, where=str(path))
    except OSError as error:
        raise HeadError(f"{path} can't be read: {error.strerror}") from None


def check_kept(settings: Settings, chains: Iterable[Chain], heads: Iterable[Head]) -> None:
    """Raises HeadError where the database remembers a head of today's key that the file lacks: who takes heads away
    needs both. A new file begins with a new key."""
    if not settings.audit_key:
        return
    key, last = read_key(Path(settings.audit_key)).id, latest(heads)
    for chain in chains:
        told, kept = signed_head(chain), last.get(chain.id)
        if told is not None and told.key == key and told.entries > (0 if kept is None else kept.entries):
            raise HeadError(
                f"{settings.audit_heads}: a head of chain {chain.id} was signed at {told.at} and isn't in it: "
                "bring the file back; a new file begins with a new key"
            )


async def verify_chain(
    connection: Connection, chain: Chain, heads: Mapping[int, set[str]], *, behind: int = 0
) -> Verified:
    """Walk a chain to its end. `behind`: only what follows this entry, which has to be that of its head, if one was
    signed there."""
    held = {place: hashes for place, hashes in heads.items() if place >= behind}
    walk = Walk(org=chain.org, heads=_joined(held, own_head(chain)))
    broken = None
    if behind:
        anchor = [link async for link in read_links(connection, chain.id, behind=behind - 1, most=1)]
        if not anchor or anchor[0].position != behind:
            broken = Broken(position=behind, id=None, fault=Fault.CUT)
        elif held.get(behind, set()) - {anchor[0].hash.hex()}:
            broken = Broken(position=behind, id=anchor[0].id, fault=Fault.REWRITTEN)
        elif anchor[0].entry.org != chain.org:
            broken = Broken(position=behind, id=anchor[0].id, fault=Fault.FOREIGN)
        else:
            walk = Walk(org=chain.org, heads=_joined(held, own_head(chain)), behind=behind, previous=anchor[0].hash)
    if broken is None:
        async for link in read_links(connection, chain.id, behind=behind):
            if broken := walk.step(link):
                break
        else:
            broken = walk.end()
    return Verified(chain=chain, behind=behind, position=walk.position, hash=walk.hash, broken=broken, heads=len(held))


async def verify_all(connection: Connection, heads: Iterable[Head]) -> AsyncIterator[Verified]:
    """Every chain from its first entry; those too that there are only heads of."""
    orgs = {head.chain: head.org for head in heads}
    kept = by_position(heads)
    chains = {chain.id: chain for chain in await read_chains(connection)}
    for chain in chains.values():
        yield await verify_chain(connection, chain, kept.get(chain.id, {}))
    for id_ in sorted(orgs.keys() - chains.keys()):
        yield gone(id_, orgs[id_])


def gone(id_: int, org: int | None) -> Verified:
    """A chain that a head was signed of and that isn't there."""
    chain = Chain(id=id_, org=org, entries=0, head=b"", signed=None)
    broken = Broken(position=1, id=None, fault=Fault.CUT)
    return Verified(chain=chain, behind=0, position=0, hash=b"", broken=broken, heads=0)


def signed(found: Verified, signer: Signer, at: datetime) -> Head:
    """The head of what was verified, which may be less than is there by now."""
    return signer.sign(replace(found.chain, entries=found.position, head=found.hash), at=at)


def verify_file(path: Path, heads: Iterable[Head]) -> Verified:
    """A chain as GET /audit gives it: a page or an entry a line, in any order. Raises HeadError for what is neither."""
    try:
        links = sorted(_entries(path), key=lambda link: link.position)
    except OSError as error:
        raise HeadError(f"{path} can't be read: {error.strerror}") from None
    if not links:
        raise HeadError(f"{path}: there is no entry in it")
    org = links[0].entry.org
    kept: dict[int, set[str]] = {}
    for head in heads:
        if head.org == org:
            kept.setdefault(head.entries, set()).add(head.hash)
    walk = Walk(org=org, heads=kept)
    broken = next((fault for link in links if (fault := walk.step(link))), None) or walk.end()
    chain = Chain(id=0, org=org, entries=len(links), head=links[-1].hash, signed=None)
    return Verified(chain=chain, behind=0, position=walk.position, hash=walk.hash, broken=broken, heads=len(kept))


def finding_of(found: Verified) -> Finding:
    """What was found, in words."""
    org = found.chain.org
    whose, check = Text(zh=f"机构 {org} 的链", en=f"the chain of organisation {org}"), f"audit.{org}"
    if org is None:
        whose, check = Text(zh="以前服务方的链（已封存）", en="the former provider's closed chain"), "audit.former"
    elif org == OPERATOR:
        whose, check = Text(zh="平台的链", en="the operator's chain"), "audit.own"
    if found.broken is None:
        since = Text(zh=f"第 {found.behind} 条之后，", en=f"behind entry {found.behind}: ")
        from_ = since if found.behind else Text(zh="", en="")
        return ok(
            check,
            zh=f"{whose.zh}：{from_.zh}共 {found.position} 条，完整，与 {found.heads} 个签名链头相符，"
            f"链头 {found.hash.hex()}",
            en=f"{whose.en}: {from_.en}{found.position} entries, whole, {found.heads} signed heads hold, "
            f"head {found.hash.hex()}",
        )
    broken, why = found.broken, _SAID[found.broken.fault]
    number = "" if broken.id is None else f" (id {broken.id})"
    return fail(
        check,
        zh=f"{whose.zh}在第 {broken.position} 条{number} 断开：{why.zh}；此前各条相接",
        en=f"{whose.en} breaks at entry {broken.position}{number}: {why.en}; all before fit",
        todo=WHAT_TO_DO,
    )


def _joined(some: Mapping[int, set[str]], more: Mapping[int, set[str]]) -> dict[int, set[str]]:
    return {place: some.get(place, set()) | more.get(place, set()) for place in some.keys() | more.keys()}


def _entries(path: Path) -> Iterator[Link]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                told: dict[str, Any] = json.loads(line)
                for each in told.get("items", [told]):
                    yield link_of(
                        {
                            **each,
                            "position": int(each["position"]),
                            "org_id": each["org"],
                            "at": datetime.fromisoformat(each["at"]),
                            "previous": bytes.fromhex(each["previous"]),
                            "hash": bytes.fromhex(each["hash"]),
                        }
                    )
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise HeadError(f"{path}:{number}: this is no entry, nor a page, of GET /api/v1/audit") from None
