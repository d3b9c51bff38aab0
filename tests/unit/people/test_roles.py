"""Rights as data: what is wrong with them is said when anything starts, or before."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from people import roles
from people.roles import RIGHTS, Kind, Role, read_rights, rights_of

TEXT: Final = (Path(roles.__file__).parent / "rights.toml").read_text(encoding="utf-8")


def test_the_file_as_it_is() -> None:
    assert read_rights(TEXT.encode()) == RIGHTS
    of = {kind: {role.value for role in Role if role.kind is kind} for kind in Kind}
    assert of == {
        Kind.OPERATOR: {"staff"},
        Kind.DEALER: {"manager", "noc", "engineer"},
        Kind.HOSPITAL: {"equipment", "it", "department"},
    }
    of_hospitals = {right for right, roles in RIGHTS.roles.items() if any(role.kind is Kind.HOSPITAL for role in roles)}
    assert of_hospitals == {
        *("own", "equipment.read", "audit.read", "accounts.manage"),
        *("contacts.read", "contacts.manage", "recipients.manage"),
        *("faults.report", "tickets.confirm"),
    }
    # What a hospital says of its own equipment nobody says for it.
    assert {right for right, roles in RIGHTS.roles.items() if Role.STAFF not in roles} == {"tickets.confirm"}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text.replace("[roles.staff]", "[roles.root]"), "Invalid enum value 'root'"),
        (lambda text: text[: text.index("[roles.department]")], "roles.department"),
        (lambda text: text.replace('of = "dealer"', 'of = "tree"'), "Invalid enum value 'tree'"),
        (lambda text: text.replace('of = "hospital"', ""), "missing required field `of`"),
        (lambda text: text.replace("[roles.staff]", "[rolls.admin]"), "unknown field `rolls`"),
        (lambda text: text.replace("[roles.staff]", "[roles.admin"), "rights: "),
    ],
)
def test_what_is_wrong_is_said(harm: Callable[[str], str], said: str) -> None:
    with pytest.raises(ValueError, match="rights: ") as raised:
        read_rights(harm(TEXT).encode())
    assert said in str(raised.value)


def test_the_rights_of_a_role_in_order() -> None:
    assert rights_of(Role.ENGINEER) == [
        *("alerts.handle", "contacts.read", "equipment.read", "faults.report", "own", "telling.read", "tickets.handle")
    ]
