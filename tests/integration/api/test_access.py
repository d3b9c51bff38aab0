"""Login, tokens, enrolment: where a credential becomes a right."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import psycopg
import pytest

from api.http.forwarded import Forwarded
from people.accounts import create_account, create_token
from people.login.credentials import token_hash
from people.login.turns import Turns
from people.roles import OPERATOR, Role
from tests.integration.api.world import DEALER, NOW, World

PASSWORD = "ein langes 口令"


@pytest.fixture
async def wang(here: World) -> World:
    """The world with an engineer who can log in."""
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        await create_account(connection, name="wang.li", password=PASSWORD, role=Role.ENGINEER, org=DEALER, now=NOW)
    return here


async def test_a_login_gives_a_token_that_lasts_its_time_and_can_be_revoked(wang: World) -> None:
    made = await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": PASSWORD})
    assert made.status_code == 200
    answer = made.json()
    assert answer["token"].startswith("st_")
    assert len(answer["token"]) == 46
    assert (answer["role"], answer["org"]["id"], answer["expires_at"]) == ("engineer", DEALER, "2026-11-22T16:00:00Z")
    wang.tokens["wang"] = answer["token"]
    assert (await wang.ask("GET", "/devices", as_="wang")).status_code == 200

    wang.clock.now = NOW + timedelta(hours=12, seconds=1)
    late = await wang.ask("GET", "/devices", as_="wang")
    assert (late.status_code, late.json()["code"]) == (401, "unauthenticated")
    assert late.headers["www-authenticate"] == "Bearer"

    wang.clock.now = NOW
    assert (await wang.ask("DELETE", f"/tokens/{answer['id']}", as_="wang")).status_code == 204
    assert (await wang.ask("GET", "/devices", as_="wang")).status_code == 401


async def test_a_login_of_before_the_clock_was_put_back_does_not_last_as_much_longer(wang: World) -> None:
    made = (await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": PASSWORD})).json()
    wang.tokens["wang"] = made["token"]
    wang.clock.now = NOW - timedelta(hours=3)
    assert (await wang.ask("GET", "/devices", as_="wang")).status_code == 200, "a little is no matter"
    wang.clock.now = NOW - timedelta(days=3650)
    assert (await wang.ask("GET", "/devices", as_="wang")).status_code == 401


async def test_only_hashes_are_stored(wang: World) -> None:
    token = (await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": PASSWORD})).json()["token"]
    assert wang.look("SELECT count(*) FROM api_token WHERE hash = %s", token_hash(token)) == [(1,)]
    stored = str(
        wang.look("SELECT to_jsonb(a), to_jsonb(t) FROM account a LEFT JOIN api_token t ON t.account_id = a.id")
    )
    assert PASSWORD not in stored
    assert token not in stored
    assert "$argon2id$" in stored


async def test_wrong_password_and_unknown_user_look_the_same(wang: World) -> None:
    wrong = await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": "x"})
    nobody = await wang.http.post("/api/v1/login", json={"user": "nobody", "password": "x"})
    assert (wrong.status_code, wrong.json()) == (401, nobody.json())
    assert wrong.headers["www-authenticate"] == "Bearer"


async def test_an_unknown_user_costs_a_hash_too(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = still.app.state.context.door.passwords
    checked: list[str] = []
    verify = passwords._matches

    def counted(stored: str, password: str) -> bool:
        checked.append(stored)
        return bool(verify(stored, password))

    monkeypatch.setattr(passwords, "_matches", counted)
    await still.http.post("/api/v1/login", json={"user": "nobody", "password": "x"})
    assert [stored[:10] for stored in checked] == ["$argon2id$"]


async def test_guessing_a_password_is_slowed_down_by_account_and_address(wang: World) -> None:
    guesses = [wang.http.post("/api/v1/login", json={"user": "wang.li", "password": f"{n}"}) for n in range(8)]
    codes = sorted([response.status_code for response in await asyncio.gather(*guesses)])
    assert codes == [401] * 5 + [429] * 3, "guesses at the same moment count too"
    right = {"user": "wang.li", "password": PASSWORD}
    refused = await wang.http.post("/api/v1/login", json=right)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    assert refused.headers["retry-after"] == "300"
    other = await wang.http.post("/api/v1/login", json={"user": "somebody else", "password": "x"})
    assert other.status_code == 401, "another account from the same address is not held up by it"
    wang.clock.now = NOW + timedelta(seconds=int(refused.headers["retry-after"]))
    assert (await wang.http.post("/api/v1/login", json=right)).status_code == 200


async def test_a_login_that_nobody_had_time_for_is_no_guess(wang: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = {"user": "wang.li", "password": PASSWORD}
    with monkeypatch.context() as patched:
        patched.setattr(
            wang.app.state.context.door.passwords, "_turns", Turns(parallel=0, of_lane=0, waiting=0, wait_s=1)
        )
        for _ in range(20):
            assert (await wang.http.post("/api/v1/login", json=right)).status_code == 503
    assert (await wang.http.post("/api/v1/login", json=right)).status_code == 200


async def test_an_account_that_is_not_active_can_do_nothing(wang: World) -> None:
    login = {"user": "wang.li", "password": PASSWORD}
    wang.tokens["wang"] = (await wang.http.post("/api/v1/login", json=login)).json()["token"]
    with psycopg.connect(wang.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE account SET active = false WHERE name = 'wang.li'")
    assert (await wang.ask("GET", "/devices", as_="wang")).status_code == 401
    assert (await wang.http.post("/api/v1/login", json=login)).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer st_short",
        "Basic YTpi",
        "Bearer st_" + "A" * 43,
        "bearer\tst_x",
        "Bearer 令牌",
    ],
)
async def test_what_is_no_token_opens_nothing(still: World, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode()}
    answer = await still.http.get("/api/v1/devices", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_who_may_not_enter_learns_nothing_of_the_request(still: World) -> None:
    answer = await still.http.post("/api/v1/devices?nonsense=1", content=b"{")
    assert answer.status_code == 401


async def test_tokens_of_an_account(here: World) -> None:
    made = await here.ask("POST", "/tokens", as_="engineer", json={"label": "export", "days": 30})
    assert made.status_code == 201
    here.tokens["export"] = made.json()["token"]
    listed = (await here.ask("GET", "/tokens", as_="export")).json()["items"]
    assert [(token["label"], token["current"]) for token in listed] == [("export", True), ("test", False)]
    assert "token" not in listed[0]
    other = await here.ask("DELETE", f"/tokens/{made.json()['id']}", as_="noc")
    assert other.status_code == 404, "another account's token"
    assert (await here.ask("DELETE", f"/tokens/{made.json()['id']}", as_="engineer")).status_code == 204
    assert (await here.ask("DELETE", f"/tokens/{made.json()['id']}", as_="engineer")).status_code == 404


async def test_a_token_of_the_first_run(here: World) -> None:
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        account = await create_account(connection, name="first", password="x", role=Role.STAFF, org=OPERATOR, now=NOW)
        _, token = await create_token(connection, account=account, label="run.json", now=NOW, expires_at=None)
    here.tokens["first"] = token
    here.clock.now = NOW + timedelta(days=3650)
    assert (await here.ask("GET", "/devices", as_="first")).status_code == 200


async def test_the_owner_makes_the_first_account_too(here: World) -> None:
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        await create_account(connection, name="first", password=PASSWORD, role=Role.EQUIPMENT, org=here.a.org, now=NOW)
    answer = await here.http.post("/api/v1/login", json={"user": "first", "password": PASSWORD})
    assert answer.json()["org"] == {"id": here.a.org, "name": here.a.name, "kind": "hospital"}


async def mint(here: World) -> dict[str, str]:
    answer = await here.ask(
        "POST", "/devices", as_="manager", json={"name": "DR 2", "model": "generic-dr", "site": {"id": here.a.site}}
    )
    assert answer.status_code == 201
    body: dict[str, str] = answer.json()
    return body


async def test_a_code_enrols_its_device_once(here: World) -> None:
    made = await mint(here)
    first = await here.http.post("/api/v1/enrol", json={"code": made["code"]})
    assert (first.status_code, first.json()) == (
        200,
        {"device": made["id"], "mqtt": "mqtts://steth.example:8883", "heartbeat_s": 15.0},
    )
    again = await here.http.post("/api/v1/enrol", json={"code": made["code"]})
    assert (again.status_code, again.json()["code"]) == (403, "code_refused")
    device = (await here.ask("GET", f"/devices/{made['id']}")).json()
    assert device["enrolled_at"] == "2026-11-22T04:00:00Z"


async def test_a_code_may_be_typed_as_people_type(here: World) -> None:
    code = (await mint(here))["code"]
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert (await here.http.post("/api/v1/enrol", json={"code": typed})).status_code == 200


async def test_a_refused_code_is_noted_without_the_code(here: World) -> None:
    for code in ("7QF2-9DXH-4T6W", "7QF2-9DXH-4T6W", "7QF2-9DXH-4T6X"):
        assert (await here.http.post("/api/v1/enrol", json={"code": code})).status_code == 403
    rows = here.look("SELECT org_id, actor, subject, detail FROM audit WHERE action = 'enrolment-refused' ORDER BY id")
    assert {row[:3] for row in rows} == {(OPERATOR, "nobody", "device")}
    first, same, other = (row[3] for row in rows)
    assert first == same != other, "one code tried twice is told from two"
    assert "7QF2" not in str(rows)


async def test_of_two_at_the_same_moment_one_enrols(here: World) -> None:
    code = (await mint(here))["code"]
    both = await asyncio.gather(*(here.http.post("/api/v1/enrol", json={"code": code}) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [200, 403]


async def test_an_answer_that_got_lost_is_given_again_for_the_same_key(here: World) -> None:
    code = (await mint(here))["code"]
    key = {"Idempotency-Key": "agent-7"}
    first = await here.http.post("/api/v1/enrol", json={"code": code}, headers=key)
    again = await here.http.post("/api/v1/enrol", json={"code": code}, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await here.http.post("/api/v1/enrol", json={"code": (await mint(here))["code"]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_a_code_expires(here: World) -> None:
    made = await mint(here)
    assert made["expires_at"] == "2026-11-29T04:00:00Z"
    here.clock.now = NOW + timedelta(days=7, seconds=1)
    assert (await here.http.post("/api/v1/enrol", json={"code": made["code"]})).status_code == 403


async def test_a_new_code_ends_the_one_before(here: World) -> None:
    made = await mint(here)
    new = await here.ask("POST", f"/devices/{made['id']}/code", as_="manager")
    assert new.status_code == 201
    assert (await here.http.post("/api/v1/enrol", json={"code": made["code"]})).status_code == 403
    assert (await here.http.post("/api/v1/enrol", json={"code": new.json()["code"]})).status_code == 200


async def test_a_retired_device_gets_no_code_and_none_of_its_codes_is_good(here: World) -> None:
    made = await mint(here)
    retired = await here.ask(
        "PATCH", f"/devices/{made['id']}", json={"status": "retired", "reason": "scrapped"}, headers={"If-Match": '"1"'}
    )
    assert retired.status_code == 200
    assert (await here.http.post("/api/v1/enrol", json={"code": made["code"]})).status_code == 403
    refused = await here.ask("POST", f"/devices/{made['id']}/code")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_wrong_codes_are_slowed_down_and_hold_neither_a_right_one_nor_a_login_up(wang: World) -> None:
    made = await mint(wang)
    wrong = {"code": "0000-0000-0000"}
    answers = [await wang.http.post("/api/v1/enrol", json=wrong) for _ in range(51)]
    assert [answer.status_code for answer in answers] == [403] * 50 + [429]
    assert answers[-1].headers["retry-after"] == "300"
    assert (await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": PASSWORD})).status_code == 200
    right = await wang.http.post("/api/v1/enrol", json={"code": made["code"]}, headers={"Idempotency-Key": "k"})
    assert right.status_code == 200
    assert (await wang.http.post("/api/v1/enrol", json=wrong)).status_code == 429


# whose failures are whose ---------------------------------------------------------------------------------------------

PROXY = "192.0.2.7"
"""The world's peer."""


