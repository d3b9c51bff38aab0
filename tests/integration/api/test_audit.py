"""The audit log: what is in it, and that a change of it shows."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from people.audit.chain import GENESIS, Link, chain_of, chained, read_links
from people.audit.walk import Broken, Fault, Walk, own_head
from store.pool import EVERY_ORG, scoped
from tests.integration.api.world import DEALER, World, pages


async def busy_day(here: World) -> None:
    """One of each thing that is audited, at hospital a and at the provider's."""
    ticket = f"/tickets/{here.a.ticket}/transition"
    alert = f"/alerts/{here.a.alert}"
    await here.ask("POST", "/tokens", json={"label": "export", "days": 7})
    device = await here.ask("POST", "/devices", json={"name": "x", "model": "generic-dr", "site": {"id": here.a.site}})
    await here.http.post("/api/v1/enrol", json={"code": device.json()["code"]})
    await here.ask("POST", f"/devices/{here.a.device}/code")
    await here.ask("PATCH", f"/devices/{here.a.device}", json={"name": "y"}, headers={"If-Match": "*"})
    await here.ask("POST", f"{alert}/acknowledge", json={"note": "看见了"}, headers={"If-Match": "*"})
    await here.ask("POST", f"{alert}/unacknowledge", json={}, headers={"If-Match": "*"})
    await here.ask("POST", ticket, json={"event": "take"}, headers={"If-Match": "*"})
    await here.ask("POST", "/recipients", json={"name": "NOC", "address": "jsons://u:hunter2@example.com"})


async def test_what_is_done_is_in_the_chain_of_whom_it_concerns(here: World) -> None:
    await busy_day(here)
    of_a = await pages(here, f"/audit?org={here.a.org}&limit=2")
    assert [(entry["action"], entry["actor"]) for entry in reversed(of_a)] == [
        ("device-minted", "staff"),
        ("device-enrolled", of_a[5]["actor"]),
        ("code-created", "staff"),
        ("device-changed", "staff"),
        ("alert-acknowledged", "staff"),
        ("alert-unacknowledged", "staff"),
        ("ticket-take", "staff"),
    ]
    own, dealers = await pages(here, "/audit"), await pages(here, "/audit", as_="manager")
    assert [entry["action"] for entry in own] == ["token-created"]
    assert [entry["action"] for entry in dealers] == ["recipient-created"]
    assert "hunter2" not in json.dumps(dealers)
    assert await pages(here, f"/audit?org={here.b.org}") == []


def verified_from_outside(entries: list[dict[str, Any]]) -> bool:
    """As a hospital would: from the API's answer and the rule in its description alone."""
    previous = "00" * 32
    for entry in entries:
        at = entry["at"].removesuffix("Z")
        at = at if "." in at else f"{at}.000000"
        body = {key: entry[key] for key in ("action", "actor", "detail", "org", "subject")} | {"at": f"{at}Z"}
        packed = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        if entry["previous"] != previous:
            return False
        if entry["hash"] != hashlib.sha256(packed + bytes.fromhex(previous)).hexdigest():
            return False
        previous = entry["hash"]
    return True


async def test_a_hospital_can_verify_its_chain_by_itself(here: World) -> None:
    await busy_day(here)
    entries = list(reversed(await pages(here, "/audit?limit=3")))
    assert verified_from_outside(entries)
    own = list(reversed((await here.ask("GET", "/audit", as_="hospital-a")).json()["items"]))
    assert len(own) == 7
    assert verified_from_outside(own)
    assert not verified_from_outside([{**own[0], "actor": "nobody"}, *own[1:]])


async def links_of(here: World, org: int | None) -> list[Link]:
    async with scoped(here.app.state.context.pool, EVERY_ORG) as connection:
        chain = await chain_of(connection, org)
        return [] if chain is None else [link async for link in read_links(connection, chain.id)]


