"""Accounts: who may sign in, and as what."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr

from api.passwords import LENGTH
from api.roles import Role
from api.shapes.access import Password
from api.shapes.base import Given, Id, Label, Shape, example
from api.shapes.devices import NamedId

_WANG: Final[dict[str, Any]] = {
    "id": 4,
    "name": "wang.li",
    "role": "engineer",
    "hospital": None,
    "active": True,
    "password_made": False,
    "created_at": "2026-11-20T02:00:00Z",
    "last_login_at": "2026-11-22T01:12:40Z",
    "version": 2,
}


class Account(Shape):
    """Somebody who may sign in."""

    model_config = example(**_WANG)

    id: int
    name: str
    role: Role
    hospital: Annotated[NamedId | None, Field(description="The only hospital it sees; null: staff, who see all.")]
    active: Annotated[bool, Field(description="Whether it may sign in.")]
    password_made: Annotated[
        bool, Field(description="Its password is still the one that was made for it: it can do nothing but change it.")
    ]
    created_at: datetime
    last_login_at: Annotated[datetime | None, Field(description="By password, not each use of a token.")]
    version: int


class NewAccount(Given):
    """An account to make. Administrators are made by the command `steth account add` alone."""

    model_config = example(name="wang.li", role="engineer")

    name: Label
    role: Literal["operator", "engineer", "manager", "hospital"]
    hospital: Annotated[Id | None, Field(description="For the role `hospital`, and for no other.")] = None


class AccountChange(Given):
    """What is to be changed of an account."""

    model_config = example(active=False)

    active: Annotated[
        bool, Field(description="false: its tokens and sessions end for good, and none is given any more.")
    ]


class AccountPassword(Account):
    """An account with its new password. It is shown here once and kept as a hash: let its owner change it."""

    model_config = example(**_WANG, password="k7qf2-m9dxh-4t6wp-c3r8v")  # noqa: S106 - made up

    password: str


class PasswordChange(Given):
    """One's own password, and the new one."""

    model_config = example(old="k7qf2-m9dxh-4t6wp-c3r8v", new="correct horse battery staple")

    old: Password
    new: Annotated[
        SecretStr,
        Field(
            json_schema_extra={
                "minLength": LENGTH[0],
                "maxLength": LENGTH[1],
            },  # checked by api.passwords, in our words
            description="Some words in a row, rather than odd letters. The account's name and the commonest passwords "
            "are refused.",
        ),
    ]
