"""The audit log: its chains, and whether they are whole."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from psycopg.rows import DictRow

from api.audit.shapes import AuditEntry, AuditFault, AuditHead, AuditVerification, SignedHead
from api.http.context import Asked
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import invalid
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Moment, Search
from people.audit.chain import GENESIS, STEP, Sought, chain_of, page_of, read_links
from people.audit.heads import signed_head
from people.audit.walk import Walk, own_head

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["audit"])


async def _whose(
    asked: Asked,
    org: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="The chain of this organisation; none: one's own.")
    ] = None,
    former: Annotated[
        bool, Query(description="The closed chain of the provider, of before there were dealers: for the operator.")
    ] = False,
) -> int | None:
    return None if former else asked.account.org if org is None else org


Whose = Annotated[int | None, Depends(_whose)]
"""Of which chain; None: the closed one."""


async def _sought(
    actor: Annotated[Search | None, Query(description="Done by exactly this account or device.")] = None,
    action: Annotated[Search | None, Query(description="Exactly this, such as `role-changed`.")] = None,
    q: Annotated[Search | None, Query(description="Part of the subject, or of who did it.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="From this time on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time.")] = None,
) -> Sought:
    return Sought(actor=actor, action=action, part=q, since=since, until=until)


@router.get("/audit", responses=problems())
async def list_audit(
    *,
    asked: Asked,
    org: Whose,
    sought: Annotated[Sought, Depends(_sought)],
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[AuditEntry]:
    """Who did what, the latest first: one chain. Without a filter it is whole, so that who reads it can verify it by
    himself."""
    below = id_of(decode("audit", after, ById))
    rows = await page_of(asked.connection, org, sought, below=below, limit=limit + 1)
    return page("audit", rows, limit, item=_entry, key=lambda row: ById(row["position"]))


@router.get("/audit/head", responses=problems())
async def get_audit_head(*, asked: Asked, org: Whose) -> AuditHead:
    """How far a chain is: keep it, and a later look shows whether anything before was cut off or rewritten.

    `signed` is the head that was signed last, once a day, by a key that the database's owner doesn't hold.
    """
    chain = await chain_of(asked.connection, org)
    if chain is None:
        return AuditHead(chain=None, org=org, entries=0, hash=GENESIS.hex(), signed=None)
    head = signed_head(chain)
    signed = None if head is None else SignedHead(**msgspec.structs.asdict(head))
    return AuditHead(chain=chain.id, org=chain.org, entries=chain.entries, hash=chain.head.hex(), signed=signed)


@router.get("/audit/verification", responses=problems())
async def verify_audit(
    *,
    asked: Asked,
    org: Whose,
    behind: Annotated[
        int, Query(ge=0, le=2**62, description="Begin behind this entry, which is taken to be good.")
    ] = 0,
) -> AuditVerification:
    """Verify that entries of a chain follow one another: some thousand at a time, go on with `?behind=` `next`.

    The server's word. Who doesn't want to take it reads GET /audit and computes the same; who wants to know of what was
    cut off or rewritten as a whole compares with the heads that he kept.
    """
    chain = await chain_of(asked.connection, org)
    entries = 0 if chain is None else chain.entries
    if behind > entries:
        raise invalid("query.behind", f"The chain has {entries} entries: begin behind one of them, or behind 0.")
    walk, broken = Walk(org=org, heads={}), None
    if chain is not None:
        links = [link async for link in read_links(asked.connection, chain.id, behind=max(behind - 1, 0), most=STEP)]
        anchor = links.pop(0).hash if behind and links else GENESIS
        walk = Walk(org=org, heads=own_head(chain), behind=behind, previous=anchor)
        broken = next((fault for link in links if (fault := walk.step(link))), None)
        if broken is None and len(links) < STEP - 1:
            broken = walk.end()
    return AuditVerification(
        whole=broken is None,
        behind=behind,
        verified=walk.position,
        entries=entries,
        broken=None if broken is None else AuditFault(position=broken.position, id=broken.id, fault=broken.fault.value),
        next=walk.position if broken is None and walk.position < entries else None,
    )


def _entry(row: DictRow) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        position=row["position"],
        org=row["org_id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
        previous=bytes(row["previous"]).hex(),
        hash=bytes(row["hash"]).hex(),
    )
