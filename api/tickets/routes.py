"""Tickets."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from api.http.conditions import IfMatch, changed_meanwhile, etag, require_match
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, invalid, not_found, of_another_time
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, of_row
from api.tickets.read import find_ticket, read_case, read_tickets
from api.tickets.shapes import Ticket, TicketDetail, TicketEvidence, Transition
from api.tickets.words import detail, exhibit, rendered
from catalog.model import Severity
from desk.errors import TicketConflictError, TicketNotFoundError, TicketRefusedError
from desk.tickets.evidence import read_evidence, read_exhibit
from desk.tickets.operate import transition
from desk.tickets.status import Status
from wire.times import ms_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["tickets"])
MAX_EVIDENCE: Final = 1000
Number = Annotated[
    str,
    Path(
        pattern=r"^[A-Z]{2,6}[0-9]{8}-[0-9]{3,14}$",
        description="What one says on the phone.",
        examples=["WX20261122-007"],
    ),
]


@router.get("/tickets", responses=problems())
async def list_tickets(
    *,
    asked: Asked,
    words: InWords,
    state: Annotated[Literal["open", "closed"] | None, Query(description="Open, or closed.")] = None,
    status: Annotated[Status | None, Query(description="In this status only.")] = None,
    device: Annotated[
        str | None, Query(max_length=40, pattern=r"^[a-z0-9\-]+$", description="Of this device only.")
    ] = None,
    family: Annotated[
        str | None, Query(max_length=64, pattern=r"^[a-z0-9_.\-]+$", description="Of this fault family.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Of this severity only.")] = None,
    hospital: Annotated[Id | None, Query(description="Of this hospital only.")] = None,
    site: Annotated[Id | None, Query(description="Of this site only.")] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Page[Ticket]:
    """Tickets, the latest opened first."""
    rows = await read_tickets(
        asked.connection,
        device=device,
        family=family,
        severity=severity,
        hospital=asked.hospital(hospital),
        dealer=asked.dealer(device),
        site=site,
        status=status,
        open=None if state is None else state == "open",
        below=id_of(decode("tickets", after, ById)),
        limit=limit + 1,
    )
    return page(
        "tickets",
        rows,
        limit,
        item=lambda row: of_row(Ticket, row, **rendered(words, row)),
        key=lambda row: ById(row["id"]),
    )


@router.get("/tickets/{number}", responses=problems(ProblemCode.NOT_FOUND))
async def get_ticket(number: Number, asked: Asked, words: InWords, response: Response) -> TicketDetail:
    """A ticket with its evidence, what to do and to bring, the prepared remote session, and the device's answers."""
    case = await read_case(asked.connection, number)
    evidence = None if case is None else await read_evidence(asked.connection, case.ticket["id"], limit=MAX_EVIDENCE)
    if case is None or evidence is None:
        raise not_found("ticket")
    response.headers["ETag"] = etag(case.ticket["version"])
    return detail(case, evidence, words)


@router.get("/tickets/{number}/evidence", responses=problems(ProblemCode.NOT_FOUND))
async def get_evidence(number: Number, asked: Asked, words: InWords) -> TicketEvidence:
    """All that the device measured and reported before the fault, by signal, for a chart."""
    found = await find_ticket(asked.connection, number)
    shown = None if found is None else await read_exhibit(asked.connection, found["id"])
    if found is None or shown is None:
        raise not_found("ticket")
    return exhibit(shown, words, found)


@router.post(
    "/tickets/{number}/transition",
    responses=problems(
        ProblemCode.NOT_FOUND,
        ProblemCode.CONFLICT,
        ProblemCode.BUSY,
        ProblemCode.KEY_REUSED,
        ProblemCode.CHANGED_MEANWHILE,
        ProblemCode.IF_MATCH_MISSING,
        body=True,
    ),
)
async def move_ticket(
    number: Number, body: Transition, asked: Asked, words: InWords, response: Response, if_match: IfMatch = None
) -> TicketDetail:
    """Apply an action to a ticket: `possible` of GET lists what its status allows."""
    found = await find_ticket(asked.connection, number)
    if found is None:
        raise not_found("ticket")
    require_match(if_match, found["version"])
    if not found["own"]:
        raise of_another_time("ticket")
    try:
        moved = await transition(
            asked.connection,
            ticket_id=found["id"],
            action=body.event,
            actor=asked.account.name,
            note=body.note,
            expected_version=found["version"],
            now_ms=ms_of(asked.now),
        )
    except TicketNotFoundError:
        raise not_found("ticket") from None
    except TicketConflictError:
        raise changed_meanwhile() from None
    except TicketRefusedError as error:
        if error.code == "note_missing":
            raise invalid("body.note", f"{error}.") from None
        raise Problem(ProblemCode.CONFLICT, f"{error}.", where="body.event") from None
    await asked.audit(
        org=found["org_id"],
        action=f"ticket-{body.event}",
        subject=f"ticket:{number}",
        detail={"status": moved.status, "note": body.note},
    )
    return await get_ticket(number, asked, words, response)
