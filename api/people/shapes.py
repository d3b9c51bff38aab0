"""Who may sign in and as what, by which credential, and the sites of hospitals."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

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


class NewAccount(Given):
    """An account to make. The operator's own staff are made by the command `steth account add` alone."""

    model_config = example(name="wang.li", role="engineer")

    name: Label
    role: Annotated[
        Literal["manager", "noc", "engineer", "equipment", "it", "department"],
        Field(description="The first three are a dealer's, the others a hospital's (设备科, 信息科, 科室)."),
    ]
    org: Annotated[Id | None, Field(description="Of which dealer or hospital; left out: one's own.")] = None


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
        rights=["alerts.handle", "equipment.read", "own", "telling.read", "tickets.handle"],
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


_NO_PLACE: Final = frozenset({"localtime", "Factory"})
"""Files beside the zones that name none: what they mean is a machine's own affair, and a browser knows neither."""


def _zone(name: str) -> str:
    if name in _NO_PLACE or name not in available_timezones():
        raise ValueError("is no time zone: give an IANA name, such as Asia/Shanghai")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$"), AfterValidator(_zone)]


class Site(Shape):
    """A site of a hospital: where equipment stands."""

    model_config = example(id=1, name="放射科", hospital={"id": 1, "name": "第一人民医院"}, time_zone="Asia/Shanghai")

    id: int
    name: str
    hospital: NamedId
    time_zone: str


class NewSite(Given):
    """A new site; its hospital is made where there is none of this name yet."""

    model_config = example(hospital="第一人民医院", site="放射科", time_zone="Asia/Shanghai")

    hospital: Label
    site: Label
    time_zone: TimeZone = "Asia/Shanghai"


class Dealer(Shape):
    """A dealer: it serves devices of hospitals."""

    model_config = example(id=1, name="服务商", prefix="WX")

    id: int
    name: str
    prefix: Annotated[str, Field(description="Its tickets' numbers begin with it.")]


class NewDealer(Given):
    """A new dealer."""

    model_config = example(name="华东服务", prefix="HD")

    name: Label
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,6}$")]