def from_(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def behind_a_proxy(world: World) -> httpx.AsyncClient:
    """A client whose requests come through a proxy that the API trusts."""
    app = Forwarded(world.app, proxies=[ip_network(PROXY)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(PROXY, 50000)), base_url="http://steth.example")


async def test_a_forged_address_counts_for_nothing_and_is_recorded_nowhere(wang: World) -> None:
    login = {"user": "wang.li", "password": "x"}
    codes = [
        (await wang.http.post("/api/v1/login", json=login, headers=from_(f"10.6.6.{n}"))).status_code for n in range(20)
    ]
    assert codes == [401] * 5 + [429] * 15
    assert wang.look("SELECT DISTINCT detail->>'address' FROM audit WHERE action = 'login-failed'") == [(PROXY,)]


async def test_what_a_proxy_of_ours_says_is_what_counts(wang: World) -> None:
    async with behind_a_proxy(wang) as http:
        login = {"user": "wang.li", "password": PASSWORD}
        told = {**from_("6.6.6.6, 10.3.0.9"), "X-Forwarded-Proto": "https"}
        answer = await http.post("/api/v1/session", json=login, headers=told)
        assert all("; secure" in cookie.lower() for cookie in answer.headers.get_list("set-cookie"))
        await http.post("/api/v1/login", json=login, headers=from_("<script>"))
    addresses = wang.look("SELECT detail->>'address' FROM audit WHERE action = 'login' ORDER BY id")
    assert addresses == [("10.3.0.9",), (PROXY,)]


async def test_an_account_guessed_at_from_everywhere_is_open_to_its_owner_alone(wang: World) -> None:
    right, wrong = ({"user": "wang.li", "password": password} for password in (PASSWORD, "x"))
    async with behind_a_proxy(wang) as http, behind_a_proxy(wang) as elsewhere:
        assert (await http.post("/api/v1/session", json=right, headers=from_("10.3.0.9"))).status_code == 200
        guesses = [await elsewhere.post("/api/v1/login", json=wrong, headers=from_(f"10.6.6.{n}")) for n in range(30)]
        assert [answer.status_code for answer in guesses] == [401] * 10 + [429] * 20
        here = await elsewhere.post("/api/v1/login", json=right, headers=from_("10.3.0.9"))
        assert here.status_code == 200, "a network that the owner was in before"
        travelling = await http.post("/api/v1/session", json=right, headers=from_("10.9.9.9"))
        assert travelling.status_code == 200, "a browser that the owner was in before"
        assert (await elsewhere.post("/api/v1/session", json=right, headers=from_("10.9.9.10"))).status_code == 429
        wang.clock.now = NOW + timedelta(minutes=15)
        assert (await elsewhere.post("/api/v1/session", json=right, headers=from_("10.9.9.10"))).status_code == 200


async def test_a_colleague_behind_the_same_address_gets_in(wang: World) -> None:
    codes = [
        (await wang.http.post("/api/v1/login", json={"user": f"a{n}", "password": "x"})).status_code for n in range(55)
    ]
    assert codes == [401] * 50 + [429] * 5
    assert (await wang.http.post("/api/v1/login", json={"user": "wang.li", "password": PASSWORD})).status_code == 200


async def test_failures_of_unknown_users_are_audited_like_those_of_known_ones(
    wang: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    statements: list[list[str]] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(cursor: Any, query: Any, *args: Any, **more: Any) -> Any:
        asked.append(str(query))
        return await execute(cursor, query, *args, **more)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
    for user in ("wang.li", PASSWORD):  # a password in the wrong field
        assert (await wang.http.post("/api/v1/login", json={"user": user, "password": "x"})).status_code == 401
        statements.append([*asked])
        asked.clear()
    assert statements[0] == statements[1]
    assert len(statements[0]) > 3
    rows = wang.look("SELECT org_id, actor, subject, detail FROM audit WHERE action = 'login-failed' ORDER BY id")
    assert rows[0] == (DEALER, "wang.li", "account:wang.li", {"address": PROXY})
    assert rows[1][:3] == (OPERATOR, "nobody", "account")
    assert PASSWORD not in str(rows)


async def test_a_flood_of_unknown_users_does_not_fill_the_audit_log(here: World) -> None:
    context = here.app.state.context
    for n in range(100):
        context.door.failures.tell(None, f"a{n}", address=PROXY, now=NOW)
    here.clock.now = NOW + timedelta(minutes=1)
    await context.door.tell_failures(here.clock.now)
    await context.door.tell_failures()
    rows = here.look("SELECT detail FROM audit WHERE action = 'login-failed'")
    assert rows == [({"count": 70, "addresses": PROXY},)]


@pytest.mark.parametrize("user", ["wang.li", "nobody at all"])
async def test_a_text_that_no_database_holds_is_refused_where_it_stands(still: World, user: str) -> None:
    for text in ("\\ud800", "x\\u0000"):
        body = f'{{"user": "{user}", "password": "{text}"}}'
        answer = await still.http.post("/api/v1/login", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["where"]) == (422, "body.password")