async def verified(here: World, org: int | None) -> Broken | None:
    """The chain against itself, and against what the database says of its end."""
    async with scoped(here.app.state.context.pool, EVERY_ORG) as connection:
        chain = await chain_of(connection, org)
        if chain is None:
            return None
        walk = Walk(org=org, heads=own_head(chain))
        async for link in read_links(connection, chain.id):
            if broken := walk.step(link):
                return broken
        return walk.end()


def harm(here: World, *statements: str) -> None:
    """What the table's owner can do, who can do without the trigger."""
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        for statement in ("ALTER TABLE audit DISABLE TRIGGER stays", *statements):
            connection.execute(statement.encode())


async def test_a_whole_chain_is_whole(here: World) -> None:
    await busy_day(here)
    for org in (here.a.org, here.b.org, None):
        assert await verified(here, org) is None
    links = await links_of(here, here.a.org)
    assert [link.position for link in links] == list(range(1, 8))


@pytest.mark.parametrize(
    ("statement", "place", "fault"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE position = 4", 4, Fault.CHANGED),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE position = 4", 4, Fault.CHANGED),
        ("""UPDATE audit SET detail = '{"note": "other"}' WHERE position = 4""", 4, Fault.CHANGED),
        ("UPDATE audit SET previous = sha256(previous) WHERE position = 4", 4, Fault.UNLINKED),
        ("UPDATE audit SET hash = sha256(hash) WHERE position = 4", 4, Fault.CHANGED),
        ("DELETE FROM audit WHERE position = 4", 4, Fault.UNLINKED),
        ("DELETE FROM audit WHERE position >= 6", 6, Fault.CUT),
        ("DELETE FROM audit", 1, Fault.CUT),
        ("UPDATE audit SET position = 100 WHERE position = 7", 7, Fault.UNLINKED),
        ("UPDATE audit SET org_id = NULL WHERE position = 2", 2, Fault.CHANGED),
    ],
)
async def test_whatever_is_changed_shows_and_the_api_says_where(
    here: World, statement: str, place: int, fault: Fault
) -> None:
    await busy_day(here)
    harm(here, statement)
    broken = await verified(here, here.a.org)
    assert broken is not None
    assert (broken.position, broken.fault) == (place, fault)
    told = (await here.ask("GET", f"/audit/verification?org={here.a.org}")).json()
    assert not told["whole"]
    assert told["broken"] == {"position": place, "id": broken.id, "fault": fault.value}
    assert told["verified"] == place - 1


