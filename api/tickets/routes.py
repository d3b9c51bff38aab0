"""Tickets."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from api.http.conditions import etag
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Id, of_row
from api.tickets.read import find_ticket, read_case, read_tickets
from api.tickets.shapes import Ticket, TicketDetail, TicketEvidence
from api.tickets.words import detail, exhibit, rendered
from catalog.model import Severity
from desk.tickets.evidence import read_evidence, read_exhibit
from desk.tickets.status import Status

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
    holder: Annotated[
        str | None,
        Query(max_length=100, description="Open ones that this account has: a name, `me`, or `none` for nobody's."),
    ] = None,
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
        holder={"me": asked.account.name, "none": ""}.get(holder or "", holder),
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
    case = await read_case(asked.connection, number, now=asked.now)
    evidence = None if case is None else await read_evidence(asked.connection, case.ticket["id"], limit=MAX_EVIDENCE)
    if case is None or evidence is None:
        raise not_found("ticket")
    response.headers["ETag"] = etag(case.ticket["version"])
    return detail(case, evidence, words, asked.account)


@router.get("/tickets/{number}/evidence", responses=problems(ProblemCode.NOT_FOUND))
async def get_evidence(number: Number, asked: Asked, words: InWords) -> TicketEvidence:
    """All that the device measured and reported before the fault, by signal, for a chart."""
    found = await find_ticket(asked.connection, number)
    shown = None if found is None else await read_exhibit(asked.connection, found["id"])
    if found is None or shown is None:
        raise not_found("ticket")
    return exhibit(shown, words, found)
