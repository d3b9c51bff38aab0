"""Login and tokens."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, SecretStr, StringConstraints

from api.roles import Role
from api.shapes.base import Given, Label, Shape, example

_MADE_UP: Final = "st_u1pXyVhq0M2cWf8Zb4rJ6tLk9sAe3oNdGi7xHvQyBwC"


Password = Annotated[SecretStr, Field(min_length=1, max_length=200)]
"""One that is there already: longer ones than may be chosen now were allowed."""


class Login(Given):
    """A person's account."""

    model_config = example(user="wang.li", password="correct horse battery staple")  # noqa: S106 - made up

    user: Label
    password: Password


class LoginAnswer(Shape):
    """A short-lived token. It is shown here once and kept as a hash."""

    model_config = example(
        id=12,
        token=_MADE_UP,
        expires_at="2026-11-22T16:00:00Z",
        user="wang.li",
        role="engineer",
        hospital=None,
    )

    id: Annotated[int, Field(description="For DELETE /tokens/{id}.")]
    token: str
    expires_at: datetime
    user: str
    role: Role
    hospital: Annotated[int | None, Field(description="The only hospital this account sees; null: staff, who see all.")]


class NewToken(Given):
    """A token for a program, of the same account and rights."""

    model_config = example(label="export to Excel", days=90, password="correct horse battery staple")  # noqa: S106 - made up

    label: Label
    days: Annotated[int, Field(ge=1, le=366, description="How long it is good.")] = 90
    password: Annotated[
        Password | None,
        Field(description="Of the account: needed if it is to last longer than the credential of this request."),
    ] = None


class Token(Shape):
    """A token in use."""

    model_config = example(
        id=13,
        label="export to Excel",
        created_at="2026-11-22T04:00:00Z",
        expires_at="2027-02-20T04:00:00Z",
        current=False,
    )

    id: int
    label: str
    created_at: datetime
    expires_at: datetime | None
    current: Annotated[bool, Field(description="Whether this request came with it.")]


class TokenMade(Shape):
    """A new token. It is shown here once and kept as a hash."""

    model_config = example(id=13, token=_MADE_UP, label="export", expires_at="2027-02-20T04:00:00Z")

    id: int
    token: str
    label: str
    expires_at: datetime


Code = Annotated[str, StringConstraints(min_length=12, max_length=20, pattern=r"^[0-9A-Za-z -]+$")]


class Enrol(Given):
    """The one-time code of a device."""

    model_config = example(code="K7QF-2M9D-XH4T")

    code: Code


class Enrolled(Shape):
    """What an agent needs to report."""

    model_config = example(device="d3k9m2q7x1z5a", mqtt="mqtts://steth.example:8883", heartbeat_s=15.0)

    device: str
    mqtt: str
    heartbeat_s: float
