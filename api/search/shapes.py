"""What the counts of every list have."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from psycopg.rows import DictRow
from pydantic import Field

from api.http.language import Reader
from api.http.shapes import Shape
from catalog.model import SEVERITIES, Severity

MOST_GROUPS: Final = 100
MOST_COUNTED: Final = 2000
"""Of what is over, the newest: a million of them can't be counted while somebody waits."""
Age = Literal["hour", "day", "week", "older"]


class BySeverity(Shape):
    """How many of each severity."""

    critical: int = 0
    major: int = 0
    minor: int = 0
    warning: int = 0


class ByAge(Shape):
    """How many began within the last hour, day, week, or before; each in one of them."""

    hour: int = 0
    day: int = 0
    week: int = 0
    older: int = 0


class Group(Shape):
    """Those that have something in common."""

    key: Annotated[str, Field(description="The value of the list's filter that has the name of `by`.")]
    name: str
    place: Annotated[
        str, Field(description="Where there are many of this name: the hospital, of a ticket its device; else empty.")
    ]
    count: int
    worst: Severity
    oldest: Annotated[datetime, Field(description="When the first of them began.")]


class Counted(Shape):
    """All that the list has with the same filters, not only a page of it."""

    total: int
    exact: Annotated[
        bool,
        Field(
            description="false: there are more. Where what is over is among them, "
            f"the newest {MOST_COUNTED} are counted."
        ),
    ]
    oldest: Annotated[datetime | None, Field(description="When the first of them began.")]
    severity: BySeverity
    age: ByAge
    groups: Annotated[
        list[Group], Field(description=f"By `by`, the worst first, then the most; at most {MOST_GROUPS}.")
    ]
    more: Annotated[int, Field(description="How many groups there are beyond those.")]


def counts_of(rows: list[DictRow], kind: str) -> dict[str, int]:
    """How many of each value, of rows `of`, `value`, `count`."""
    return {row["value"]: row["count"] for row in rows if row["of"] == kind and row["value"] is not None}


def counted(rows: list[DictRow], words: Reader, *, by: str | None, most: int | None) -> dict[str, Any]:
    """The fields of `Counted`. `most`: how many were counted at most, one more than are said; None: all."""
    severity = counts_of(rows, "severity")
    total = sum(severity.values())
    exact = most is None or total < most
    groups = [row for row in rows if row["of"] == "group" and row["value"] is not None]
    return {
        "total": total if exact else MOST_COUNTED,
        "exact": exact,
        "oldest": min((row["oldest"] for row in rows if row["of"] == "severity"), default=None) if exact else None,
        "severity": BySeverity(**severity),
        "age": ByAge(**counts_of(rows, "age")),
        "groups": [
            Group(
                key=row["value"],
                name=_name(words, row, by),
                place=row["place"] or "",
                count=row["count"],
                worst=SEVERITIES[row["rank"] - 1],
                oldest=row["oldest"],
            )
            for row in groups[:MOST_GROUPS]
        ],
        "more": max(0, len(groups) - MOST_GROUPS),
    }


def _name(words: Reader, row: DictRow, by: str | None) -> str:
    """Names of models and families are the catalog's; `model`: one of those that have the family."""
    model = words.catalog.models.get(row["model"])
    if by == "model":
        return words.text(None if model is None else model.name, row["value"])
    if by == "family":
        family = None if model is None else model.families.get(row["value"])
        return words.text(None if family is None else family.name, row["value"])
    return str(row["name"] or row["value"])
