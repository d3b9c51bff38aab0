"""What every shape shares: unknown fields are refused, texts are bounded and printable, times are RFC 3339 in UTC."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from wire.limits import MAX_MILLIS

# Control characters, bidirectional overrides and other invisible ones, line and paragraph separators.
_UNSEEN: Final = r"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_EDGE: Final = rf"[^\s{_UNSEEN}]"
LINE: Final = rf"^{_EDGE}([^{_UNSEEN}]*{_EDGE})?$"
"""One line of printable text that neither begins nor ends with a space."""
LINES: Final = rf"^([^{_UNSEEN}]|\n)*$"

Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=LINE)]
OptionalLabel = Annotated[str, StringConstraints(max_length=100, pattern=rf"^({LINE[1:-1]})?$")]
Note = Annotated[str, StringConstraints(max_length=2000, pattern=LINES)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$")]
"""A key of the catalog."""

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+\- ]\d\d:\d\d)\Z", re.ASCII)


def moment(value: object) -> datetime:
    """A time from milliseconds since 1970 UTC or RFC 3339 (a `+` that a URL turned into a space is meant as one)."""
    text = str(value)
    if re.fullmatch(r"\d{1,15}", text, re.ASCII) and int(text) <= MAX_MILLIS:
        return datetime.fromtimestamp(int(text) // 1000, UTC).replace(microsecond=int(text) % 1000 * 1000)
    if _RFC3339.match(text):
        zoned = text[:19].replace(" ", "T") + text[19:].replace(" ", "+").upper()
        try:
            return datetime.fromisoformat(zoned).astimezone(UTC)
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


def example(**fields: Any) -> ConfigDict:
    """A shape's configuration with one example of it."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Message(Shape):
    """Something said: the catalog's message id with its parameters, and its words in the reader's language."""

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
