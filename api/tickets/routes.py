"""Tickets."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from api.http.conditions import etag
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.tickets.read import find_ticket, read_case
from api.tickets.shapes import TicketDetail, TicketEvidence
from api.tickets.words import detail, exhibit
from desk.tickets.evidence import read_evidence, read_exhibit

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
