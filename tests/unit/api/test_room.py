"""Who gets a live stream when many want one."""

import pytest

from api.feed.client import Client
from api.feed.position import Position
from api.feed.room import MAX_CLIENTS, OF_ACCOUNT, OF_HOSPITALS, OF_ORG, OF_OTHERS, room
from api.http.problems import Problem
from people.roles import Kind

AT = Position(xid=1, table=0, row=0)


def clients(*, account: int, org: int, kind: Kind, count: int) -> list[Client]:
    return [Client(account=account, org=org, kind=kind, lang="en", token_id=1, after=AT) for _ in range(count)]


def full(orgs: int, kind: Kind = Kind.HOSPITAL, *, first: int = 1) -> list[Client]:
    """As many as there can be of so many organisations, each with as many as one may have."""
    of_one = OF_ORG // OF_ACCOUNT
    return [
        client
        for nth in range(orgs * of_one)
        for client in clients(account=100 * first + nth, org=first + nth // of_one, kind=kind, count=OF_ACCOUNT)
    ]


def one_more(there: list[Client], *, org: int, kind: Kind) -> int:
    """The status that a new account's first stream gets."""
    try:
        assert room(there, account=-1, org=org, kind=kind, pushed_s=0) is None
    except Problem as problem:
        return problem.status
    return 200


def test_one_account_cannot_have_all() -> None:
    own = clients(account=1, org=0, kind=Kind.OPERATOR, count=OF_ACCOUNT)

    def more(there: list[Client], *, account: int, pushed_s: int) -> Client | None:
        return room(there, account=account, org=0, kind=Kind.OPERATOR, pushed_s=pushed_s)

    assert more(own[1:], account=1, pushed_s=5) is None
    assert more(own, account=1, pushed_s=0) is own[0], "a tab that comes back is not locked out by a ghost"
    with pytest.raises(Problem) as refused:
        more(own, account=1, pushed_s=5)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")
    assert more(own, account=2, pushed_s=5) is None


@pytest.mark.parametrize("kind", [Kind.HOSPITAL, Kind.DEALER])
def test_one_hospital_or_dealer_cannot_have_all(kind: Kind) -> None:
    one = full(1, kind)
    assert len(one) == OF_ORG
    assert one_more(one, org=1, kind=kind) == 429
    assert one_more(one, org=2, kind=kind) == 200


def test_hospitals_leave_room_for_dealers_and_both_for_the_operator() -> None:
    hospitals = full(4)[:OF_HOSPITALS]
    assert one_more(hospitals, org=9, kind=Kind.HOSPITAL) == 503
    assert one_more(hospitals, org=9, kind=Kind.DEALER) == 200
    others = [*hospitals, *full(2, Kind.DEALER, first=50)][:OF_OTHERS]
    assert one_more(others, org=9, kind=Kind.DEALER) == 503
    assert one_more(others, org=0, kind=Kind.OPERATOR) == 200


def test_there_is_an_end_for_the_operator_too() -> None:
    staff = [
        client for nth in range(MAX_CLIENTS) for client in clients(account=nth, org=0, kind=Kind.OPERATOR, count=1)
    ]
    assert one_more(staff, org=0, kind=Kind.OPERATOR) == 503
