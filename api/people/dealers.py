"""Dealers: the operator's staff make them."""

from fastapi import APIRouter

from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, invalid
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import of_row
from api.people.place_shapes import Dealer, NewDealer
from people import dealers
from people.errors import DealerTakenError
from people.places import find_org
from people.roles import Kind

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["dealers"])


async def dealer_for(asked: Session, given: int | None) -> int:
    """Whose something new is: a dealer's people make what is the dealer's own, the operator's staff say whose.

    Raises Problem 422.
    """
    own = asked.account.role.kind is Kind.DEALER
    named = await dealers.only_dealer(asked.connection) if given is None else given
    dealer = asked.account.org if own and given is None else named
    if dealer is None:
        raise invalid("body.dealer", "There are several dealers: say which. GET /api/v1/dealers lists them.")
    if (own and dealer != asked.account.org) or await find_org(asked.connection, dealer, Kind.DEALER) is None:
        raise invalid("body.dealer", "There is no such dealer, or it isn't this account's.")
    return dealer


@router.get("/dealers", responses=problems())
async def list_dealers(asked: Asked, limit: Limit = 100, after: Cursor = None) -> Page[Dealer]:
    """The dealers, in the order they were made."""
    above = id_of(decode("dealers", after, ById))
    rows = await dealers.dealers(asked.connection, above=above, limit=limit + 1)
    return page("dealers", rows, limit, item=lambda row: of_row(Dealer, row), key=lambda row: ById(row["id"]))


@router.post(
    "/dealers",
    status_code=201,
    responses=problems(ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED, body=True),
)
async def add_dealer(body: NewDealer, asked: Asked) -> Dealer:
    """Make a dealer. Then its manager's account: POST /accounts with its id."""
    try:
        row = await dealers.make_dealer(
            asked.connection, name=body.name, prefix=body.prefix, actor=asked.account.name, now=asked.now
        )
    except DealerTakenError as error:
        whose = "A dealer has this prefix" if error.taken == "prefix" else "An organisation has this name"
        raise Problem(ProblemCode.CONFLICT, f"{whose} already: choose another.", where=f"body.{error.taken}") from None
    return of_row(Dealer, row)