async def test_the_api_verifies_a_chain_in_pieces(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await busy_day(here)
    monkeypatch.setattr("api.audit.routes.STEP", 4)

    async def pieces(as_: str) -> list[tuple[bool, int]]:
        found, behind = [], 0
        while True:
            told = (await here.ask("GET", f"/audit/verification?behind={behind}", as_=as_)).json()
            found.append((told["whole"], told["verified"]))
            if told["next"] is None:
                return found
            behind = told["next"]

    assert await pieces("hospital-a") == [(True, 4), (True, 7)]
    refused = await here.ask("GET", "/audit/verification?behind=8", as_="hospital-a")
    assert (refused.status_code, refused.json()["where"]) == (422, "query.behind")
    # The last entry of a piece, put in anew with a hash that fits: its follower doesn't.
    fourth = (await links_of(here, here.a.org))[3]
    forged = chained(replace(fourth.entry, actor="x"), fourth.previous)
    harm(here, f"UPDATE audit SET actor = 'x', hash = '\\x{forged.hex()}' WHERE id = {fourth.id}")  # noqa: S608
    assert await pieces("hospital-a") == [(True, 4), (False, 4)]


async def test_the_head_of_a_chain(here: World) -> None:
    assert (await here.ask("GET", "/audit/head", as_="hospital-a")).json() == {
        "chain": None,
        "org": here.a.org,
        "entries": 0,
        "hash": GENESIS.hex(),
        "signed": None,
    }
    await busy_day(here)
    told = (await here.ask("GET", "/audit/head", as_="hospital-a")).json()
    last = (await here.ask("GET", "/audit?limit=1", as_="hospital-a")).json()["items"][0]
    assert (told["entries"], told["hash"]) == (7, last["hash"]) == (last["position"], last["hash"])
    for what in ("head", "verification"):
        foreign = (await here.ask("GET", f"/audit/{what}?org={here.b.org}", as_="hospital-a")).json()
        theirs = (await here.ask("GET", f"/audit/{what}?org=999", as_="hospital-a")).json()
        assert {**foreign, "org": 0} == {**theirs, "org": 0}


async def test_the_database_lets_nothing_change_and_no_chain_fork(here: World) -> None:
    await busy_day(here)
    before = here.look("SELECT to_jsonb(t) FROM audit t ORDER BY id")
    fork = (
        "INSERT INTO audit (org_id, actor, action, subject, previous, hash) "
        "SELECT org_id, 'x', 'x', 'x', previous, 'x' FROM audit"
    )
    cases = {
        "UPDATE audit SET actor = 'x'": errors.InsufficientPrivilege,
        "DELETE FROM audit": errors.InsufficientPrivilege,
        "TRUNCATE audit": errors.InsufficientPrivilege,
        fork: errors.SerializationFailure,
    }
    for role in ("owner", "superuser"):
        with psycopg.connect(getattr(here.database, role), autocommit=True) as connection:
            for statement, refusal in cases.items():
                with pytest.raises(refusal):
                    connection.execute(statement.encode())
    assert here.look("SELECT to_jsonb(t) FROM audit t ORDER BY id") == before


async def test_the_api_itself_can_neither_change_nor_remove_an_entry(here: World) -> None:
    await busy_day(here)
    for statement in (b"UPDATE audit SET actor = 'x'", b"DELETE FROM audit", b"UPDATE audit_chain SET entries = 0"):
        async with scoped(here.app.state.context.pool, EVERY_ORG) as connection:
            with pytest.raises(errors.InsufficientPrivilege):
                async with connection.transaction():
                    await connection.execute(statement)


async def test_many_at_once_make_one_chain(here: World) -> None:
    await asyncio.gather(
        *(
            here.ask("POST", "/tokens", as_=who, json={"label": f"{n}", "days": 7})
            for n in range(5)
            for who in ("manager", "noc")
        )
    )
    assert len(await links_of(here, DEALER)) == 10
    assert await verified(here, DEALER) is None


async def test_what_is_refused_leaves_no_entry_and_a_failed_login_leaves_one(here: World) -> None:
    await here.ask("POST", f"/alerts/{here.a.alert}/acknowledge", json={}, headers={"If-Match": '"9"'})
    await here.http.post("/api/v1/login", json={"user": "equipment", "password": "hunter2"})
    links = await links_of(here, here.a.org)
    assert [(link.entry.action, link.entry.detail) for link in links] == [("login-failed", {"address": "192.0.2.7"})]


async def test_entries_are_found_by_who_what_of_what_and_when(here: World) -> None:
    await busy_day(here)
    here.clock.now += timedelta(hours=1)
    await here.ask("PATCH", f"/devices/{here.a.device}", as_="manager", json={"name": "z"}, headers={"If-Match": "*"})

    async def found(query: str) -> list[int]:
        return [entry["position"] for entry in await pages(here, f"/audit?limit=2&{query}", as_="hospital-a")]

    assert await found("actor=manager") == [8]
    assert await found("action=device-changed") == [8, 4]
    assert await found(f"q={here.a.device.upper()}&action=code-created") == [3]
    assert await found("q=manag") == [8]
    assert await found("from=2026-11-22T04:30:00Z") == [8]
    assert await found("to=2026-11-22T04:30:00Z&q=ticket:") == [7]
    assert await found("actor=manager&action=ticket-take") == []
    assert len(await found("")) == 8
