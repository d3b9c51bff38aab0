"""Guessing is slow, and nobody's guesses lock somebody else out; turns at hashing; what of failures reaches the log."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from people.accounts import Holder
from people.errors import BusyError
from people.login.credentials import browser_of, mint_browser
from people.login.failures import ADDRESSES, NOBODY, SINGLY, SINGLY_OF_ALL, Failures
from people.login.limits import KNOWN_FOR, Logins, Try
from people.login.turns import Turns
from people.roles import OPERATOR, Role

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WANG = Holder(id=1, name="wang.li", role=Role.EQUIPMENT, org=7, org_name="H", version=1, password_made=False)


def guess(logins: Logins, account: str, network: str, now: datetime = NOW) -> str:
    """What a wrong password gets: `wrong`, `checked` (and told to wait), or `waits`."""
    tried = logins.begin(account=account, network=network, now=now)
    if isinstance(tried, int):
        return "waits"
    return "checked" if tried.wait_s else "wrong"


def knows(logins: Logins, account: str, network: str, *, browser: str | None = None, now: datetime = NOW) -> bool:
    """Whether the right password gets in."""
    tried = logins.begin(account=account, network=network, browser=browser, now=now)
    if isinstance(tried, Try):
        logins.succeeded(tried)
    return isinstance(tried, Try)


def test_guesses_of_one_password_from_many_addresses_meet_the_account_s_limit() -> None:
    logins = Logins()
    met = Counter(guess(logins, "wang.li", f"10.0.0.{n}") for n in range(1000))
    assert met == {"wrong": 10, "checked": 10, "waits": 980}
    assert guess(logins, "li.na", "10.0.0.1") == "wrong", "another account is another matter"
    assert guess(logins, "wang.li", "10.9.9.9", NOW + 15 * MINUTE) == "wrong"


def test_guesses_on_many_accounts_from_one_address_meet_the_network_s_limit() -> None:
    logins = Logins()
    met = Counter(guess(logins, f"a{n}", "10.0.0.1") for n in range(1000))
    assert met == {"wrong": 50, "checked": 60, "waits": 890}
    assert guess(logins, "a0", "10.0.0.1", NOW + 2 * MINUTE) == "waits", "who failed there waits for all of it"
    assert guess(logins, "a0", "10.0.0.2") == "wrong"


def test_guesses_of_one_password_from_one_address_meet_the_place_s_limit() -> None:
    logins = Logins()
    assert Counter(guess(logins, "wang.li", "10.0.0.1") for _ in range(100)) == {"wrong": 5, "waits": 95}


def test_whoever_was_there_before_gets_in_whatever_others_do() -> None:
    logins = Logins()
    assert knows(logins, "wang.li", "10.0.0.1")
    for n in range(1000):
        guess(logins, f"a{n}", "10.0.0.1")
        guess(logins, "wang.li", f"10.1.{n // 250}.{n % 250}")
    for day in range(0, 90, 29):  # each time makes it at home anew
        assert knows(logins, "wang.li", "10.0.0.1", now=NOW + timedelta(days=day))
    assert not knows(logins, "wang.li", "10.0.0.2"), "a place that nobody knows, of an account under attack"
    assert knows(logins, "wang.li", "10.0.0.2", browser="b"), "a browser that it was in before"


def test_a_colleague_behind_the_same_address_gets_in_the_first_time_too() -> None:
    logins = Logins()
    for n in range(100):
        guess(logins, f"a{n}", "10.0.0.1")
    assert knows(logins, "li.na", "10.0.0.1")
    for _ in range(5):
        guess(logins, "wang.li", "10.0.0.1")
    assert not knows(logins, "wang.li", "10.0.0.1"), "but not where this very password was guessed"


def test_a_home_is_forgotten_after_its_time() -> None:
    logins = Logins()
    assert knows(logins, "wang.li", "10.0.0.1")
    later = NOW + KNOWN_FOR
    for n in range(100):
        guess(logins, "wang.li", f"10.1.0.{n}", later)
    assert not knows(logins, "wang.li", "10.0.0.1", now=later)


@settings(deadline=None)  # of the machine, not of this
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans(), st.integers(0, 20)), min_size=50, max_size=400
    )
)
def test_no_order_of_guesses_gets_more_than_the_limits_or_locks_a_home_out(
    guesses: list[tuple[int, int, bool, int]],
) -> None:
    logins, now = Logins(), NOW
    assert knows(logins, "owner", "home")
    let: list[tuple[datetime, str, str]] = []
    for nth, where, owner, seconds in guesses:
        now += timedelta(seconds=seconds)
        name, network = "owner" if owner else f"a{nth}", f"n{where}"
        if guess(logins, name, network, now) != "waits":
            let.append((now, name, network))
    assert knows(logins, "owner", "home", now=now)
    for at, name, network in let:
        before = [one for one in let if at - 5 * MINUTE < one[0] <= at]
        assert sum(one[1:] == (name, network) for one in before) <= 5
        assert sum(one[2] == network for one in before) <= 50 + 5 * 60
        assert sum(one[1] == name and at - 15 * MINUTE < one[0] <= at for one in let) <= 20


def test_who_is_signed_in_guesses_no_more_with_many_tokens_than_with_one() -> None:
    logins = Logins()

    def confirm(token: int, now: datetime = NOW) -> Try | int:
        return logins.confirm(account="wang.li", network="10.0.0.1", token=token, now=now)

    assert [confirm(1) for _ in range(6)][-1] == 300
    assert Counter(isinstance(confirm(2 + n), Try) for n in range(100)) == {True: 5, False: 95}
    assert guess(logins, "wang.li", "10.0.0.1") == "wrong", "who has only the password is held up by none of it"
    right = confirm(1, NOW + 15 * MINUTE)
    assert isinstance(right, Try)
    logins.succeeded(right)
    assert sum(isinstance(confirm(n, NOW + 15 * MINUTE), Try) for n in range(100)) == 10


@pytest.mark.parametrize("first", [True, False])
def test_a_password_that_nobody_looked_at_is_no_guess(first: bool) -> None:
    logins = Logins()
    if first:
        assert knows(logins, "wang.li", "10.0.0.1")
    for _ in range(100):
        tried = logins.begin(account="wang.li", network="10.0.0.1", now=NOW)
        assert isinstance(tried, Try)
        logins.unchecked(tried)
    assert guess(logins, "wang.li", "10.0.0.1") == "wrong"


def test_what_a_browser_keeps_is_of_one_account_and_password() -> None:
    kept = mint_browser("$argon2id$one")
    assert browser_of(kept, "$argon2id$one") is not None
    assert browser_of(kept, "$argon2id$two") is None
    forged = kept.replace(kept[3:25], "A" * 22)
    assert [browser_of(text, "$argon2id$one") for text in ("", "sb_", forged, kept + "0")] == [None] * 4


# turns ----------------------------------------------------------------------------------------------------------------


async def test_lanes_take_turns_and_the_first_class_comes_before_them() -> None:
    turns, served, held = Turns(parallel=1, of_lane=3, waiting=5, wait_s=10), list[str](), asyncio.Event()

    async def one(lane: str, *, first: bool = False) -> None:
        async with turns.turn(lane, first=first):
            served.append(lane)
            await held.wait()

    asking = [asyncio.create_task(one(lane)) for lane in ("working", "flood", "flood", "flood", "flood", "other")]
    asking += [
        asyncio.create_task(one("home", first=True)),
        asyncio.create_task(one("more")),
        asyncio.create_task(one("x")),
    ]
    await asyncio.sleep(0)
    held.set()
    got = await asyncio.gather(*asking, return_exceptions=True)
    assert served == ["working", "home", "flood", "other", "more", "flood", "flood"]
    refused = [error for error in got if error is not None]
    assert [type(error) for error in refused] == [BusyError] * 2, "a lane's fourth, and a class's sixth"
    async with turns.turn("free again"):
        pass


async def test_nobody_waits_for_ever_and_who_gave_up_takes_no_turn() -> None:
    turns = Turns(parallel=1, of_lane=3, waiting=5, wait_s=0.01)
    async with turns.turn("working"):
        with pytest.raises(BusyError):
            async with turns.turn("late"):
                raise AssertionError
        gone = asyncio.create_task(turns.turn("gone").__aenter__())
        await asyncio.sleep(0)
        gone.cancel()
    async with turns.turn("next"):
        pass


# failures -------------------------------------------------------------------------------------------------------------


def test_few_failures_are_told_one_by_one_and_no_unknown_name_is_written() -> None:
    failures = Failures()
    known = failures.tell(WANG, "wang.li", address="10.0.0.1", now=NOW)
    typed = [failures.tell(None, name, address="10.0.0.1", now=NOW) for name in ("hunter2", "hunter2", "hunter3")]
    assert known is not None
    assert (known.org, known.actor, known.subject, known.detail) == (
        7,
        "wang.li",
        "account:wang.li",
        {"address": "10.0.0.1"},
    )
    assert {(one.org, one.actor, one.subject) for one in typed if one} == {(OPERATOR, NOBODY, "account")}
    assert "hunter" not in str(typed)
    first, again, other = (one.detail["name"] for one in typed if one)
    assert first == again != other
    assert failures.due() == []


def test_a_flood_is_counted_and_hides_nothing_of_an_account() -> None:
    failures = Failures()
    told = [failures.tell(None, f"a{n}", address="10.0.0.1", now=NOW) for n in range(1000)]
    assert sum(one is not None for one in told) == SINGLY
    assert failures.tell(WANG, "wang.li", address="10.0.0.1", now=NOW + MINUTE / 2) is None
    assert failures.due(NOW + MINUTE / 2) == []
    due = failures.due(NOW + 2 * MINUTE)
    assert [(entry.org, entry.subject, entry.detail, entry.at) for _, entry in due] == [
        (OPERATOR, "account", {"count": 1000 - SINGLY, "addresses": "10.0.0.1"}, NOW),
        (7, "account:wang.li", {"count": 1, "addresses": "10.0.0.1"}, NOW + MINUTE / 2),
    ]
    for _ in range(SINGLY + 1):  # while they are written, more comes
        failures.tell(WANG, "wang.li", address="10.0.0.1", now=NOW + 2 * MINUTE)
    for whose, entry in due:
        failures.told(whose, entry)
    assert [(entry.subject, entry.detail) for _, entry in failures.due()] == [
        ("account:wang.li", {"count": 1, "addresses": "10.0.0.1"})
    ]


def test_a_flood_from_one_place_hides_no_failure_from_elsewhere_and_one_from_everywhere_is_bounded() -> None:
    failures = Failures()
    for n in range(1000):
        failures.tell(None, f"a{n}", address="10.0.0.1", now=NOW)
    elsewhere = failures.tell(WANG, "wang.li", address="10.0.0.2", now=NOW)
    assert elsewhere is not None
    assert elsewhere.detail == {"address": "10.0.0.2"}
    told = [failures.tell(None, "a", address=f"10.1.{n // 250}.{n % 250}", now=NOW) for n in range(1000)]
    assert sum(one is not None for one in told) == SINGLY_OF_ALL - SINGLY - 1
    ((_, entry),) = failures.due()
    addresses = str(entry.detail["addresses"]).split(", ")
    assert (addresses[0], len(addresses)) == ("10.0.0.1", ADDRESSES)


def test_a_flood_that_goes_on_is_told_every_minute() -> None:
    failures, told = Failures(), 0
    for second in range(600):
        now = NOW + timedelta(seconds=second)
        for _ in range(5):
            told += failures.tell(None, "a", address="10.0.0.1", now=now) is not None
        for whose, entry in failures.due(now):
            told += int(entry.detail["count"] or 0)
            failures.told(whose, entry)
    assert told + sum(int(entry.detail["count"] or 0) for _, entry in failures.due()) == 3000
    assert told > 2500
