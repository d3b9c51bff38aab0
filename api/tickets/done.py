"""What people reported of a fault, and what was done to mend it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import Shape
from desk.tickets.report import Usable


class FaultReport(Shape):
    """What a person told of a fault."""

    at: datetime
    actor: Annotated[str, Field(description="Who wrote it down; empty: somebody of the dealer before.")]
    caller: Annotated[str, Field(description="Who said so by phone; empty: who wrote it down.")]
    words: str
    usable: Usable
    contact: str
    since: Annotated[int, Field(description="When it began, as far as they knew: milliseconds since 1970 UTC.")]


class NamedKey(Shape):
    """A thing of the catalog by key and name."""

    key: str
    name: str


class UsedPart(Shape):
    """A part that was put in."""

    key: str
    name: str
    quantity: int
    serial: str


class DoneRepair(Shape):
    """What was done to mend it."""

    at: datetime
    actor: Annotated[str, Field(description="Who; empty: somebody of the dealer before.")]
    cause: NamedKey
    actions: list[NamedKey]
    parts: list[UsedPart]
    note: str
