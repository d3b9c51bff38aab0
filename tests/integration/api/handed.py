"""A second dealer, and what the first one served handed to it."""

import psycopg

from people.roles import Role
from steth.jobs.service import ServiceChanges
from store.pool import open_pool
from tests.integration.api.world import CATALOG, World, new_account

SECRET = "jjj-9c2f71"
"""In every note that the first dealer's people write."""
OLD, NEW = "manager", "new-manager"


async def second_dealer(here: World) -> int:
    """Made by the operator's staff; its manager is `new-manager`."""
    made = await here.ask("POST", "/dealers", json={"name": "新服务商", "prefix": "NEW"})
    assert made.status_code == 201, made.text
    dealer: int = made.json()["id"]
    with psycopg.connect(here.database.superuser) as connection:
        here.tokens[NEW], _ = new_account(connection, NEW, Role.MANAGER, dealer)
        here.tokens["new-noc"], _ = new_account(connection, "new-noc", Role.NOC, dealer)
    return dealer


async def worked_on(here: World) -> None:
    """The first dealer's people take note of hospital a's alert, and take its ticket, with notes."""
    alert, ticket = f"/alerts/{here.a.alert}/acknowledge", f"/tickets/{here.a.ticket}/transition"
    for path, as_, body in (
        (alert, "noc", {"note": SECRET}),
        (ticket, "engineer", {"event": "take", "note": f"{SECRET} 报价 3000"}),
    ):
        done = await here.ask("POST", path, as_=as_, json=body, headers={"If-Match": "*"})
        assert done.status_code == 200, done.text


async def hand_over(here: World, dealer: int) -> None:
    """Asked for by the operator's staff, and carried out as `steth jobs` does."""
    asked = await here.ask("POST", f"/devices/{here.a.device}/service", json={"dealer": dealer})
    assert asked.status_code == 202, asked.text
    await jobs_turn(here)


async def jobs_turn(here: World) -> int:
    """How many changes were due."""
    async with open_pool(here.database.jobs, role="jobs") as pool:
        return await ServiceChanges(pool=pool, catalog=CATALOG).run_once(int(here.clock.now.timestamp() * 1000))
