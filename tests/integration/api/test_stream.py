"""The live stream over HTTP: nothing skipped that commits late, nothing twice, everybody's own, and a beat."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from api.feed import events, log
from api.feed import hub as hubs
from api.feed import room as rooms
from api.feed.position import MAX_AWAY_MS
from api.http.problems import Problem
from api.tickets.shapes import Ticket
from people import accounts
from people.accounts import create_token
from people.roles import Kind, Role
from tests.integration.api.listener import SOON_S, EndedError, happens, happens_now, listening
from tests.integration.api.world import NOW, World


async def test_it_begins_with_the_state_of_all_devices_and_whether_it_can_be_believed(url: str, here: World) -> None:
    async with listening(url, here) as tab:
        hello = await tab.next()
        assert (hello.name, hello.data["resumed"], hello.data["version"]) == ("hello", False, "1")
        devices = await tab.next()
        assert devices.name == "devices"
        assert {item["id"] for item in devices.data["items"]} == {here.a.device, here.b.device}
        item = devices.data["items"][0]
        assert (item["connected"]["value"], item["fresh"]["value"], item["healthy"]["value"]) == (True, True, False)
        assert (item["open_alerts"], item["open_tickets"], item["last_seen"]) == (1, 1, "2026-11-22T03:59:56Z")
        beat = await tab.next()
        assert (beat.name, beat.data["ok"], beat.data["reason"]) == ("beat", False, "partitions-unowned")
        assert beat.data["now"] == "2026-11-22T04:00:00Z"


async def test_what_commits_late_is_neither_skipped_nor_told_twice_nor_out_of_order(url: str, here: World) -> None:
    """Delivery 19: the transaction that began first commits last."""
    async with listening(url, here) as tab:
        await tab.next("beat")
        with psycopg.connect(here.database.superuser) as early, psycopg.connect(here.database.superuser) as late:
            happens(early, here.a)
            happens(late, here.b)
            late.commit()
            await tab.nothing_for(0.6, "alert")
            assert (await tab.next("beat")).data["held_s"] > 0, "and it is told that something is held back"
            early.commit()
        told = [await tab.next("alert"), await tab.next("alert")]
        assert [each.data["id"] for each in told] == [str(here.a.alert), str(here.b.alert)]
        await tab.nothing_for(0.6, "alert")
        assert (await tab.next("beat")).data["held_s"] == 0


async def test_a_tab_goes_on_where_it_was(url: str, here: World) -> None:
    async with listening(url, here) as tab:
        happens_now(here, here.a)
        await tab.next("alert")
    happens_now(here, here.b)
    with psycopg.connect(here.database.superuser) as connection:
        connection.execute(
            "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message) "
            "SELECT 1, id, org_id, now(), 'received', 'ticket.opened' FROM ticket WHERE number = %s",
            (here.a.ticket,),
        )
    async with listening(url, here, last=tab.last) as again:
        assert (await again.next()).data["resumed"] is True
        missed = [await again.next(), await again.next()]
        assert [(each.name, each.data.get("number", each.data["id"])) for each in missed] == [
            ("alert", str(here.b.alert)),
            ("ticket", here.a.ticket),
        ]
        await again.nothing_for(0.5, "alert", "ticket")
    async with listening(url, here, last=again.last) as third:
        await third.nothing_for(0.5, "alert", "ticket")


async def test_what_was_held_back_when_a_tab_left_is_told_when_it_comes_back(url: str, here: World) -> None:
    async with listening(url, here) as tab:
        await tab.next("beat")
        with psycopg.connect(here.database.superuser) as early:
            happens(early, here.a)
            happens_now(here, here.b)
            await tab.next("beat")
            await tab.next("beat")
            early.commit()
            last = tab.last
    async with listening(url, here, last=last) as again:
        told = [await again.next("alert"), await again.next("alert")]
        assert [each.data["id"] for each in told] == [str(here.a.alert), str(here.b.alert)]


async def test_every_hospital_hears_of_its_own_alone(url: str, here: World) -> None:
    async with listening(url, here, as_="hospital-a") as own, listening(url, here, as_="hospital-b") as foreign:
        snapshot = await foreign.next("devices")
        assert [item["id"] for item in snapshot.data["items"]] == [here.b.device]
        await own.next("beat")
        happens_now(here, here.a)
        assert (await own.next("alert")).data["device"]["id"] == here.a.device
        with psycopg.connect(here.database.superuser, autocommit=True) as connection:
            connection.execute("UPDATE device_state SET connected = false")
        changed = await own.next("devices")
        while changed.data["items"][0]["connected"]["value"]:
            changed = await own.next("devices")
        assert [item["id"] for item in changed.data["items"]] == [here.a.device]
        here.look(
            "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message, params)"
            " SELECT 1, id, org_id, now(), 'telling-given-up', 'ticket.telling_given_up', '{\"who\": \"NOC-7c41e9\"}'"
            " FROM ticket WHERE number = %s RETURNING id",
            here.a.ticket,
        )
        ticket = await own.next("ticket")
        assert set(ticket.data) == set(Ticket.model_fields), "the ticket as it is, and not who was told of it"
        assert "7c41e9" not in str(ticket)
        await foreign.nothing_for(0.5, "alert", "ticket")
        last = own.last
    async with listening(url, here, as_="hospital-b", last=last) as thief:
        await thief.nothing_for(0.5, "alert", "ticket")


async def test_staff_hear_of_a_device_once_and_of_a_heartbeat_briefly(url: str, here: World) -> None:
    async with listening(url, here) as tab, listening(url, here, as_="hospital-a") as hospital:
        for each in (tab, hospital):
            await each.next("beat")
        with psycopg.connect(here.database.superuser, autocommit=True) as connection:
            connection.execute("UPDATE mark SET at = %s", (NOW,))
        heard = await tab.next("seen", "devices")
        ms = int(NOW.timestamp() * 1000)
        assert (heard.name, heard.data["seen"]) == ("seen", {here.a.device: ms, here.b.device: ms})
        assert (await hospital.next("seen")).data["seen"] == {here.a.device: ms}
        await tab.nothing_for(0.5, "seen", "devices")


async def test_what_an_operator_does_shows_on_every_screen_in_its_language(url: str, here: World) -> None:
    async with listening(url, here, lang="zh") as chinese, listening(url, here, lang="en") as english:
        for tab in (chinese, english):
            await tab.next("beat")
        path = f"/alerts/{here.a.alert}/acknowledge"
        assert (await here.ask("POST", path, json={"note": "n"}, headers={"If-Match": "*"})).status_code == 200
        zh, en = await chinese.next("alert"), await english.next("alert")
        assert zh.data["operator"]["state"] == en.data["operator"]["state"] == "acknowledged"
        assert (zh.data["version"], zh.data["message"]["text"]) != (1, en.data["message"]["text"])
        assert (await here.ask("GET", f"/alerts?device={here.a.device}&lang=en")).json()["items"] == [en.data]


@pytest.mark.parametrize("last", ["nonsense", "1-1-1-1", f"{int(NOW.timestamp() * 1000) - MAX_AWAY_MS - 1}-700-0-0"])
async def test_a_tab_that_slept_is_told_to_load_again_and_the_stream_goes_on(url: str, here: World, last: str) -> None:
    async with listening(url, here, last=last) as tab:
        reset = await tab.next()
        assert (reset.name, reset.data["reason"] in {"unknown-position", "away-too-long"}) == ("reset", True)
        assert reset.id is not None, "or it would be reset again at the next connection"
        assert (await tab.next()).data["resumed"] is False
        happens_now(here, here.a)
        assert (await tab.next("alert")).data["id"] == str(here.a.alert)


async def test_too_much_missed_is_loaded_again_too(url: str, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(url, here) as tab:
        await tab.next("beat")
        last = tab.last
    with psycopg.connect(here.database.superuser) as connection:
        for _ in range(600):
            happens(connection, here.a)
    async with listening(url, here, last=last) as again:
        assert (await again.next()).data == {"reason": "too-much-missed"}
    async with listening(url, here) as fresh:
        await fresh.next("beat")
        with psycopg.connect(here.database.superuser) as connection:
            for _ in range(600):
                happens(connection, here.a)
        assert (await fresh.next("alert")).data["id"] == str(here.a.alert), "a flood of one alert is few events"


async def test_who_is_signed_out_hears_nothing_more_after_5_s(url: str, here: World) -> None:
    password = "ein langes 口令"
    ids: dict[str, int] = {}
    async with await psycopg.AsyncConnection.connect(here.database.owner) as connection:
        for who in ("disabled", "reset", "changed", "revoked", "moved"):
            stored = await here.app.state.context.door.passwords.hash(password) if who == "changed" else "none"
            row = {
                "org": here.a.org,
                "name": who,
                "kind": "hospital",
                "role": Role.EQUIPMENT,
                "password_hash": stored,
                "made": False,
            }
            made = await accounts._SQL.one(connection, "add_account", row)
            assert made is not None
            ids[who] = made["id"]
            given: dict[str, Any] = {"account": ids[who], "now": here.clock.now, "expires_at": None}
            _, here.tokens[who] = await create_token(connection, label="tab", **given)
            _, here.tokens[f"{who}'s other"] = await create_token(connection, label="other", **given)
    revoked = (await here.ask("GET", f"/accounts/{ids['revoked']}/tokens")).json()["items"][1]
    assert revoked["label"] == "tab"
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        ("PATCH", f"/accounts/{ids['disabled']}", "staff", {"json": {"active": False}, "headers": {"If-Match": "*"}}),
        ("POST", f"/accounts/{ids['reset']}/reset", "staff", {}),
        ("POST", "/account/password", "changed's other", {"json": {"old": password, "new": password * 2}}),
        ("DELETE", f"/accounts/{ids['revoked']}/tokens/{revoked['id']}", "staff", {}),
    ]
    async with AsyncExitStack() as open_:
        tabs = {who: await open_.enter_async_context(listening(url, here, as_=who)) for who in (*ids, "hospital-a")}
        for tab in tabs.values():
            await tab.next("beat")
        for method, path, who, more in asked:
            assert (await here.ask(method, path, as_=who, **more)).status_code in {200, 204}
        here.look("UPDATE account SET org_id = %s WHERE name = 'moved' RETURNING id", here.b.org)
        assert 2 * hubs.TOKENS_S < 5, "until the next look, and for that"
        async with asyncio.timeout(5):
            for who in ids:
                assert (await tabs[who].next("reset")).data == {"reason": "signed-out"}
                with pytest.raises(EndedError):
                    await tabs[who].next()
        await tabs["hospital-a"].next("beat")
    assert (await here.ask("GET", "/devices", as_="disabled")).status_code == 401


async def test_one_reader_serves_everybody_and_rests_when_nobody_listens(
    url: str, here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read_after = log.read_after

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read_after(*args, **more)

    monkeypatch.setattr(hubs, "read_after", counted)
    async with listening(url, here) as first:
        await first.next("beat")
        reads = 0
        await first.next("beat")
        alone = max(1, reads)
        others = [listening(url, here) for _ in range(10)]
        tabs = [await other.__aenter__() for other in others]
        await tabs[-1].next("beat")
        reads = 0
        await tabs[-1].next("beat")
        assert reads <= 4 * alone, "not one reader for each"
        assert "steth_api_stream_clients 11.0" in (await here.http.get("/metrics")).text
        for other in others:
            await other.__aexit__(None, None, None)
    async with asyncio.timeout(SOON_S):
        while "steth_api_stream_clients 0.0" not in (await here.http.get("/metrics")).text:  # noqa: ASYNC110 - HTTP
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    reads = 0
    await asyncio.sleep(0.3)
    assert reads == 0


async def test_while_the_database_is_gone_it_beats_on_and_says_so(
    url: str, here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr("api.feed.beat.READER_S", 0.2)
    async with listening(url, here) as tab:
        await tab.next("beat")
        monkeypatch.setattr(hubs, "read_after", gone)
        beat = await tab.next("beat")
        while beat.data["reason"] != "feed-behind":
            beat = await tab.next("beat")
        assert (beat.data["ok"], beat.data["text"]) == (False, "What feeds this page can't read the database")


async def test_after_the_database_ended_every_connection_it_goes_on(url: str, here: World) -> None:
    async with listening(url, here) as tab:
        await tab.next("beat")
        here.look("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'steth_api'")
        happens_now(here, here.a)
        assert (await tab.next("alert", "reset")).data["id"] == str(here.a.alert), "late, but neither lost nor reset"


async def test_after_what_nobody_foresaw_it_has_everybody_load_again_and_goes_on(
    url: str, here: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("hunter" + str(len(_)))

    async with listening(url, here) as tab:
        await tab.next("beat")
        with monkeypatch.context() as patched:
            patched.setattr(events, "alert_shape", broken)
            happens_now(here, here.a)
            assert (await tab.next("reset", "alert")).data == {"reason": "server-failed"}
        happens_now(here, here.b)
        assert (await tab.next("alert")).data["id"] == str(here.b.alert)
    logged = capsys.readouterr()
    assert "stream_failed" in logged.out + logged.err
    assert "hunter2" not in logged.out + logged.err


async def test_when_the_server_stops_the_stream_ends_at_once(url: str, here: World) -> None:
    async with listening(url, here) as tab:
        await tab.next("beat")
        here.app.state.hub.close()
        with pytest.raises(EndedError):
            await tab.next("no such event")
    refused = await here.ask("GET", "/stream")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


async def test_a_proxy_passes_each_event_on_at_once(url: str, here: World) -> None:
    headers = {"Authorization": f"Bearer {here.tokens['staff']}"}
    async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/stream", headers=headers) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["x-accel-buffering"] == "no"
        assert "no-store" in response.headers["cache-control"]
        assert "content-length" not in response.headers


async def test_the_head_of_a_stream_ends_at_once_and_leaves_nobody_listening(url: str, here: World) -> None:
    async with httpx.AsyncClient(timeout=SOON_S) as client:
        head = await client.head(f"{url}/stream", headers={"Authorization": f"Bearer {here.tokens['staff']}"})
    assert (head.content, head.headers["content-type"]) == (b"", "text/event-stream; charset=utf-8")
    async with asyncio.timeout(SOON_S):
        while "steth_api_stream_clients 0.0" not in (await here.http.get("/metrics")).text:  # noqa: ASYNC110 - HTTP
            await asyncio.sleep(0.02)


async def test_what_a_tab_saw_of_a_database_that_was_since_restored_is_loaded_again(url: str, here: World) -> None:
    """Its screen shows what isn't there any more; and a position of another life says nothing of this one."""
    async with listening(url, here) as tab:
        await tab.next("beat")
        happens_now(here, here.a)
        before = (await tab.next("alert")).id
        # In a thread: the reader, in this very loop, may be in a transaction that settling waits for.
        assert await asyncio.to_thread(here.restored)
        assert (await tab.next("reset")).data["reason"] == "server-failed"
        happens_now(here, here.a)
        assert (await tab.next("alert")).data["id"] == str(here.a.alert)
        own = tab.last
    async with listening(url, here, last=before) as late:
        assert (await late.next()).data == {"reason": "unknown-position"}
    async with listening(url, here, last=own) as goes_on:
        assert (await goes_on.next()).data["resumed"] is True


