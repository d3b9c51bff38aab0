"""A ticket in a few words: what a phone on a slow line shows before anything else of the page has come."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import example, of_row
from api.tickets.read import read_tickets
from api.tickets.routes import Number
from api.tickets.shapes import Ticket
from api.tickets.words import rendered
from desk.tickets.opening import guidance

router: Final = APIRouter(prefix=PREFIX, route_class=Route, tags=["tickets"])


class TicketGist(Ticket):
    """A ticket as lists have it, and the two sentences that count at night."""

    model_config = example(
        **Ticket.model_config["json_schema_extra"]["examples"][0],  # type: ignore[index,arg-type]  # of `example`
        stops="无法曝光，或图像质量下降",
        advice="停止连续曝光，检查散热风扇和环境温度",
    )

    stops: Annotated[str | None, Field(description="What can't be done meanwhile.")]
    advice: str | None


@router.get("/tickets/{number}/gist", responses=problems(ProblemCode.NOT_FOUND))
async def get_gist(number: Number, asked: Asked, words: InWords) -> TicketGist:
    """What it is, where, what it stops and what to do: one statement, a kilobyte. GET /tickets/{number} has all."""
    found = await read_tickets(asked.connection, number=number, limit=1)
    if not found:
        raise not_found("ticket")
    [row] = found
    known = guidance(words.catalog.models.get(row["model"]), row["params"])
    return of_row(
        TicketGist,
        row,
        **rendered(words, row),
        stops=None if known.stops is None else known.stops.get(words.lang),
        advice=None if known.advice is None else known.advice.get(words.lang),
    )
