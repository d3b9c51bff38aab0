"""Every role at every route, and one hospital at everything of another."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb

from api.app import Api
from api.http.rights import PREFIX, PUBLIC, ROUTES
from people.roles import Kind, Role
from tests.integration.api.world import DEALER, FAMILY, Hospital, World

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/tokens"): {"label": "t"},
    ("POST", "/accounts"): {"name": "x", "role": "noc", "org": DEALER},
    ("PATCH", "/accounts/{id}"): {"active": False},
    ("POST", "/account/password"): {"old": "x", "new": "correct horse battery staple"},
    ("POST", "/devices"): {"name": "x", "model": "generic-dr", "site": {"id": 1}, "dealer": DEALER},
    ("PATCH", "/devices/{id}"): {"name": "renamed"},
    ("POST", "/devices/{id}/move"): {"site": {"id": 1}, "reason": "r"},
    ("POST", "/alerts/{id}/acknowledge"): {"note": "n"},
    ("POST", "/alerts/{id}/unacknowledge"): {"note": "n"},
    ("POST", "/tickets/{number}/transition"): {"event": "take"},
    ("POST", "/tickets/{number}/confirm"): {"repaired": True},
    ("POST", "/tickets/{number}/release"): {"note": "n"},
    ("POST", "/devices/{id}/report"): {"words": "w", "usable": "no"},
    ("POST", "/dealers"): {"name": "New dealer", "prefix": "NEW"},
    ("POST", "/devices/{id}/service"): {"dealer": 7},
    ("PATCH", "/orgs/{id}"): {"name": "renamed"},
    ("POST", "/sites"): {"hospital": "New", "site": "New"},
    ("PATCH", "/sites/{id}"): {"address": "moved"},
    ("POST", "/contacts"): {"hospital": 2, "name": "x", "part": "it", "phone": "123"},
    ("PATCH", "/contacts/{id}"): {"phone": "456"},
    ("POST", "/recipients"): {"name": "x", "dealer": DEALER, "address": "jsons://example.com"},
    ("PATCH", "/recipients/{id}"): {"name": "renamed"},
}


CANARY = "值班-7c41e9"
ENDLESS = "/stream"
"""Its answer never ends; test_stream.py asks it."""
QUERIES = {"/devices/{id}/series": "?metric=detector.temperature", "/repairs": f"?family={FAMILY}"}


def concrete(template: str, of: Hospital) -> str:
    """A route's path to something of a hospital."""
    ids = {
        "/devices/{id}": of.device,
        "/alerts/{id}": of.alert,
        "/recipients/{id}": of.recipient,
        "/accounts/{id}": of.account,
        "/orgs/{id}": of.org,
        "/sites/{id}": of.site,
        "/contacts/{id}": of.contact,
        "/tokens/{id}": 999,
    }
    template = template.replace("{token}", str(of.token))
    for prefix, value in ids.items():
        if template.startswith(prefix):
            return template.replace("{id}", str(value)) + QUERIES.get(template, "")
    return template.replace("{number}", of.ticket) + QUERIES.get(template, "")


