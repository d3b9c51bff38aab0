"""Rights as data: what is wrong with them is said when the API starts, or before."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from fastapi import APIRouter

import api.roles
from api.roles import RIGHTS, Role, Scope, read_rights
from api.route import Route

TEXT: Final = (Path(api.roles.__file__).parent / "rights.toml").read_text(encoding="utf-8")


def test_the_file_as_it_is() -> None:
    assert read_rights(TEXT.encode()) == RIGHTS
    assert {role for role, scope in RIGHTS.scopes.items() if scope is Scope.OWN} == {Role.HOSPITAL}
    of_hospitals = {right for right, roles in RIGHTS.roles.items() if Role.HOSPITAL in roles}
    assert of_hospitals == {"own", "equipment.read", "audit.read"}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text.replace("[roles.admin]", "[roles.root]"), "Invalid enum value 'root'"),
        (lambda text: text[: text.index("[roles.hospital]")] + text[text.index("[routes]") :], "roles.hospital"),
        (lambda text: text.replace('scope = "own"', 'scope = "tree"'), "Invalid enum value 'tree'"),
        (lambda text: text.replace('scope = "own"', ""), "missing required field `scope`"),
        (lambda text: text.replace('= "telling.read"', '= "telling.raed"'), "no role has `telling.raed`"),
        (lambda text: text.replace('"GET /telling"', "#"), "no route asks for `telling.read`"),
        (lambda text: text.replace('"GET /sites"', '"/sites"'), "'/sites' isn't `METHOD /path`"),
        (lambda text: text.replace("[routes]", "[rotues]"), "unknown field `rotues`"),
        (lambda text: text.replace("[routes]", "[routes"), "rights: "),
    ],
)
def test_what_is_wrong_is_said(harm: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match="rights: ") as raised:
        read_rights(harm(TEXT).encode())
    assert said in str(raised.value)


def test_a_route_without_a_line_of_its_own_is_never_made() -> None:
    router = APIRouter(prefix="/api/v1", route_class=Route)
    with pytest.raises(LookupError, match='no line for "GET /backdoor"'):

        @router.get("/backdoor")
        async def backdoor() -> None:
            """Nobody said who may."""
