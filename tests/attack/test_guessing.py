"""Guessing passwords and codes, and saying that it is somebody else who does."""

from itertools import count

import httpx
import pytest

from tests.attack.installation import PREFIX, Installation

pytestmark = pytest.mark.attack

ATTACKER, COLLEAGUE = "127.0.0.3", "127.0.0.2"
FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
GUESSES = 20
_numbers = count(1)


def call(target: Installation, path: str, body: dict[str, str], *, source: str, forged: bool = False) -> httpx.Response:
    """A request from an address of ours; with each header that could say otherwise, another one each time."""
    other = f"203.0.113.{next(_numbers) % 250}"
    headers = {name: f"for={other}" if name == "Forwarded" else other for name in FORGED} if forged else {}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source), timeout=20) as client:
        return client.post(f"{target.api}{PREFIX}{path}", json=body, headers=headers)


@pytest.mark.parametrize("path", ["/login", "/session"])
def test_a_guesser_is_stopped_whatever_address_he_claims(target: Installation, path: str) -> None:
    user = "engineer" if path == "/login" else "noc"
    answers = [
        call(target, path, {"user": user, "password": f"guess-{n}"}, source=ATTACKER, forged=True).status_code
        for n in range(GUESSES)
    ]
    assert set(answers) == {401, 429}
    assert answers.count(401) <= 10
    heard = target.sql(
        "SELECT DISTINCT detail->>'address' FROM audit WHERE action LIKE 'login-failed%%' AND subject = %s",
        f"account:{user}",
    )
    assert heard == [(ATTACKER,)], "the audit log has the address that it came from, not the one that was claimed"


@pytest.mark.parametrize("source", [COLLEAGUE, ATTACKER], ids=["elsewhere", "behind the same address"])
def test_who_knows_the_password_gets_in_meanwhile(target: Installation, source: str) -> None:
    user = target.insiders["manager"]
    for n in range(GUESSES):
        call(target, "/login", {"user": f"nobody-{n}", "password": "guess"}, source=ATTACKER, forged=True)
    mine = call(target, "/login", {"user": user.name, "password": user.password}, source=source)
    assert mine.status_code == httpx.codes.OK, mine.text


def test_one_account_is_not_guessed_from_many_addresses(target: Installation) -> None:
    answers = [
        call(target, "/login", {"user": "hospital-b", "password": f"guess-{n}"}, source=f"127.0.1.{n + 1}").status_code
        for n in range(60)
    ]
    assert set(answers) == {401, 429}
    assert answers[-1] == 429


def test_a_right_code_gets_in_beside_a_flood_of_wrong_ones(target: Installation) -> None:
    device = target.devices["hospital-a"]
    code = target.ask("POST", f"/devices/{device}/code", as_="manager").raise_for_status().json()["code"]
    answers = {
        call(target, "/enrol", {"code": f"0000-0000-{n:04d}"}, source=ATTACKER, forged=True).status_code
        for n in range(80)
    }
    assert 429 in answers
    enrolled = call(target, "/enrol", {"code": code}, source=ATTACKER)
    assert enrolled.status_code == httpx.codes.OK, enrolled.text
    assert call(target, "/enrol", {"code": code}, source=COLLEAGUE).status_code in {404, 409, 422, 403, 401}


def test_an_unknown_user_is_answered_and_written_down_like_a_known_one(target: Installation) -> None:
    known = call(target, "/login", {"user": "staff", "password": "wrong"}, source="127.0.2.1")
    unknown = call(target, "/login", {"user": "nobody-at-all", "password": "wrong"}, source="127.0.2.2")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    failed = {
        address for (address,) in target.sql("SELECT detail->>'address' FROM audit WHERE action LIKE 'login-failed%%'")
    }
    assert {"127.0.2.1", "127.0.2.2"} <= failed


def test_a_text_that_is_no_text_is_refused_and_nothing_falls_over(target: Installation) -> None:
    for text in ("\\ud800", "\\udfff x", "a\\u0000b"):
        body = f'{{"user": "staff", "password": "{text}"}}'
        answer = httpx.post(
            f"{target.api}{PREFIX}/login", content=body, headers={"Content-Type": "application/json"}, timeout=20
        )
        assert 400 <= answer.status_code < 500, answer.text
