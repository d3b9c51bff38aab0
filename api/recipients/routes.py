"""Who is told of tickets."""

from functools import partial
from typing import Annotated

import psycopg
from fastapi import APIRouter, Path, Query, Response
from psycopg.rows import DictRow

from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, NamedId, Search
from api.people.dealers import dealer_for
from api.recipients.shapes import (
    NewRecipient,
    Recipient,
    RecipientChange,
    Telling,
    TestMessage,
    UntoldHospital,
)
from desk.telling import recipients as kept
from desk.telling.addresses import shown
from desk.telling.watch import PATIENCE_S, look
from people.places import find_org
from people.roles import Kind
from wire.times import ms_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["sites"])
_POST = (ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED)


@router.get("/recipients", responses=problems())
async def list_recipients(
    *,
    asked: Asked,
    words: InWords,
    q: Annotated[Search | None, Query(description="Part of the name, or of the hospital's or dealer's.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Recipient]:
    """Who is told of tickets. Addresses are secrets: only their kind is shown."""
    above = id_of(decode("recipients", after, ById))
    rows = await kept.recipients(asked.connection, part=q, above=above, limit=limit + 1)
    return page("recipients", rows, limit, item=partial(_recipient, words=words), key=lambda row: ById(row["id"]))


@router.get("/recipients/{id}", responses=problems(ProblemCode.NOT_FOUND))
async def get_recipient(
    id: Annotated[Id, Path()],  # noqa: A002
    asked: Asked,
    words: InWords,
    response: Response,
) -> Recipient:
    """One recipient, with what became of its last message; the ETag is `version` in quotes."""
    row = await kept.find_recipient(asked.connection, id)
    if row is None:
        raise not_found("recipient")
    response.headers["ETag"] = etag(row["version"])
    return _recipient(row, words)


@router.post("/recipients", status_code=201, responses=problems(*_POST, body=True))
async def add_recipient(body: NewRecipient, asked: Asked, words: InWords, response: Response) -> Recipient:
    """Have somebody told of tickets: of a dealer's, of one hospital or of all; a hospital's own people, of all tickets
    of the hospital, whoever serves its equipment."""
    owner, hospital = await _whose(asked, body)
    if not await kept.has_room(asked.connection, owner):
        raise Problem(ProblemCode.CONFLICT, f"There are {kept.MOST} already: change one that isn't needed any more.")
    row = await kept.add_recipient(
        asked.connection,
        owner=owner,
        org=hospital,
        name=body.name,
        address=body.address.get_secret_value(),
        language=body.language,
        active=body.active,
        heads=body.heads,
    )
    if row is None:
        raise _name_is_taken()
    await asked.audit(
        org=row["owner_id"],
        action="recipient-created",
        subject=f"recipient:{row['id']}",
        detail={"name": body.name, "address": shown(body.address.get_secret_value())},
    )
    response.headers["ETag"] = etag(row["version"])
    return _recipient(row, words)


@router.patch(
    "/recipients/{id}",
    responses=problems(
        ProblemCode.NOT_FOUND,
        ProblemCode.CONFLICT,
        ProblemCode.CHANGED_MEANWHILE,
        ProblemCode.IF_MATCH_MISSING,
        body=True,
    ),
)
async def change_recipient(
    id: Annotated[Id, Path()],  # noqa: A002
    body: RecipientChange,
    asked: Asked,
    words: InWords,
    response: Response,
    if_match: IfMatch = None,
) -> Recipient:
    """Change a recipient; the ETag is `version` in quotes."""
    before = await kept.find_recipient(asked.connection, id)
    if before is None:
        raise not_found("recipient")
    require_match(if_match, before["version"])
    address = None if body.address is None else body.address.get_secret_value()
    try:
        async with asked.connection.transaction():
            row = await kept.change_recipient(
                asked.connection,
                id,
                version=before["version"],
                name=body.name,
                address=address,
                language=body.language,
                active=body.active,
                heads=body.heads,
            )
    except psycopg.errors.UniqueViolation:
        raise _name_is_taken() from None
    if row is None:
        raise changed_meanwhile()
    await asked.audit(
        org=row["owner_id"],
        action="recipient-changed",
        subject=f"recipient:{id}",
        detail={"changed": ", ".join(sorted(body.model_fields_set))},
    )
    response.headers["ETag"] = etag(row["version"])
    return _recipient(row, words)


async def _whose(asked: Session, body: NewRecipient) -> tuple[int, int | None]:
    """Whose a new one is, and of which hospital's tickets alone it is told."""
    own = asked.account.org
    if asked.account.role.kind is Kind.HOSPITAL:
        if body.dealer is not None or body.hospital not in {None, own}:
            raise invalid("body.hospital", "A hospital's recipients are told of its own tickets: leave both out.")
        return own, None
    if body.hospital is not None and await find_org(asked.connection, body.hospital, Kind.HOSPITAL) is None:
        raise invalid("body.hospital", "There is no such hospital: GET /api/v1/sites names them.")
    return await dealer_for(asked, body.dealer), body.hospital


def _name_is_taken() -> Problem:
    return Problem(ProblemCode.CONFLICT, "There is a recipient of this name already.", where="body.name")


@router.post("/recipients/{id}/test", status_code=202, responses=problems(ProblemCode.NOT_FOUND, *_POST))
async def send_test(
    id: Annotated[Id, Path()],  # noqa: A002
    asked: Asked,
    words: InWords,
) -> Recipient:
    """Have a test message sent to a recipient, active or not; GET /recipients shows what became of it.

    It is sent by the process and on the way of tickets' messages. Asked again while it waits, it is sent once.
    """
    row = await kept.test_recipient(asked.connection, id, now=asked.now)
    if row is None:
        raise not_found("recipient")
    await asked.audit(org=row["owner_id"], action="recipient-tested", subject=f"recipient:{id}")
    return _recipient(row, words)


@router.get("/telling", responses=problems())
async def get_telling(asked: Asked) -> Telling:
    """Whether people are told of tickets: the hospitals of which nobody is told, and how long messages wait."""
    seen = await look(asked.connection, ms_of(asked.now))
    return Telling(
        untold=[
            UntoldHospital(hospital=NamedId(id=each.id, name=each.name), why=each.why, since=each.since)
            for each in seen.untold
        ],
        overdue_s=round(seen.waits_s) if seen.waits_s > PATIENCE_S else None,
    )


def _recipient(row: DictRow, words: Reader) -> Recipient:
    dealers = row["owner_kind"] == Kind.DEALER
    return Recipient(
        id=row["id"],
        name=row["name"],
        dealer=row["owner_id"] if dealers else None,
        hospital=row["org_id"] if dealers else row["owner_id"],
        address=shown(row["address"]),
        language=row["language"],
        active=row["active"],
        heads=row["heads"],
        told_at=row["told_at"],
        failing_since=row["failing_since"],
        error=words.words(row["error"], row["error_params"]) if row["error"] else "",
        test=None if row["test_state"] is None else TestMessage(state=row["test_state"], at=row["test_at"]),
        version=row["version"],
    )
