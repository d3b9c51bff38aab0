"""Who gets a live stream when many want one."""

import pytest

from api.feed.client import Client
from api.feed.position import Position
from api.feed.room import MAX_CLIENTS, OF_ACCOUNT, OF_HOSPITALS, OF_ORG, room
from api.http.problems import Problem

AT = Position(xid=1, table=0, row=0)


def clients(*, account: int, org: int | None, count: int) -> list[Client]:
    return [Client(account=account, org=org, lang="en", token_id=1, after=AT) for _ in range(count)]


def full(hospitals: int) -> list[Client]:
    """As many as there can be of so many hospitals, each with as many as one may have."""
    of_one = OF_ORG // OF_ACCOUNT
    return [
        client
        for nth in range(hospitals * of_one)
        for client in clients(account=100 + nth, org=1 + nth // of_one, count=OF_ACCOUNT)
    ][:OF_HOSPITALS]


def test_one_account_cannot_have_all() -> None:
    own = clients(account=1, org=None, count=OF_ACCOUNT)
    assert room(own[1:], account=1, org=None, pushed_s=5) is None
    assert room(own, account=1, org=None, pushed_s=0) is own[0], "a tab that comes back is not locked out by a ghost"
    with pytest.raises(Problem) as refused:
        room(own, account=1, org=None, pushed_s=5)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")
    assert room(own, account=2, org=None, pushed_s=5) is None


def test_one_hospital_cannot_have_all_and_all_hospitals_leave_room_for_the_staff() -> None:
    one = full(1)
    assert len(one) == OF_ORG
    with pytest.raises(Problem) as refused:
        room(one, account=9, org=1, pushed_s=0)
    assert refused.value.status == 429
    assert room(one, account=9, org=2, pushed_s=0) is None
    everybody = full(4)
    assert len(everybody) == OF_HOSPITALS
    with pytest.raises(Problem) as refused:
        room(everybody, account=9, org=5, pushed_s=0)
    assert refused.value.status == 503
    assert room(everybody, account=9, org=None, pushed_s=0) is None


def test_there_is_an_end_for_the_staff_too() -> None:
    staff = [client for nth in range(MAX_CLIENTS) for client in clients(account=nth, org=None, count=1)]
    with pytest.raises(Problem) as refused:
        room(staff, account=-1, org=None, pushed_s=0)
    assert refused.value.status == 503
