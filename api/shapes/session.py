"""A browser's session."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.roles import Role
from api.shapes.base import Shape, example
from api.shapes.devices import NamedId
from catalog.model import Lang


class WhoAmI(Shape):
    """Who asks, and what a page must know before it shows anything."""

    model_config = example(
        user="wang.li",
        role="engineer",
        hospital=None,
        expires_at="2026-11-22T16:00:00Z",
        browser=True,
        choose_password=False,
        csrf_header="X-Steth-Csrf",
        language="zh",
        now="2026-11-22T04:00:00Z",
        version="1",
    )

    user: str
    role: Role
    hospital: Annotated[NamedId | None, Field(description="The only hospital this account sees; null: staff.")]
    expires_at: Annotated[datetime | None, Field(description="Until then no login is asked for.")]
    browser: Annotated[bool, Field(description="Whether this request came with a session's cookie.")]
    choose_password: Annotated[
        bool, Field(description="The password was made for this account: nothing is open but POST /account/password.")
    ]
    csrf_header: Annotated[
        str, Field(description="With the cookie, send this header with value 1 in every POST, PATCH and DELETE.")
    ]
    language: Annotated[Lang, Field(description="Of the texts this caller gets.")]
    now: Annotated[datetime, Field(description="The server's time.")]
    version: Annotated[str, Field(description="Of this API: another one than before means: load the page again.")]
