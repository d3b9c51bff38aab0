"""Every route, asked by everybody: what each gets is written by hand, beside what the program believes."""

import asyncio
import dataclasses
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest

from api.app import Api
from api.http.rights import PREFIX
from people.roles import Role
from tests.fixtures.postgres import Cluster
from tests.integration.api.handed import NEW, OLD, hand_over, second_dealer, worked_on
from tests.integration.api.test_roles_and_tenants import concrete, request_of
from tests.integration.api.world import Arranged, World, arrange, new_account, world

WHO: Final = (
    *("nobody", "staff", NEW, "new-noc", "new-engineer", "other-manager", OLD),
    *("equipment", "it", "department", "hospital-b"),
)
"""All ask for the things of hospital a, whose device `new-manager`'s dealer serves, and `manager`'s did before."""
STRANGERS: Final = {"nobody", "other-manager", "hospital-b"}
ENDLESS: Final = "/stream"
"""Its answer never ends; test_streams.py asks it."""


def rows() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(method, path, what each of WHO gets)."""
    for route, cells in tomllib.loads(Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8")).items():
        method, _, path = route.partition(" ")
        yield method, path, tuple(cells.split())


ROWS: Final = list(rows())


def routes() -> Iterator[tuple[str, str]]:
    for path, operations in Api().openapi()["paths"].items():
        for method in operations:
            yield method.upper(), path.removeprefix(PREFIX)


def test_every_route_of_the_document_has_its_row() -> None:
    assert sorted(routes()) == sorted((method, path) for method, path, _ in ROWS)
    assert {len(cells) for _, _, cells in ROWS} == {len(WHO)}


@pytest.fixture(scope="module")
def arranged_here(plain_cluster: Cluster) -> Arranged:
    return asyncio.run(_handed(plain_cluster))


async def _handed(cluster: Cluster) -> Arranged:
    arranged = await arrange(cluster.create())
    async with world(cluster.database(arranged.name), arranged) as made:
        dealer = await second_dealer(made)
        with psycopg.connect(made.database.superuser) as connection:
            made.tokens["new-engineer"], _ = new_account(connection, "new-engineer", Role.ENGINEER, dealer)
        await worked_on(made)
        await hand_over(made, dealer)
        other = (await made.ask("POST", "/dealers", json={"name": "第三方", "prefix": "OTHER"})).json()["id"]
        with psycopg.connect(made.database.superuser) as connection:
            made.tokens["other-manager"], _ = new_account(connection, "other-manager", Role.MANAGER, other)
        return dataclasses.replace(arranged, tokens=made.tokens)


@pytest.fixture
async def asked(plain_cluster: Cluster, arranged_here: Arranged) -> AsyncIterator[World]:
    copy = plain_cluster.database(plain_cluster.create_empty(template=arranged_here.name))
    async with world(copy, arranged_here) as made:
        yield made
    plain_cluster.drop(copy.name)


def meaning(status: int) -> str:
    """`in`: done, or refused for what it is; `out`: who are you; `no`: not by you; `gone`: there is no such thing."""
    assert status < 500
    return {401: "out", 403: "no", 404: "gone"}.get(status, "in")


@pytest.mark.parametrize(("method", "path", "cells"), ROWS, ids=[f"{method} {path}" for method, path, _ in ROWS])
async def test_each_gets_what_is_his(asked: World, method: str, path: str, cells: tuple[str, ...]) -> None:
    if path == ENDLESS:
        return
    foreign = (asked.a.name, asked.a.device, str(asked.a.alert), asked.a.ticket)
    found = []
    for who in WHO:
        more = request_of(method, path)
        if who == "nobody":
            answer = await asked.http.request(method, PREFIX + concrete(path, asked.a), **more)
        else:
            answer = await asked.ask(method, concrete(path, asked.a), as_=who, **more)
        found.append(meaning(answer.status_code))
        if who in STRANGERS:
            assert not [word for word in foreign if word in answer.text], who
    assert " ".join(found) == " ".join(cells)
