"""Accounts end: who is disabled, reset or has another password is out, and stays out."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from api.http.browser import CSRF_HEADER
from api.http.rights import PREFIX, PUBLIC, ROUTES
from people.accounts import create_account
from people.roles import OPERATOR, Role
from tests.integration.api.test_roles_and_tenants import ENDLESS, concrete, request_of
from tests.integration.api.world import DEALER, NOW, World, pages

PASSWORD = "ein langes 口令"
NEW = "noch ein langes 口令"
CSRF = {CSRF_HEADER: "1"}
WANG = {"user": "wang.li", "password": PASSWORD}


@pytest.fixture
async def wang(here: World) -> World:
    """The world with an engineer who is signed in by a token."""
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        await create_account(connection, name="wang.li", password=PASSWORD, role=Role.ENGINEER, org=DEALER, now=NOW)
    await log_in(here)
    return here


async def log_in(world: World, password: str = PASSWORD, *, as_: str = "wang") -> httpx.Response:
    answer = await world.http.post("/api/v1/login", json={"user": "wang.li", "password": password})
    if answer.status_code == 200:
        world.tokens[as_] = answer.json()["token"]
    return answer


async def listed(world: World, name: str = "wang.li") -> dict[str, Any]:
    items = (await world.ask("GET", "/accounts")).json()["items"]
    found: dict[str, Any] = next(account for account in items if account["name"] == name)
    return found


async def signed_in(world: World, as_: str = "wang") -> bool:
    return (await world.ask("GET", "/devices", as_=as_)).status_code == 200


def actions(world: World, subject: str = "account:wang.li") -> list[tuple[Any, ...]]:
    return world.look("SELECT action, actor FROM audit WHERE subject = %s ORDER BY id", subject)


def test_accounts_are_for_administrators_alone() -> None:
    of_accounts = {roles for (_, path), roles in ROUTES.items() if path.startswith("/accounts")}
    assert of_accounts == {frozenset({Role.STAFF, Role.MANAGER, Role.IT})}


async def test_an_administrator_sees_who_may_sign_in(wang: World) -> None:
    assert await listed(wang) == {
        "id": (await listed(wang))["id"],
        "name": "wang.li",
        "role": "engineer",
        "org": {"id": DEALER, "name": "服务商 Dealer", "kind": "dealer"},
        "active": True,
        "password_made": False,
        "created_at": (await listed(wang))["created_at"],
        "last_login_at": "2026-11-22T04:00:00Z",
        "version": 1,
    }
    theirs = await listed(wang, "hospital-b")
    assert (theirs["org"], theirs["last_login_at"]) == (
        {"id": wang.b.org, "name": wang.b.name, "kind": "hospital"},
        None,
    )
    ids = [account["id"] for account in await pages(wang, "/accounts?limit=3")]
    assert ids == [row[0] for row in wang.look("SELECT id FROM account ORDER BY id")]
    assert "argon2" not in (await wang.ask("GET", "/accounts")).text


async def test_a_made_account_signs_in_with_the_password_that_is_shown_once(here: World) -> None:
    key = {"Idempotency-Key": "k"}
    body = {"name": "li.na", "role": "equipment", "org": here.a.org}
    made = await here.ask("POST", "/accounts", json=body, headers=key)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    answer = made.json()
    assert (answer["org"]["id"], answer["active"]) == (here.a.org, True)
    again = await here.ask("POST", "/accounts", json=body, headers=key)
    assert again.json() == answer, "an answer that got lost"
    tables = ("account", "api_token", "idempotency", "audit")
    stored = str([here.look(f"SELECT to_jsonb(t) FROM {table} t") for table in tables])  # noqa: S608
    assert answer["password"] not in stored
    login = await here.http.post("/api/v1/login", json={"user": "li.na", "password": answer["password"]})
    assert (login.status_code, login.json()["role"], login.json()["org"]["id"]) == (200, "equipment", here.a.org)
    assert actions(here, "account:li.na")[0] == ("account-created", "staff")
    chain = here.look("SELECT org_id FROM audit WHERE action = 'account-created'")
    assert chain == [(here.a.org,)], "in the chain of whom it concerns"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"name": "staff", "role": "noc", "org": DEALER}, 409, "body.name"),
        ({"name": "x", "role": "staff"}, 422, "body.role"),
        ({"name": "x", "role": "noc", "org": 0}, 422, "body.org"),
        ({"name": "x", "role": "equipment"}, 422, "body.org"),
        ({"name": "x", "role": "equipment", "org": DEALER}, 422, "body.org"),
    ],
)
async def test_what_can_be_no_account_is_said(still: World, body: dict[str, Any], status: int, where: str) -> None:
    answer = await still.ask("POST", "/accounts", json=body)
    assert (answer.status_code, answer.json()["where"]) == (status, where)


async def test_who_is_disabled_is_out_and_enabling_brings_no_credential_back(wang: World) -> None:
    await wang.http.post("/api/v1/session", json=WANG)
    account = await listed(wang)
    path, tag = f"/accounts/{account['id']}", {"If-Match": '"1"'}
    assert (await wang.ask("PATCH", path, json={"active": False})).status_code == 428
    assert (await wang.ask("PATCH", path, json={"active": False}, headers={"If-Match": '"7"'})).status_code == 412
    done = await wang.ask("PATCH", path, json={"active": False}, headers=tag)
    assert (done.status_code, done.json()["active"], done.headers["etag"]) == (200, False, '"2"')
    assert not await signed_in(wang)
    assert (await wang.http.get("/api/v1/devices")).status_code == 401, "the browser's session"
    assert (await log_in(wang)).status_code == 401
    assert (await wang.ask("PATCH", path, json={"active": True}, headers={"If-Match": "*"})).json()["version"] == 3
    assert not await signed_in(wang)
    assert (await wang.http.get("/api/v1/devices")).status_code == 401
    assert (await log_in(wang)).status_code == 200
    done_by_admin = [(action, actor) for action, actor in actions(wang) if actor == "staff"]
    assert done_by_admin == [("account-disabled", "staff"), ("account-enabled", "staff")]


async def test_a_password_that_was_made_opens_nothing_but_the_choice_of_another(here: World) -> None:
    made = (await here.ask("POST", "/accounts", json={"name": "wang.li", "role": "manager", "org": DEALER})).json()
    assert made["password_made"] is True
    login = {"user": "wang.li", "password": made["password"]}
    assert (await here.http.post("/api/v1/session", json=login)).json()["choose_password"] is True
    opened = set()
    for method, template in ROUTES:
        if ROUTES[method, template] is PUBLIC or (method, template) in {("DELETE", "/session"), ("GET", ENDLESS)}:
            continue
        answer = await here.http.request(
            method, PREFIX + concrete(template, here.a), **request_of(method, template, CSRF)
        )
        if answer.status_code != 403 or answer.json()["code"] not in {"password_to_choose", "forbidden"}:
            opened.add((method, template))
    assert opened == {("GET", "/session"), ("POST", "/account/password")}
    same = {"old": made["password"], "new": made["password"]}
    refused = await here.http.post("/api/v1/account/password", json=same, headers=CSRF)
    assert (refused.status_code, refused.json()["where"]) == (422, "body.new")
    change = {"old": made["password"], "new": NEW}
    assert (await here.http.post("/api/v1/account/password", json=change, headers=CSRF)).status_code == 204
    assert (await here.http.get("/api/v1/session")).json()["choose_password"] is False
    assert (await here.http.get("/api/v1/devices")).status_code == 200


async def test_nobody_is_locked_out_by_mistake(here: World) -> None:
    own = (await listed(here, "staff"))["id"]
    for answer in (
        await here.ask("PATCH", f"/accounts/{own}", json={"active": False}, headers={"If-Match": "*"}),
        await here.ask("POST", f"/accounts/{own}/reset"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "your own" in answer.json()["detail"]
    assert await signed_in(here, "staff")


async def test_of_two_administrators_who_disable_each_other_one_stays(here: World) -> None:
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        await create_account(connection, name="wang.li", password=PASSWORD, role=Role.STAFF, org=OPERATOR, now=NOW)
    await log_in(here)
    first, second = (await listed(here, "staff"))["id"], (await listed(here))["id"]
    off: dict[str, Any] = {"json": {"active": False}, "headers": {"If-Match": "*"}}
    answers = await asyncio.gather(
        here.ask("PATCH", f"/accounts/{first}", as_="wang", **off), here.ask("PATCH", f"/accounts/{second}", **off)
    )
    assert 200 in {answer.status_code for answer in answers}
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    assert here.look("SELECT count(*) FROM account WHERE role = 'staff' AND active") == [(1,)]


async def test_a_reset_ends_everything_and_gives_a_password_once(wang: World) -> None:
    account = await listed(wang)
    made = await wang.ask("POST", f"/accounts/{account['id']}/reset", headers={"Idempotency-Key": "k"})
    assert (made.status_code, made.json()["version"]) == (200, 2)
    password = made.json()["password"]
    assert (await wang.ask("GET", "/session", as_="wang")).status_code == 401
    assert (await log_in(wang)).status_code == 401
    assert (await log_in(wang, password)).status_code == 200
    assert not await signed_in(wang), "until another one is chosen"
    changed = await wang.ask("POST", "/account/password", as_="wang", json={"old": password, "new": PASSWORD})
    assert changed.status_code == 204
    assert await signed_in(wang)
    assert ("password-reset", "staff") in actions(wang)
    assert password not in str([wang.look(f"SELECT to_jsonb(t) FROM {t} t") for t in ("idempotency", "audit")])  # noqa: S608


async def test_a_new_password_ends_what_else_is_signed_in_but_not_who_changes_it(wang: World) -> None:
    await wang.http.post("/api/v1/session", json=WANG)
    await log_in(wang, as_="elsewhere")
    change = {"old": PASSWORD, "new": NEW}
    changed = await wang.http.post("/api/v1/account/password", json=change, headers=CSRF)
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await wang.http.get("/api/v1/devices")).status_code == 200
    assert not await signed_in(wang)
    assert not await signed_in(wang, "elsewhere")
    assert (await log_in(wang)).status_code == 401
    assert (await log_in(wang, NEW)).status_code == 200
    assert ("password-changed", "wang.li") in actions(wang)
    for new, why in (("kurz", "12"), ("wang.li2026!", "name"), ("x" * 129, "128")):
        refused = await wang.http.post("/api/v1/account/password", json={"old": NEW, "new": new}, headers=CSRF)
        assert (refused.status_code, refused.json()["where"]) == (422, "body.new")
        assert why in refused.json()["detail"]
        assert new not in refused.text


async def test_wrong_passwords_of_who_is_signed_in_are_few_and_noted_and_keep_nobody_else_out(wang: World) -> None:
    wrong: dict[str, Any] = {"json": {"old": "x", "new": NEW}}
    minting: dict[str, Any] = {"json": {"label": "t", "password": "x"}, "headers": {"Idempotency-Key": "k"}}
    answers = [await wang.ask("POST", "/account/password", as_="wang", **wrong) for _ in range(3)]
    answers += [await wang.ask("POST", "/tokens", as_="wang", **minting) for _ in range(2)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "password_needed")}
    assert [answer.json()["where"] for answer in answers[2:4]] == ["body.old", "body.password"]
    one_more = await wang.ask("POST", "/account/password", as_="wang", **wrong)
    assert (one_more.status_code, one_more.headers["retry-after"]) == (429, "300")
    assert (await log_in(wang)).status_code == 200, "whoever found an open session can't lock its owner out"
    assert actions(wang).count(("password-wrong", "wang.li")) == 5
    assert await signed_in(wang), "who is signed in is not out by that"


async def test_whoever_found_a_token_that_makes_others_does_not_guess_the_password_with_them(wang: World) -> None:
    lasting = {"label": "excel", "days": 90, "password": PASSWORD}
    wang.tokens["stolen"] = (await wang.ask("POST", "/tokens", as_="wang", json=lasting)).json()["token"]
    answers: Counter[int] = Counter()
    for n in range(12):
        made = await wang.ask("POST", "/tokens", as_="stolen", json={"label": f"{n}", "days": 1})
        wang.tokens["another"] = made.json()["token"]
        guess = {"old": f"guess {n}", "new": NEW}
        answers[(await wang.ask("POST", "/account/password", as_="another", json=guess)).status_code] += 1
    assert answers == {403: 10, 429: 2}
    assert (await log_in(wang)).status_code == 200, "the owner gets in, and ends them all"


async def test_no_credential_is_prolonged_without_the_password(wang: World) -> None:
    await wang.http.post("/api/v1/session", json=WANG)

    async def make(days: int, password: str | None = None) -> httpx.Response:
        body = {"label": "t", "days": days} | ({} if password is None else {"password": password})
        return await wang.http.post("/api/v1/tokens", json=body, headers=CSRF)

    refused = await make(1)
    assert (refused.status_code, refused.json()["code"]) == (403, "password_needed")
    made = await make(90, PASSWORD)
    assert (made.status_code, made.json()["expires_at"]) == (201, "2027-02-20T04:00:00Z")
    wang.tokens["long"] = made.json()["token"]
    wang.clock.now = NOW + timedelta(days=60)
    for days, status in ((30, 201), (31, 403)):
        answer = await wang.ask("POST", "/tokens", as_="long", json={"label": "t", "days": days})
        assert answer.status_code == status
    assert PASSWORD not in str(wang.look("SELECT to_jsonb(t) FROM audit t"))


async def test_an_administrator_ends_any_token(wang: World) -> None:
    account = await listed(wang)
    path = f"/accounts/{account['id']}/tokens"
    (token,) = (await wang.ask("GET", path)).json()["items"]
    assert (token["label"], token["current"]) == ("login", False)
    assert (await wang.ask("DELETE", f"/accounts/{wang.a.account}/tokens/{token['id']}")).status_code == 404
    assert (await wang.ask("DELETE", f"{path}/{token['id']}")).status_code == 204
    assert not await signed_in(wang)
    assert (await wang.ask("DELETE", f"{path}/{token['id']}")).status_code == 404
    assert actions(wang, f"token:{token['id']}") == [("token-revoked", "staff")]


@pytest.mark.parametrize("what", ["login", "token", "password"])
async def test_what_began_before_a_reset_gets_nothing(wang: World, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The old password was right when it was checked, which takes its time."""
    account = await listed(wang)
    passwords = wang.app.state.context.door.passwords
    verify = passwords.verify

    async def slow(stored: str | None, password: str, **turn: Any) -> bool:
        right: bool = await verify(stored, password, **turn)
        assert (await wang.ask("POST", f"/accounts/{account['id']}/reset")).status_code == 200
        return right

    monkeypatch.setattr(passwords, "verify", slow)
    before = wang.look("SELECT count(*) FROM api_token")
    match what:
        case "login":
            answer = await log_in(wang)
        case "token":
            answer = await wang.ask("POST", "/tokens", as_="wang", json={"label": "t", "password": PASSWORD})
        case _:
            change = {"old": PASSWORD, "new": NEW}
            answer = await wang.ask("POST", "/account/password", as_="wang", json=change)
    assert answer.status_code == 401
    assert wang.look("SELECT count(*) FROM api_token") == before
    assert wang.look("SELECT password_made FROM account WHERE name = 'wang.li'") == [(True,)]