def request_of(method: str, template: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a request to a route needs besides its path."""
    body = {"json": BODIES[method, template]} if (method, template) in BODIES else {}
    return {"headers": {"If-Match": "*", **(more or {})}, **body}


def app_routes() -> Iterator[tuple[str, str]]:
    document = Api().openapi()
    for path, operations in document["paths"].items():
        for method in operations:
            yield method.upper(), path.removeprefix(PREFIX)


def test_every_route_has_its_roles_and_every_entry_its_route() -> None:
    assert set(app_routes()) == set(ROUTES)


def test_nothing_is_served_below_the_prefix_that_the_document_does_not_show() -> None:
    hidden = [route for route in Api().routes if isinstance(route, APIRoute) and not route.include_in_schema]
    assert {route.path for route in hidden} <= {"/healthz", "/readyz", "/metrics"}


async def test_a_hospital_sees_its_own_in_every_list_and_nothing_of_another(still: World) -> None:
    for template in ("/devices", "/alerts", "/tickets", "/sites"):
        own = (await still.ask("GET", template, as_="hospital-a")).json()
        assert len(own["items"]) == 1, template
        assert own["next"] is None
        foreign = _words_of(still.b)
        assert not [word for word in foreign if word in (await still.ask("GET", template, as_="hospital-a")).text]
        assert len((await still.ask("GET", template)).json()["items"]) == 2, f"staff see both in {template}"


def _words_of(hospital: Hospital) -> list[str]:
    return [hospital.name, hospital.device, str(hospital.alert), hospital.ticket]


async def test_what_is_anothers_looks_like_what_is_not_there(still: World) -> None:
    nowhere = Hospital(
        org=999,
        site=999,
        device="dzzzzzzzzzzzz",
        alert=UUID(int=7),
        ticket="WX20990101-001",
        recipient=999,
        account=999,
        token=999,
        contact=999,
        name="nowhere",
    )
    for method, template in ROUTES:
        if "{" not in template or template.startswith("/tokens"):
            continue
        for role in ("hospital-a", "manager"):
            more = request_of(method, template)
            gone = await still.ask(method, concrete(template, nowhere), as_=role, **more)
            if role == "hospital-a":
                theirs = await still.ask(method, concrete(template, still.b), as_=role, **more)
                assert (theirs.status_code, theirs.text) == (gone.status_code, gone.text), (method, template)
            assert gone.status_code in {403, 404}, (method, template, gone.text)


async def test_whom_the_provider_tells_and_what_became_of_it_is_staffs(here: World) -> None:
    """In no answer to a hospital's account, in either language: no name, no outcome, no trace of the telling."""
    for org in (here.a.org, None):
        body = {"name": f"{CANARY} {org}", "address": "jsons://example.com", "hospital": org}
        made = (await here.ask("POST", "/recipients", json=body)).json()
        await here.ask("PATCH", f"/recipients/{made['id']}", json={"active": True}, headers={"If-Match": "*"})
        await here.ask("POST", f"/recipients/{made['id']}/test")
        here.look(
            "INSERT INTO telling (owner_id, ticket_id, step, recipient_id, org_id, message, state, attempts,"
            " error, error_params)"
            " SELECT 1, id, 'worse', %s, org_id, 'm', 'given-up', 3, 'telling.code', %s FROM ticket WHERE number = %s"
            " RETURNING id",
            made["id"],
            Jsonb({"receiver": CANARY, "code": 7}),
            here.a.ticket,
        )
        here.look(
            "INSERT INTO ticket_event (dealer_id, ticket_id, org_id, at, event, message, params)"
            " SELECT 1, id, org_id, now(), 'telling-given-up', 'ticket.telling_given_up', %s FROM ticket"
            " WHERE number = %s"
            " RETURNING id",
            Jsonb({"who": body["name"], "attempts": 3}),
            here.a.ticket,
        )
    seen: dict[str, str] = {}
    for role, lang in product(("hospital-a", "manager"), ("zh", "en")):
        for method, template in ROUTES:
            if method == "GET" and template != ENDLESS:
                spoken = {"Accept-Language": lang}
                answer = await here.ask("GET", concrete(template, here.a), as_=role, headers=spoken)
                assert CANARY not in answer.text or role == "manager", template
                seen[role] = seen.get(role, "") + (answer.text if answer.is_success else "")
    assert seen["manager"].count(CANARY) > 10
    for trace in (CANARY, "NOC", "recipient-", "recipient:", "telling", "given-up", "given up", "已放弃"):
        assert trace in seen["manager"], trace
        at = seen["hospital-a"].find(trace)
        assert at < 0, seen["hospital-a"][max(0, at - 80) : at + 80]


@pytest.mark.parametrize("list_", ["/devices", "/alerts", "/tickets"])
async def test_filters_and_cursors_lead_to_nobody_else(still: World, list_: str) -> None:
    whole = (await still.ask("GET", f"{list_}?limit=1")).json()
    assert whole["next"], "staff have a second page, which is another hospital's"
    for query in (
        f"next={whole['next']}",
        f"device={still.b.device}",
        f"hospital={still.b.org}",
        f"site={still.b.site}",
    ):
        answer = await still.ask("GET", f"{list_}?{query}", as_="hospital-b" if "next" in query else "hospital-a")
        foreign = _words_of(still.a if "next" in query else still.b)
        assert not [word for word in foreign if word in answer.text]


async def test_a_hospital_can_change_nothing_of_another_and_of_its_own_only_report(here: World) -> None:
    def state() -> list[list[tuple[Any, ...]]]:
        tables = (
            "org",
            "site",
            "device",
            "alert_operator",
            "alert_event",
            "ticket",
            "ticket_event",
            "recipient",
            "account",
        )
        return [here.look(f"SELECT to_jsonb(t) FROM {table} t ORDER BY 1") for table in tables]  # noqa: S608

    before = state()
    for (method, template), whose in product(ROUTES, (here.a, here.b)):
        if template.endswith("/report") and whose is here.a:
            continue
        if method != "GET" and not template.startswith("/tokens") and ROUTES[method, template] is not PUBLIC:
            await here.ask(method, concrete(template, whose), as_="hospital-a", **request_of(method, template))
    assert state() == before


async def test_the_database_holds_the_tenancy_even_if_a_route_forgets_it(still: World) -> None:
    """The statements themselves name no organisation: it is the policies that hold, and only inside the transaction."""
    async with still.app.state.context.pool.connection() as connection:
        found = await connection.execute("SELECT count(*) FROM device")
        assert await found.fetchone() == (0,), "a connection that was used before sees nothing by itself"


async def test_a_hospital_reads_its_own_chain_of_the_audit_log(here: World) -> None:
    for ticket in (here.a.ticket, here.b.ticket):
        path = f"/tickets/{ticket}/transition"
        moved = await here.ask("POST", path, as_="noc", json={"event": "receive"}, headers={"If-Match": '"1"'})
        assert moved.status_code == 200, moved.text
    own = (await here.ask("GET", "/audit", as_="hospital-a")).json()["items"]
    assert [(entry["subject"], entry["org"]) for entry in own] == [(f"ticket:{here.a.ticket}", here.a.org)]
    foreign = (await here.ask("GET", f"/audit?org={here.b.org}", as_="hospital-a")).json()
    assert foreign == {"items": [], "next": None}
    assert len((await here.ask("GET", f"/audit?org={here.b.org}")).json()["items"]) == 1


def test_what_some_of_a_hospital_may_and_not_all_of_it() -> None:
    hospital = {role for role in Role if role.kind is Kind.HOSPITAL}
    mixed = {path.split("/")[1] for (_, path), roles in ROUTES.items() if 0 < len(hospital & roles) < len(hospital)}
    assert mixed == {"audit", "accounts", "credentials", "contacts", "recipients", "tickets"}
