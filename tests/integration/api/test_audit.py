"""The audit log: what is in it, and that a change of it shows."""

import asyncio
import hashlib
import json
from typing import Any

import psycopg
import pytest

from api.audit import Link, broken_at, read_chain
from store.pool import EVERY_ORG, scoped
from tests.integration.api.test_devices import pages
from tests.integration.api.world import World


async def busy_day(here: World) -> None:
    """One of each thing that is audited, at hospital a and at the provider's."""
    ticket = f"/tickets/{here.a.ticket}/transition"
    alert = f"/alerts/{here.a.alert}"
    await here.ask("POST", "/tokens", json={"label": "export"})
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
    of_a = await pages(here, f"/audit?hospital={here.a.org}&limit=2")
    assert [(entry["action"], entry["actor"]) for entry in reversed(of_a)] == [
        ("device-minted", "admin"),
        ("device-enrolled", of_a[5]["actor"]),
        ("code-created", "admin"),
        ("device-changed", "admin"),
        ("alert-acknowledged", "admin"),
        ("alert-unacknowledged", "admin"),
        ("ticket-take", "admin"),
    ]
    own = await pages(here, "/audit")
    assert [entry["action"] for entry in reversed(own)] == ["token-created", "recipient-created"]
    assert "hunter2" not in json.dumps(own)
    assert await pages(here, f"/audit?hospital={here.b.org}") == []


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


async def chain(here: World, org: int | None) -> list[Link]:
    async with scoped(here.app.state.context.pool, EVERY_ORG) as connection:
        return [link async for link in read_chain(connection, org)]


async def test_a_whole_chain_is_whole(here: World) -> None:
    await busy_day(here)
    for org in (here.a.org, here.b.org, None):
        assert broken_at(await chain(here, org)) is None
    assert len(await chain(here, here.a.org)) == 7


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit SET actor = 'nobody' WHERE id = %s",
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE id = %s",
        """UPDATE audit SET detail = '{"note": "other"}' WHERE id = %s""",
        "UPDATE audit SET previous = sha256(previous) WHERE id = %s",
        "UPDATE audit SET hash = sha256(hash) WHERE id = %s",
        "DELETE FROM audit WHERE id = %s",
    ],
)
async def test_whatever_is_changed_in_the_middle_shows(here: World, harm: str) -> None:
    await busy_day(here)
    before = await chain(here, here.a.org)
    with psycopg.connect(here.database.superuser, autocommit=True) as connection:
        connection.execute(harm.encode(), (before[3].id,))
    broken = broken_at(await chain(here, here.a.org))
    assert broken in {before[3].id, before[4].id}


async def test_the_api_itself_can_neither_change_nor_remove_an_entry(here: World) -> None:
    await busy_day(here)
    for harm in (b"UPDATE audit SET actor = 'x'", b"DELETE FROM audit"):
        async with scoped(here.app.state.context.pool, EVERY_ORG) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with connection.transaction():
                    await connection.execute(harm)


async def test_many_at_once_make_one_chain(here: World) -> None:
    await asyncio.gather(
        *(
            here.ask("POST", "/tokens", as_=who, json={"label": f"{n}"})
            for n in range(5)
            for who in ("admin", "operator")
        )
    )
    links = await chain(here, None)
    assert len(links) == 10
    assert broken_at(links) is None


async def test_what_is_refused_leaves_no_entry_and_a_failed_login_leaves_one(here: World) -> None:
    await here.ask("POST", f"/alerts/{here.a.alert}/acknowledge", json={}, headers={"If-Match": '"9"'})
    await here.http.post("/api/v1/login", json={"user": "hospital-a", "password": "hunter2"})
    links = await chain(here, here.a.org)
    assert [(link.entry.action, link.entry.detail) for link in links] == [("login-failed", {"address": "192.0.2.7"})]