async def test_another_role_ends_what_was_signed_in_with_the_former_one(wang: World) -> None:
    await wang.http.post("/api/v1/session", json=WANG)
    account = await listed(wang)
    path = f"/accounts/{account['id']}"
    assert (await wang.ask("PATCH", path, as_="manager", json={"role": "noc"})).status_code == 428
    same = await wang.ask("PATCH", path, as_="manager", json={"role": "engineer"}, headers={"If-Match": '"1"'})
    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert await signed_in(wang)
    done = await wang.ask("PATCH", path, as_="manager", json={"role": "noc"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["role"], done.headers["etag"]) == (200, "noc", '"2"')
    assert not await signed_in(wang)
    assert (await wang.http.get("/api/v1/devices")).status_code == 401, "the browser's session"
    assert (await log_in(wang)).json()["role"] == "noc"
    assert ("role-changed", "manager") in actions(wang)
    [(detail,)] = wang.look("SELECT detail FROM audit WHERE action = 'role-changed'")
    assert detail == {"old": "engineer", "new": "noc", "ended": 2}


@pytest.mark.parametrize(("role", "status"), [("staff", 422), ("it", 422), ("doctor", 422)])
async def test_no_role_of_another_kind_of_organisation(wang: World, role: str, status: int) -> None:
    path = f"/accounts/{(await listed(wang))['id']}"
    answer = await wang.ask("PATCH", path, json={"role": role}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["where"]) == (status, "body.role")


async def test_one_who_manages_accounts_stays_in_each_house_unless_the_operator_ends_him(wang: World) -> None:
    """Two of a dealer's managers who take each other's role at the same moment: one of them stays."""
    wang_path = f"/accounts/{(await listed(wang))['id']}"
    manager = f"/accounts/{(await listed(wang, 'manager'))['id']}"
    lower: dict[str, Any] = {"json": {"role": "noc"}, "headers": {"If-Match": "*"}}
    assert (await wang.ask("PATCH", manager, as_="manager", **lower)).status_code == 409, "one's own"
    higher = {"json": {"role": "manager"}, "headers": {"If-Match": "*"}}
    assert (await wang.ask("PATCH", wang_path, as_="manager", **higher)).status_code == 200
    await log_in(wang)
    answers = await asyncio.gather(
        wang.ask("PATCH", manager, as_="wang", **lower), wang.ask("PATCH", wang_path, as_="manager", **lower)
    )
    assert {answer.status_code for answer in answers} <= {200, 401, 403, 409}
    count = "SELECT count(*) FROM account WHERE role = 'manager' AND active"
    assert wang.look(count) == [(1,)]
    for account in (manager, wang_path):
        assert (await wang.ask("PATCH", account, **lower)).status_code == 200, "the operator's staff may"
    assert wang.look(count) == [(0,)]


async def test_accounts_are_found_by_name_organisation_role_and_state(wang: World) -> None:
    async def found(query: str, as_: str = "staff") -> list[str]:
        return [account["name"] for account in await pages(wang, f"/accounts?limit=2&{query}", as_=as_)]

    assert await found("q=WANG") == ["wang.li"]
    assert set(await found("q=second")) == {"hospital-b", f"doctor of {wang.b.name}"}
    assert await found("role=engineer") == ["engineer", "wang.li"]
    assert await found(f"org={wang.b.org}&role=equipment&active=true&q=hospital-") == ["hospital-b"]
    assert await found("active=false") == []
    assert await found("q=hospital-b", as_="manager") == []
    assert await found("q=%25") == [], "a letter, not a pattern"


async def test_whose_credentials_there_are_and_where_they_were_asked_for(wang: World) -> None:
    await wang.http.post("/api/v1/session", json=WANG)
    made = {"label": "excel", "days": 7, "password": PASSWORD}
    await wang.ask("POST", "/tokens", as_="wang", json=made)
    items = await pages(wang, "/credentials?limit=2&q=wang", as_="manager")
    assert [(one["kind"], one["label"], one["address"]) for one in items] == [
        ("token", "excel", "192.0.2.7"),
        ("browser", "browser", "192.0.2.7"),
        ("login", "login", "192.0.2.7"),
    ]
    assert {one["account"]["name"] for one in items} == {"wang.li"}
    assert [one["label"] for one in await pages(wang, "/credentials?kind=token&q=excel")] == ["excel"]
    assert await pages(wang, "/credentials?q=wang", as_="it") == [], "another house's"
    own = (await wang.ask("GET", "/tokens", as_="wang")).json()["items"]
    assert [(one["kind"], one["current"]) for one in own] == [("token", False), ("browser", False), ("login", True)]
