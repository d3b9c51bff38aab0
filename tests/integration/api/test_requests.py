"""What holds for every request: idempotence, problems, bounds, headers, health."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import psycopg
import pytest

from api.app import create_app
from api.http.idempotency import KEPT
from api.http.route import MAX_BODY
from api.settings import Settings
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.api.world import CATALOG, NOW, World

SITE = {"hospital": "第三医院", "site": "急诊"}
KEY = {"Idempotency-Key": "6f1c2a52-7f0e-4a7c-9a55-2f6f8a1d9b10"}


def hospitals(here: World) -> int:
    count: int = here.look("SELECT count(*) FROM site")[0][0]
    return count - 2


# Idempotency-Key ------------------------------------------------------------------------------------------------------


async def test_a_post_sent_again_is_answered_again_and_done_once(here: World) -> None:
    first = await here.ask("POST", "/sites", json=SITE, headers=KEY)
    again = await here.ask("POST", "/sites", json=SITE, headers=KEY)
    assert (first.status_code, "idempotency-replayed" in first.headers) == (201, False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert hospitals(here) == 1


async def test_without_a_key_twice_is_twice(here: World) -> None:
    assert (await here.ask("POST", "/sites", json=SITE)).status_code == 201
    assert (await here.ask("POST", "/sites", json=SITE)).status_code == 409


@pytest.mark.parametrize("change", ["body", "path", "query"])
async def test_a_key_stands_for_one_request(here: World, change: str) -> None:
    assert (await here.ask("POST", "/sites", json=SITE, headers=KEY)).status_code == 201
    path = {"body": "/sites", "path": "/tokens", "query": "/sites?lang=en"}[change]
    body = {"body": {**SITE, "site": "other"}, "path": {"label": "x"}, "query": SITE}[change]
    other = await here.ask("POST", path, json=body, headers=KEY)
    assert other.status_code == 422
    if change != "query":
        assert other.json()["code"] == "key_reused"
    assert hospitals(here) == 1


async def test_a_key_is_its_accounts_own(here: World) -> None:
    assert (await here.ask("POST", "/sites", json=SITE, headers=KEY)).status_code == 201
    other = await here.ask("POST", "/sites", as_="manager", json={**SITE, "hospital": "Other"}, headers=KEY)
    assert (other.status_code, hospitals(here)) == (201, 2)


async def test_of_concurrent_twins_one_is_executed(here: World) -> None:
    answers = await asyncio.gather(*(here.ask("POST", "/sites", json=SITE, headers=KEY) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    assert hospitals(here) == 1


async def test_a_twin_that_takes_too_long_is_not_waited_for_for_ever(here: World) -> None:
    account = here.look("SELECT id FROM account WHERE name = 'staff'")[0][0]
    async with here.app.state.context.pool.connection() as connection:
        await connection.execute("SET lock_timeout = '100ms'")  # the role's own limit is seconds
    with psycopg.connect(here.database.superuser) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s::text || ' ' || %s, 1))",
            (account, KEY["Idempotency-Key"]),
        )
        busy = await here.ask("POST", "/sites", json=SITE, headers=KEY)
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (409, "busy", "1")


async def test_what_failed_may_be_tried_again_with_its_key(here: World) -> None:
    wrong = {"name": "x", "model": "generic-dr", "site": {"id": 999}}
    assert (await here.ask("POST", "/devices", json=wrong, headers=KEY)).status_code == 422
    right = {**wrong, "site": {"id": here.a.site}}
    assert (await here.ask("POST", "/devices", json=right, headers=KEY)).status_code == 201


async def test_a_kept_answer_opens_only_for_the_token_that_asked(here: World) -> None:
    body = {"name": "x", "model": "generic-dr", "site": {"id": here.a.site}}
    first = await here.ask("POST", "/devices", json=body, headers=KEY)
    here.tokens["second"] = (await here.ask("POST", "/tokens", json={"label": "2", "days": 1})).json()["token"]
    second = await here.ask("POST", "/devices", as_="second", json=body, headers=KEY)
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert first.json()["code"] not in second.text
    assert here.look("SELECT count(*) FROM device") == [(3,)]


async def test_an_answer_is_kept_for_a_day(here: World) -> None:
    assert (await here.ask("POST", "/sites", json=SITE, headers=KEY)).status_code == 201
    here.clock.now = NOW + KEPT - timedelta(seconds=1)
    assert (await here.ask("POST", "/sites", json=SITE, headers=KEY)).status_code == 201
    here.clock.now = NOW + KEPT + timedelta(seconds=1)
    assert (await here.ask("POST", "/sites", json=SITE, headers=KEY)).status_code == 409, "done anew"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "键"])
async def test_what_is_no_key(still: World, key: str) -> None:
    answer = await still.ask("POST", "/sites", json=SITE, headers={"Idempotency-Key": key.encode()})  # type: ignore[dict-item]  # bytes, as a raw client sends
    assert (answer.status_code, answer.json()["where"]) == (422, "header.idempotency-key")


# Problems -------------------------------------------------------------------------------------------------------------


async def test_an_address_that_is_none(still: World) -> None:
    for path in (
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/devices/",
        "/api/v1/../x",
        "/api/v1/tickets/WX1/x",
    ):
        answer = await still.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_method_that_is_none_names_those_that_are(still: World) -> None:
    answer = await still.ask("PUT", f"/devices/{still.a.device}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, PATCH"
    assert (await still.ask("DELETE", "/devices")).headers["allow"] == "GET, POST"


def nested(levels: int) -> bytes:
    return b'{"label":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 415, "media_type"),
        (b"{", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"label": NaN}', 400, "malformed"),
        (b'{"label": "\\ud800"}', 422, "invalid"),
        (b'{"label": "a\\u0000"}', 422, "invalid"),
        (b'{"label": "x", "password": "\\udfff"}', 422, "invalid"),
        (b'{"label": "x", "\\ud800": 1}', 422, "invalid"),
        (b'{"label": "x", "password": "\xed\xa0\x80"}', 422, "invalid"),
        (b'{"label": "x", "days": 1, "days": 366}', 400, "malformed"),
        (b'{"label": {"x": 1, "x": 1}}', 400, "malformed"),
        (nested(10), 422, "invalid"),
        (nested(16), 400, "malformed"),
        (nested(100_000), 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'"x"', 422, "invalid"),
        (b'{"label": "x", "more": 1}', 422, "invalid"),
        (b'{"label": "x", "days": "7"}', 422, "invalid"),
        (b'{"label": "x", "days": true}', 422, "invalid"),
        (b'{"label": "x", "days": 1e400}', 422, "invalid"),
        (b'{"label": "x", "days": 99999999999999999999999}', 422, "invalid"),
        (b'{"label": "x", "days": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b'{"label": "' + b"x" * MAX_BODY + b'"}', 413, "too_large"),
    ],
)
async def test_hostile_bodies(still: World, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"} if body else {}
    answer = await still.ask("POST", "/tokens", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000, "what was sent is not sent back"
    assert still.look("SELECT count(*) FROM api_token WHERE label <> 'test'") == [(0,)]


async def test_a_body_that_never_ends_is_cut_off(still: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65_536

    answer = await still.ask("POST", "/tokens", content=pieces(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_that_comes_too_slowly_holds_no_connection(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        assert still.app.state.context.pool.get_stats()["pool_available"] == 1
        await asyncio.Event().wait()

    monkeypatch.setattr("api.http.route.BODY_S", 0.05)
    answer = await still.ask("POST", "/tokens", content=never(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_a_body_is_json_and_says_so(still: World, content: str) -> None:
    answer = await still.ask("POST", "/tokens", content=b'{"label": "x"}', headers={"Content-Type": content})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")


async def test_a_body_where_none_is_wanted(still: World) -> None:
    answer = await still.ask("GET", "/devices", content=b"{}")
    assert (answer.status_code, answer.json()["where"]) == (422, "body")


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("nonsense=1", "query"),
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("limit=x", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("next=x", "query.next"),
        ("next=%00", "query.next"),
        ("next=" + "A" * 300, "query.next"),
        ("lang=fr", "query.lang"),
        ("site=99999999999999999999", "query.site.0"),
        ("site=0", "query.site.0"),
        ("model=%00", "query.model.0"),
    ],
)
async def test_what_a_query_cannot_be(still: World, query: str, where: str) -> None:
    answer = await still.ask("GET", f"/devices?{query}")
    assert (answer.status_code, answer.json()["where"]) == (422, where)


async def test_a_cursor_belongs_to_its_list(still: World) -> None:
    cursor = (await still.ask("GET", "/devices?limit=1")).json()["next"]
    answer = await still.ask("GET", f"/tickets?next={cursor}")
    assert (answer.status_code, answer.json()["where"]) == (422, "query.next")


async def test_a_problem_never_repeats_a_secret(still: World) -> None:
    secret = "hunter2-" + "x" * 300
    for path, body in (
        ("/login", {"user": "wang.li", "password": secret}),
        ("/login", {"user": "wang.li", "password": {"nested": secret}}),
        ("/login", {"user": "wang.li", secret: "x"}),
        ("/recipients", {"name": "x", "address": secret}),
        ("/recipients", {"name": "x", "address": [secret]}),
    ):
        answer = await still.ask("POST", path, json=body)
        assert answer.status_code == 422, (path, answer.text)
        if secret not in body:
            assert "hunter2" not in answer.text, path


async def test_what_nobody_foresaw_is_a_problem_too_and_logged_without_values(
    still: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("hunter" + str(len(_) - 1))

    monkeypatch.setattr("api.devices.lists.device_fields", broken)
    answer = await still.ask("GET", "/devices")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    logged = capsys.readouterr()
    assert "request_failed" in logged.out + logged.err
    assert "/api/v1/devices" in logged.out + logged.err
    assert "hunter2" not in answer.text + logged.out + logged.err


async def test_headers_that_keep_a_browser_quiet(still: World) -> None:
    for answer in (
        await still.ask("GET", "/devices"),
        await still.http.get("/api/nothing"),
        await still.http.get("/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    preflight = await still.http.options(
        "/api/v1/devices", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    )
    assert (preflight.status_code, "access-control-allow-origin" in preflight.headers) == (405, False)


# Health ---------------------------------------------------------------------------------------------------------------


async def test_alive_and_ready(here: World) -> None:
    assert (await here.http.get("/healthz")).status_code == 200
    assert (await here.http.get("/readyz")).status_code == 200
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)")
    behind = await here.http.get("/readyz")
    assert (behind.status_code, "steth migrate" in behind.json()["detail"]) == (503, True)
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version = 99 WHERE version = 1")
    ahead = await here.http.get("/readyz")
    assert (ahead.status_code, "upgrade" in ahead.json()["detail"]) == (503, True)


async def test_without_a_database_every_answer_is_503_and_the_process_lives(copy: Database) -> None:
    async with open_pool(copy.api, role="api", min_size=1, max_size=1, timeout_s=2) as pool:
        app = create_app(settings=Settings(mqtt_url="mqtt://x:1"), pool=pool, catalog=CATALOG, clock=lambda: NOW)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
            async with pool.connection():  # the only one is taken
                pool.timeout = 0.1
                answer = await http.get("/api/v1/devices", headers={"Authorization": "Bearer st_" + "A" * 43})
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert answer.headers["retry-after"] == "2"
                assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).status_code == 200


async def test_a_database_that_only_reads_is_no_fault_of_ours_and_is_tried_again_later(here: World) -> None:
    """A replica that doesn't lead yet."""
    name = here.database.name
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (name,),
        )
    assert (await here.ask("GET", "/devices")).status_code == 200
    answer = await here.ask("POST", "/sites", json={"hospital": "h", "site": "s"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")


async def test_metrics_have_labels_that_nobody_can_multiply(still: World) -> None:
    for path in ("/devices/da00000000001", "/devices/db00000000001", "/devices/dzzzzzzzzzzzz"):
        await still.ask("GET", path)
    await still.http.get("/api/v1/made-up")
    await still.http.request("BREW", "/api/coffee")
    text = (await still.http.get("/metrics")).text
    assert 'steth_api_requests_total{method="GET",route="/api/v1/devices/{id}",status="200"} 2.0' in text
    assert 'steth_api_requests_total{method="GET",route="/api/v1/devices/{id}",status="404"} 1.0' in text
    assert 'steth_api_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert "da00000000001" not in text
    assert "coffee" not in text
    assert "BREW" not in text
    assert 'steth_api_request_seconds_count{method="GET",route="/api/v1/devices/{id}"} 3.0' in text
    assert "process_resident_memory_bytes" in text


async def test_the_document_is_served(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await still.http.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"].startswith("3.1")
    assert answer.headers["content-type"] == "application/json"
    with monkeypatch.context() as patched:
        patched.setattr(still.app, "openapi", None)
        again = await still.http.get("/api/v1/openapi.json")
    assert again.content == answer.content, "written once: who asks again and again, without an account, costs nothing"
