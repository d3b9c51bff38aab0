"""Filters that every list has. Each may be repeated: a row that has one of the values is shown."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import StringConstraints

from api.http.context import Session
from api.http.shapes import Id
from api.search.shapes import Age
from catalog.model import Severity

MOST: Final = 100
"""Values of one filter."""
_Key = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]

Devices = Annotated[
    list[Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z0-9\-]+$")]] | None,
    Query(max_length=MOST, description="Of these devices only."),
]
Severities = Annotated[list[Severity] | None, Query(max_length=MOST, description="Of these severities only.")]
Hospitals = Annotated[list[Id] | None, Query(max_length=MOST, description="Of these hospitals only.")]
Sites = Annotated[list[Id] | None, Query(max_length=MOST, description="Of these sites only.")]
Models = Annotated[list[_Key] | None, Query(max_length=MOST, description="Of these models only.")]
Families = Annotated[list[_Key] | None, Query(max_length=MOST, description="Of these fault families.")]
Ages = Annotated[
    list[Age] | None,
    Query(max_length=MOST, description="Began within the last hour; day, but not hour; week, but not day; before."),
]


def whose(asked: Session, hospitals: list[int] | None, devices: list[str] | None) -> dict[str, Any]:
    """The parameters `hospital`, `hospitals` and `dealer` of a statement: whose index its rows are found by."""
    several = hospitals is not None and len(hospitals) > 1
    return {
        "hospital": asked.hospital(hospitals[0] if hospitals and not several else None),
        "hospitals": hospitals if several else None,
        "dealer": asked.dealer(devices[0] if devices else None),
    }
