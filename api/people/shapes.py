"""Who may sign in and as what, and by which credential."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr

from api.http.examples import DEALER
from api.http.shapes import Given, Id, Label, NamedId, Org, Shape, example
from catalog.model import Lang
from people.login.passwords import LENGTH
from people.roles import Role

_DEALER: Final[dict[str, Any]] = {**DEALER, "kind": "dealer"}
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
        org=_DEALER,
    )

    id: Annotated[int, Field(description="For DELETE /tokens/{id}.")]
    token: str
    expires_at: datetime
    user: str
    role: Role
    org: Annotated[Org, Field(description="Whose account it is, and so what it sees.")]


class NewToken(Given):
    """A token for a program, of the same account and rights."""

    model_config = example(label="export to Excel", days=90, password="correct horse battery staple")  # noqa: S106 - made up

    label: Label
    days: Annotated[int, Field(ge=1, le=366, description="How long it is good.")] = 90
    password: Annotated[
        Password | None,
        Field(description="Of the account: needed if it is to last longer than the credential of this request."),
    ] = None


TokenKind = Literal["token", "login", "browser"]
_TOKEN: Final[dict[str, Any]] = {
    "id": 13,
    "label": "export to Excel",
    "kind": "token",
    "address": "192.0.2.7",
    "created_at": "2026-11-22T04:00:00Z",
    "expires_at": "2027-02-20T04:00:00Z",
    "current": False,
}


class Token(Shape):
    """A token in use."""

    model_config = example(**_TOKEN)

    id: int
    label: str
    kind: Annotated[
        TokenKind,
        Field(description="token: made for a program; login: by POST /login; browser: somebody's session."),
    ]
    address: Annotated[str, Field(description="From where it was asked for; empty: that isn't known any more.")]
    created_at: datetime
    expires_at: datetime | None
    current: Annotated[bool, Field(description="Whether this request came with it.")]


class Credential(Token):
    """A token or session that is good, and whose it is."""

    model_config = example(**_TOKEN, account={"id": 4, "name": "wang.li"}, role="engineer", org=_DEALER)

    account: NamedId
    role: Role
    org: Org


class TokenMade(Shape):
    """A new token. It is shown here once and kept as a hash."""

    model_config = example(id=13, token=_MADE_UP, label="export", expires_at="2027-02-20T04:00:00Z")

    id: int
    token: str
    label: str
    expires_at: datetime


_WANG: Final[dict[str, Any]] = {
    "id": 4,
    "name": "wang.li",
    "role": "engineer",
    "org": _DEALER,
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
    org: Annotated[Org, Field(description="Whose account it is, and so what it sees.")]
    active: Annotated[bool, Field(description="Whether it may sign in.")]
    password_made: Annotated[
        bool, Field(description="Its password is still the one that was made for it: it can do nothing but change it.")
    ]
    created_at: datetime
    last_login_at: Annotated[datetime | None, Field(description="By password, not each use of a token.")]
    version: int


GivenRole = Annotated[
    Literal["manager", "noc", "engineer", "equipment", "it", "department"],
    Field(description="The first three are a dealer's, the others a hospital's (设备科, 信息科, 科室)."),
]


class NewAccount(Given):
    """An account to make. The operator's own staff are made by the command `steth account add` alone."""

    model_config = example(name="wang.li", role="engineer")

    name: Label
    role: GivenRole
    org: Annotated[Id | None, Field(description="Of which dealer or hospital; left out: one's own.")] = None


class AccountChange(Given):
    """What is to be changed of an account; what is left out stays. With a role its tokens and sessions end for good."""

    model_config = example(role="noc")

    active: Annotated[
        bool | None, Field(description="false: its tokens and sessions end for good, and none is given any more.")
    ] = None
    role: GivenRole | None = None


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
            },  # checked by people.login.passwords, in our words
            description="Some words in a row, rather than odd letters. The account's name and the commonest passwords "
            "are refused.",
        ),
    ]


class WhoAmI(Shape):
    """The account that is signed in, and what a page needs before it shows anything."""

    model_config = example(
        user="wang.li",
        role="engineer",
        org=_DEALER,
        expires_at="2026-11-22T16:00:00Z",
        browser=True,
        choose_password=False,
        rights=["alerts.handle", "contacts.read", "equipment.read", "own", "telling.read", "tickets.handle"],
        csrf_header="X-Steth-Csrf",
        language="zh",
        now="2026-11-22T04:00:00Z",
        version="1",
    )

    user: str
    role: Role
    org: Annotated[Org, Field(description="Whose account it is, and so what it sees.")]
    expires_at: Annotated[datetime | None, Field(description="Until then no login is asked for.")]
    browser: Annotated[bool, Field(description="Whether this request came with a session's cookie.")]
    choose_password: Annotated[
        bool, Field(description="The password was made for this account: nothing is open but POST /account/password.")
    ]
    rights: Annotated[list[str], Field(description="What its role may; without a right, its routes answer 403.")]
    csrf_header: Annotated[
        str, Field(description="With the cookie, send this header with value 1 in every POST, PATCH and DELETE.")
    ]
    language: Annotated[Lang, Field(description="Of the texts this caller gets.")]
    now: Annotated[datetime, Field(description="The server's time.")]
    version: Annotated[str, Field(description="Of this API: another one than before means: load the page again.")]
