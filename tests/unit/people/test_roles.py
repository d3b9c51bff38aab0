"""Rights as data: what is wrong with them is said when anything starts, or before."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from people import roles
from people.roles import RIGHTS, Role, Scope, read_rights, rights_of

TEXT: Final = (Path(roles.__file__).parent / "rights.toml").read_text(encoding="utf-8")


def test_the_file_as_it_is() -> None:
    assert read_rights(TEXT.encode()) == RIGHTS
    assert {role for role, scope in RIGHTS.scopes.items() if scope is Scope.OWN} == {Role.HOSPITAL}
    of_hospitals = {right for right, roles in RIGHTS.roles.items() if Role.HOSPITAL in roles}
    assert of_hospitals == {"own", "equipment.read", "audit.read"}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text.replace("[roles.admin]", "[roles.root]"), "Invalid enum value 'root'"),
        (lambda text: text[: text.index("[roles.hospital]")], "roles.hospital"),
        (lambda text: text.replace('scope = "own"', 'scope = "tree"'), "Invalid enum value 'tree'"),
        (lambda text: text.replace('scope = "own"', ""), "missing required field `scope`"),
        (lambda text: text.replace("[roles.admin]", "[rolls.admin]"), "unknown field `rolls`"),
        (lambda text: text.replace("[roles.admin]", "[roles.admin"), "rights: "),
    ],
)
def test_what_is_wrong_is_said(harm: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match="rights: ") as raised:
        read_rights(harm(TEXT).encode())
    assert said in str(raised.value)


def test_the_rights_of_a_role_in_order() -> None:
    assert rights_of(Role.ENGINEER) == ["alerts.handle", "equipment.read", "own", "telling.read", "tickets.handle"]
