"""A browser's session: a cookie that no script reads and no other page can use."""

from datetime import timedelta

import httpx
import psycopg
import pytest

from api.http.browser import COOKIE, CSRF_HEADER
from people.accounts import create_account
from people.roles import Role
from tests.integration.api.world import DEALER, NOW, World

PASSWORD = "ein langes 口令"
LOGIN = {"user": "wang.li", "password": PASSWORD}
CSRF = {CSRF_HEADER: "1"}


@pytest.fixture
async def wang(here: World) -> World:
    """The world with an engineer who can log in."""
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        await create_account(connection, name="wang.li", password=PASSWORD, role=Role.ENGINEER, org=DEALER, now=NOW)
    return here


async def log_in(world: World) -> httpx.Response:
    answer = await world.http.post("/api/v1/session", json=LOGIN)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_login_sets_a_cookie_that_no_script_can_read_and_no_other_page_uses(wang: World) -> None:
    answer = await log_in(wang)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=ss_")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= parts
    assert "secure" not in parts, "over plain http it would never come back"
    assert "ss_" not in answer.text
    assert answer.json() == {
        "user": "wang.li",
        "role": "engineer",
        "org": {"id": DEALER, "name": "服务商 Dealer", "kind": "dealer"},
        "expires_at": "2026-11-22T16:00:00Z",
        "browser": True,
        "choose_password": False,
        "rights": [
            *("alerts.handle", "contacts.read", "equipment.read", "faults.report"),
            *("own", "telling.read", "tickets.handle"),
        ],
        "csrf_header": CSRF_HEADER,
        "language": "zh",
        "now": "2026-11-22T04:00:00Z",
        "version": "1",
    }


async def test_over_https_the_cookie_never_travels_in_the_clear(wang: World) -> None:
    answer = await wang.http.post("https://steth.example/api/v1/session", json=LOGIN)
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_the_cookie_stands_for_the_account_until_it_expires(wang: World) -> None:
    await log_in(wang)
    assert (await wang.http.get("/api/v1/devices")).status_code == 200
    who = (await wang.http.get("/api/v1/session?lang=en")).json()
    assert (who["user"], who["browser"], who["language"]) == ("wang.li", True, "en")
    wang.clock.now = NOW + timedelta(hours=12, seconds=1)
    late = await wang.http.get("/api/v1/devices")
    assert (late.status_code, late.json()["code"]) == (401, "unauthenticated")


async def test_what_changes_something_needs_the_header_that_another_page_cannot_send(wang: World) -> None:
    await log_in(wang)
    forged = await wang.http.post(f"/api/v1/alerts/{wang.a.alert}/acknowledge", json={}, headers={"If-Match": "*"})
    assert (forged.status_code, forged.json()["code"]) == (403, "csrf")
    assert wang.look("SELECT count(*) FROM alert_operator") == [(0,)]
    own = await wang.http.post(f"/api/v1/alerts/{wang.a.alert}/acknowledge", json={}, headers={"If-Match": "*", **CSRF})
    assert own.status_code == 200
    assert own.json()["operator"]["actor"] == "wang.li"


async def test_logging_out_ends_the_session_and_takes_the_cookie_back(wang: World) -> None:
    await log_in(wang)
    stolen = wang.http.cookies[COOKIE]
    assert (await wang.http.delete("/api/v1/session")).status_code == 403
    out = await wang.http.delete("/api/v1/session", headers=CSRF)
    assert (out.status_code, out.content) == (204, b"")
    assert f'{COOKIE}=""; ' in out.headers["set-cookie"] or "max-age=0" in out.headers["set-cookie"].lower()
    wang.http.cookies.set(COOKIE, stolen)
    assert (await wang.http.get("/api/v1/devices")).status_code == 401
    actions = wang.look("SELECT action FROM audit WHERE actor = 'wang.li' ORDER BY id")
    assert actions == [("login",), ("logout",)]


async def test_a_session_and_a_token_cannot_stand_in_for_each_other(wang: World) -> None:
    await log_in(wang)
    session = wang.http.cookies[COOKIE]
    wang.http.cookies.clear()
    as_token = await wang.http.get("/api/v1/devices", headers={"Authorization": f"Bearer {session}"})
    assert as_token.status_code == 401
    wang.http.cookies.set(COOKIE, wang.tokens["staff"])
    assert (await wang.http.get("/api/v1/devices")).status_code == 401
    by_token = await wang.ask("DELETE", "/session")
    assert (by_token.status_code, by_token.json()["code"]) == (409, "conflict")
    assert (await wang.ask("GET", "/session")).json()["browser"] is False


async def test_the_authorization_header_is_what_counts_where_there_are_both(wang: World) -> None:
    await log_in(wang)
    assert (await wang.ask("GET", "/session")).json()["user"] == "staff"
    bad = await wang.http.get("/api/v1/session", headers={"Authorization": "Bearer nonsense"})
    assert bad.status_code == 401, "a broken token is not papered over by a cookie"


async def test_failures_of_both_logins_are_counted_together(wang: World) -> None:
    for path in ("/session", "/login", "/session", "/login", "/session"):
        answer = await wang.http.post(f"/api/v1{path}", json={**LOGIN, "password": "x"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert (await wang.http.post("/api/v1/session", json=LOGIN)).status_code == 429
    assert (await wang.http.post("/api/v1/login", json=LOGIN)).status_code == 429


async def test_a_session_shows_among_the_tokens_and_can_be_revoked_from_elsewhere(wang: World) -> None:
    await log_in(wang)
    listed = (await wang.http.get("/api/v1/tokens")).json()["items"]
    assert [(token["label"], token["current"]) for token in listed] == [("browser", True)]
    with psycopg.connect(wang.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE api_token SET revoked_at = now() WHERE id = %s", (listed[0]["id"],))
    assert (await wang.http.get("/api/v1/devices")).status_code == 401


async def test_a_hospital_is_told_which_one_it_is(still: World) -> None:
    who = (await still.ask("GET", "/session", as_="hospital-a")).json()
    assert who["org"] == {"id": still.a.org, "name": still.a.name, "kind": "hospital"}


async def test_every_answer_has_the_servers_time(still: World) -> None:
    ms = str(int(NOW.timestamp() * 1000))
    for answer in (
        await still.ask("GET", "/devices"),
        await still.ask("GET", "/devices/nope"),
        await still.http.get("/api/v1/devices"),
        await still.http.get("/"),
    ):
        assert answer.headers["steth-time"] == ms
