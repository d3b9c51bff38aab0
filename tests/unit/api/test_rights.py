"""Which right a route asks for: what is wrong with it is said when the API starts, or before."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from fastapi import APIRouter

from api.http import rights
from api.http.rights import read_routes, right_of
from api.http.route import Route
from people.roles import RIGHTS

TEXT: Final = (Path(rights.__file__).parent / "routes.toml").read_text(encoding="utf-8")


def test_the_file_as_it_is() -> None:
    routes = read_routes(TEXT.encode(), RIGHTS.roles)
    assert {route: right_of(*route) for route in routes} == routes


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text.replace('= "telling.read"', '= "telling.raed"'), "no role has `telling.raed`"),
        (lambda text: text.replace('"GET /telling"', "#"), "no route asks for `telling.read`"),
        (lambda text: text.replace('"GET /sites"', '"/sites"'), "'/sites' isn't `METHOD /path`"),
        (lambda text: text.replace('"GET /sites"', '"GET /sites'), "routes: "),
        (lambda text: text.replace('= "telling.read"', "= 1"), "Expected `str`, got `int`"),
    ],
)
def test_what_is_wrong_is_said(harm: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match="routes: ") as raised:
        read_routes(harm(TEXT).encode(), RIGHTS.roles)
    assert said in str(raised.value)


def test_a_route_without_a_line_of_its_own_is_never_made() -> None:
    router = APIRouter(prefix="/api/v1", route_class=Route)
    with pytest.raises(LookupError, match='no line for "GET /backdoor"'):

        @router.get("/backdoor")
        async def backdoor() -> None:
            """Nobody said who may."""
