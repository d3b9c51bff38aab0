"""HEAD answers wherever GET does, with the same status and headers and no body (RFC 9110, 9.3.2)."""

import re
from typing import Final

import pytest

from api.http.rights import PREFIX, ROUTES
from tests.integration.api.world import World

STREAM: Final = "/stream"
GETS: Final = sorted(path for method, path in ROUTES if method == "GET" and path != STREAM)
OWN: Final = {"steth-time", "date", "content-length"}
"""Of each answer: the time, which goes on, and the length, which ages within the body change."""


def _address(path: str, here: World) -> str:
    """A path that exists, of one of the API's templates."""
    of = {"devices": here.a.device, "alerts": here.a.alert, "tickets": here.a.ticket, "models": "generic-dr"}
    return re.sub(r"(\w+)/\{\w+\}", lambda found: f"{found[1]}/{of.get(found[1], 1)}", path)


@pytest.mark.parametrize("path", GETS)
async def test_head_is_get_without_its_body(still: World, path: str) -> None:
    address = _address(path, still)
    got, head = await still.ask("GET", address), await still.ask("HEAD", address)
    assert got.content
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert {k: v for k, v in head.headers.items() if k not in OWN} == {
        k: v for k, v in got.headers.items() if k not in OWN
    }
    assert int(head.headers["content-length"]) == pytest.approx(len(got.content), abs=64)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/", "/devices"])
async def test_outside_the_contract_too(still: World, path: str) -> None:
    got, head = await still.http.get(path), await still.http.head(path)
    assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_a_problem_has_a_head(still: World) -> None:
    answer = await still.ask("HEAD", "/devices/none")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (
        404,
        "application/problem+json",
        b"",
    )
    answer = await still.http.head(f"{PREFIX}/devices")
    assert (answer.status_code, answer.headers["www-authenticate"], answer.content) == (401, "Bearer", b"")


async def test_where_there_is_no_get_there_is_no_head(still: World) -> None:
    assert (await still.ask("HEAD", "/login")).status_code == 405


async def test_it_is_counted_as_what_it_was(still: World) -> None:
    await still.ask("HEAD", "/sites")
    metrics = (await still.http.get("/metrics")).text
    assert 'steth_api_requests_total{method="HEAD",route="/api/v1/sites",status="200"}' in metrics
