"""What every shape shares: unknown fields are refused, texts are bounded and printable, times are RFC 3339 in UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from people.names import clean_name
from people.roles import Kind
from wire.limits import MAX_MILLIS
from wire.times import time_of

# Control characters, bidirectional overrides and other invisible ones, line and paragraph separators.
UNSEEN: Final = r"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
LINE: Final = rf"^[^{UNSEEN}]*[^\s{UNSEEN}][^{UNSEEN}]*$"
"""One line of printable text that isn't blank."""
OPTIONAL_LINE: Final = rf"^[^{UNSEEN}]*$"
LINES: Final = rf"^([^{UNSEEN}]|\n)*$"


Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=LINE), AfterValidator(clean_name)]
OptionalLabel = Annotated[str, StringConstraints(max_length=100, pattern=OPTIONAL_LINE), AfterValidator(clean_name)]
Search = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=OPTIONAL_LINE)]
"""Part of a text that is looked for."""
Note = Annotated[str, StringConstraints(max_length=2000, pattern=LINES)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$")]
"""A key of the catalog."""

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d{1,100})?([Zz]|[+\- ]\d\d:\d\d)\Z", re.ASCII
)
_LEAP: Final = "60"


def moment(value: object) -> datetime:
    """A time from milliseconds since 1970 UTC or RFC 3339 (a `+` that a URL turned into a space is meant as one).

    RFC 3339, 5.6: a fraction may have any number of digits, of which six are kept, and a leap second is second 60, here
    the one after it.
    """
    text = str(value)
    if re.fullmatch(r"\d{1,15}", text, re.ASCII) and int(text) <= MAX_MILLIS:
        return time_of(int(text))
    if (parts := _RFC3339.match(text)) is not None:
        day, minute, second, fraction, zone = parts.groups(default="")
        leap = timedelta(seconds=second == _LEAP)
        fraction = fraction[1:7].ljust(6, "0")
        zoned = f"{day}T{minute}:{'59' if leap else second}.{fraction}{zone.replace(' ', '+').upper()}"
        try:
            return (datetime.fromisoformat(zoned) + leap).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("is no time: give RFC 3339, such as 2026-11-22T04:15:00Z, or milliseconds since 1970 UTC")


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0, "maximum": MAX_MILLIS},
            ]
        }
    ),
]


class Shape(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Given(Shape):
    """Base of requests: what isn't in the contract is refused, and 0 is not taken for false."""

    model_config = ConfigDict(strict=True)


S = TypeVar("S", bound=Shape)


def of_row(shape: type[S], row: Mapping[str, Any], **rendered: Any) -> S:
    """An answer of a row: each field is the column of its name, unless it is given in `rendered`."""
    plain = {name: row[name] for name in shape.model_fields if name not in rendered and name in row}
    return shape(**plain, **rendered)


def example(**fields: Any) -> ConfigDict:
    """A shape's configuration with one example of it."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class NamedId(Shape):
    """A thing by id and name."""

    id: int
    name: str


class Org(Shape):
    """An organisation: the operator of the platform, a dealer, or a hospital."""

    id: int
    name: str
    kind: Kind


class Message(Shape):
    """A text: the catalog's message id with its parameters, and its words in the reader's language."""

    id: str
    params: dict[str, Any]
    text: str


class FaultShape(Shape):
    """One part of a request that is wrong."""

    where: str
    detail: str


class ProblemShape(Shape):
    """Problem details (RFC 9457)."""

    model_config = example(
        type="urn:steth:problem:not_found",
        title="There is no such thing",
        status=404,
        code="not_found",
        detail="There is no such device, or this account can't see it.",
        where="path",
        errors=[],
    )

    type: Annotated[str, Field(description="A URN with the code.")]
    title: str
    status: int
    code: Annotated[str, Field(description="Stable: branch on this.")]
    detail: Annotated[str, Field(description="What is wrong here and what to do.")]
    where: Annotated[str, Field(description="The part of the request, such as `body.site.name`; empty: all of it.")]
    errors: Annotated[list[FaultShape], Field(description="All parts, where several are wrong.")]