async def test_an_account_has_so_many_streams_and_one_more_ends_its_oldest(
    url: str, here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "OF_ACCOUNT", 2)

    async def refused(as_: str) -> int:
        headers = {"Authorization": f"Bearer {here.tokens[as_]}"}
        async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/stream", headers=headers) as response:
            if response.status_code != 200:
                assert json.loads(await response.aread())["code"] == "too_many"
                assert response.headers["retry-after"] == "5"
            return response.status_code

    async with listening(url, here) as ghost, listening(url, here) as second, listening(url, here) as third:
        assert (await ghost.next("reset")).data == {"reason": "too-many-of-this-account"}
        with pytest.raises(EndedError):
            await ghost.next()
        assert await refused("staff") == 429, "not one after the other"
        async with listening(url, here, as_="engineer") as other:
            assert (await other.next()).name == "hello"
        for tab in (second, third):
            assert (await tab.next("beat")).name == "beat"
        here.clock.now = NOW + timedelta(seconds=5)
        async with listening(url, here) as fourth:
            assert (await fourth.next()).name == "hello"
            with pytest.raises(EndedError):
                await second.next("nothing")
    joining = [
        here.app.state.hub.join(account=-1, org=0, kind=Kind.OPERATOR, lang="en", token_id=1, last=None)
        for _ in range(20)
    ]
    joined = await asyncio.gather(*joining, return_exceptions=True)
    refusals = [one for one in joined if isinstance(one, Problem)]
    assert len(refusals) == 17, "at the same moment too: two, and one in the place of the first"


async def test_hospitals_leave_room_for_the_staff(url: str, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "OF_ORG", 1)
    monkeypatch.setattr(rooms, "OF_HOSPITALS", 1)
    async with listening(url, here, as_="hospital-a") as tab, httpx.AsyncClient() as client:
        for account, status in (("hospital-a", 429), ("hospital-b", 503)):
            answer = await client.get(f"{url}/stream", headers={"Authorization": f"Bearer {here.tokens[account]}"})
            assert (answer.status_code, answer.headers["retry-after"]) == (status, "30")
        async with listening(url, here) as staff:
            assert (await staff.next()).name == "hello"
        assert (await tab.next()).name == "hello"
