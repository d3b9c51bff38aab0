"""Dealers: the operator's staff make them; and organisations' names."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.paging import ById, Cursor, Limit, Page, decode, id_of, page
from api.http.problems import Problem, ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import of_row
from api.people.shapes import Dealer, NewDealer, OrgChange, OrgNamed
from people import dealers
from people.errors import DealerTakenError
from people.places import find_org
from people.roles import OPERATOR, Kind

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
    except DealerTakenError:
        raise _taken() from None
    return of_row(Dealer, row)


@router.patch("/orgs/{id}", responses=problems(ProblemCode.NOT_FOUND, ProblemCode.CONFLICT, body=True))
async def change_org(
    id: Annotated[int, Path(ge=OPERATOR, le=2**31 - 1, description="The operator's own is 0.")],  # noqa: A002
    body: OrgChange,
    asked: Asked,
) -> OrgNamed:
    """Rename the operator, a dealer or a hospital, or have a dealer's tickets numbered by another prefix."""
    org = await find_org(asked.connection, id, *Kind)
    if org is None:
        raise not_found("organisation")
    if body.prefix is not None and org["kind"] != Kind.DEALER:
        raise invalid("body.prefix", "Dealers alone have one.")
    try:
        row = await dealers.change_org(
            asked.connection, org, name=body.name, prefix=body.prefix, actor=asked.account.name, now=asked.now
        )
    except DealerTakenError:
        raise _taken() from None
    return of_row(OrgNamed, row)


def _taken() -> Problem:
    return Problem(
        ProblemCode.CONFLICT,
        "There is an organisation of this name, or another dealer has this prefix or once had it.",
        where="body",
    )
