"""A device changes its dealer: what each of those who have to do with it is shown, and may do."""

from dataclasses import dataclass

import psycopg
import pytest

from desk.tickets.service import change_dealer
from people.roles import Role
from tests.integration.api.world import NOW, World, new_account

NOTE, WHO, LATER = "note-5be1", "noc", "later-93af"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """Another dealer, `next`: its manager. `ticket`: its own, of what still lasts."""

    here: World
    dealer: int
    ticket: str


async def hand_over(here: World, to: int, at_ms: int | None = None) -> None:
    here.look(
        "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
        " SELECT id, org_id, %s, now() - interval '9 years', 'chief', now() FROM device WHERE uid = %s RETURNING 1",
        to,
        here.a.device,
    )
    [(device,)] = here.look("SELECT id FROM device WHERE uid = %s", here.a.device)
    async with await psycopg.AsyncConnection.connect(here.database.jobs) as jobs:
        await change_dealer(jobs, device, now_ms=at_ms or int(NOW.timestamp() * 1000))


def add_dealer(here: World, name: str = "Next", prefix: str = "NX") -> int:
    [(dealer,)] = here.look("INSERT INTO org (name, kind, prefix) VALUES (%s, 'dealer', %s) RETURNING id", name, prefix)
    with psycopg.connect(here.database.superuser) as connection:
        here.tokens[name.lower()], _ = new_account(connection, name.lower(), Role.MANAGER, dealer)
    return int(dealer)


@pytest.fixture
async def handed(here: World) -> Handed:
    """The first dealer took note of an alert and worked on the ticket; then the device is another's."""
    match = {"If-Match": "*"}
    for path, body in (
        (f"/alerts/{here.a.alert}/acknowledge", {"note": NOTE}),
        (f"/tickets/{here.a.ticket}/transition", {"event": "receive", "note": NOTE}),
    ):
        assert (await here.ask("POST", path, as_=WHO, json=body, headers=match)).is_success
    dealer = add_dealer(here)
    await hand_over(here, dealer)
    here.look("UPDATE device SET name = %s WHERE uid = %s RETURNING 1", LATER, here.a.device)
    [(ticket,)] = here.look("SELECT number FROM ticket WHERE dealer_id = %s", dealer)
    return Handed(here=here, dealer=dealer, ticket=ticket)


async def test_a_ticket_of_any_dealer_is_found_by_its_number(handed: Handed) -> None:
    answer = await handed.here.ask("GET", f"/tickets/{handed.ticket}", as_="next")
    assert answer.status_code == 200, answer.text
    assert answer.json()["number"] == handed.ticket
