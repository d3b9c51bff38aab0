"""Who is told of tickets."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from api.http.shapes import Given, Id, Label, NamedId, Shape, example
from api.tickets.shapes import TellingState
from catalog.model import Lang
from desk.telling.addresses import AddressError, parse


def _address(address: SecretStr) -> SecretStr:
    try:
        parse(address.get_secret_value())
    except AddressError as error:
        raise ValueError(str(error)) from None
    return address


Address = Annotated[SecretStr, Field(min_length=4, max_length=500), AfterValidator(_address)]


class TestMessage(Shape):
    """A test message, and what became of it: `waiting` to be sent, `told`, or `given-up` (`error` says why)."""

    model_config = example(state="told", at="2026-11-22T04:15:00Z")

    state: TellingState
    at: Annotated[datetime, Field(description="When it was asked for; once it is over, when it ended.")]


class UntoldHospital(Shape):
    """A hospital with equipment of whose tickets nobody is told."""

    model_config = example(hospital={"id": 1, "name": "第一人民医院"}, why="failing", since="2026-11-22T04:15:00Z")

    hospital: NamedId
    why: Annotated[
        Literal["no-recipient", "failing"],
        Field(description="No recipient is active; or none was reached for five minutes."),
    ]
    since: Annotated[datetime | None, Field(description="When the last of its recipients began to fail.")]


class Telling(Shape):
    """Whether people are told of tickets. Nothing here: all is well."""

    model_config = example(
        untold=[{"hospital": {"id": 1, "name": "第一人民医院"}, "why": "no-recipient", "since": None}], overdue_s=None
    )

    untold: list[UntoldHospital]
    overdue_s: Annotated[
        int | None,
        Field(description="How long a message has waited to be told, if longer than five minutes: seconds."),
    ]


class Recipient(Shape):
    """Somebody who is told of tickets. The address is a secret: only its kind is ever shown."""

    model_config = example(
        id=1,
        name="NOC",
        dealer=1,
        hospital=None,
        address="mailtos://…",
        language="zh",
        active=True,
        heads=False,
        told_at="2026-11-22T04:15:00Z",
        failing_since=None,
        error="",
        test={"state": "told", "at": "2026-11-22T04:15:00Z"},
        version=1,
    )

    id: int
    name: str
    dealer: Annotated[
        int | None, Field(description="Of whose tickets: told of no other dealer's; null: it is the hospital's own.")
    ]
    hospital: Annotated[int | None, Field(description="Told of this hospital's tickets only; null: of all.")]
    address: str
    language: Lang
    active: Annotated[bool, Field(description="Whether told of tickets.")]
    heads: Annotated[
        bool, Field(description="Whether sent the daily signed head of the audit log's chain of that hospital.")
    ]
    told_at: Annotated[datetime | None, Field(description="When a message last got through.")]
    failing_since: Annotated[datetime | None, Field(description="The first failure since then; null: none.")]
    error: Annotated[str, Field(description="Why the last one failed, in words; empty: it didn't.")]
    test: Annotated[TestMessage | None, Field(description="The last test message; null: none was asked for.")]
    version: int


class NewRecipient(Given):
    """Somebody to be told."""

    model_config = example(
        name="NOC", hospital=None, address="mailtos://noc:secret@example.com", language="zh", active=True
    )

    name: Label
    dealer: Annotated[
        Id | None, Field(description="For the operator's staff, where there are several; a dealer's is its own.")
    ] = None
    hospital: Id | None = None
    address: Annotated[
        Address,
        Field(
            description="A chat robot's https address, jsons://… (a program) or mailtos://… (mail): docs/telling.md."
        ),
    ]
    language: Lang = "zh"
    active: bool = True
    heads: bool = False


class RecipientChange(Given):
    """What to change; what is left out stays."""

    model_config = example(active=False)

    name: Label | None = None
    address: Address | None = None
    language: Lang | None = None
    active: bool | None = None
    heads: bool | None = None
