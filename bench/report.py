"""What a benchmark found: printed for a person, and as JSON for the next one to compare with."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

RESULTS: Final = Path(__file__).parent / "results"


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """`value` against `target`: `at_least` or else at most."""

    what: str
    value: float
    target: float
    at_least: bool = True
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`head` names the columns; the first is text, the others are right-aligned."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


class Result(msgspec.Struct, kw_only=True):
    """`data`: everything measured, as it goes into the JSON."""

    name: str
    tables: list[Table]
    aims: list[Aim]
    notes: list[str]
    data: dict[str, Any]


def show(result: Result) -> None:
    """The result on stdout."""
    print(f"\n== {result.name} ".ljust(100, "="))
    for table in result.tables:
        print(f"\n{table.title}")
        _grid(table.head, table.rows)
    print()
    for aim in result.aims:
        verdict = "met" if aim.met else "MISSED"
        sign = "≥" if aim.at_least else "≤"
        print(f"  {verdict:7} {aim.what}: {number(aim.value)}{aim.unit} (aim {sign} {number(aim.target)}{aim.unit})")
    for note in result.notes:
        print(f"  {note}")
    sys.stdout.flush()


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(widths[0]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)]
        print("  " + "  ".join(cells))


def number(value: float) -> str:
    """Three significant digits at least, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def save(result: Result, *, facts: dict[str, Any], options: dict[str, Any]) -> Path:
    """Write the JSON; returns its path."""
    now = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%d}-{result.name}.json"
    content = {
        "benchmark": result.name,
        "at": now.isoformat(timespec="seconds"),
        "machine": facts,
        "options": options,
        "aims": [{**msgspec.to_builtins(aim), "met": aim.met} for aim in result.aims],
        "tables": msgspec.to_builtins(result.tables),
        "notes": result.notes,
        "data": result.data,
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path
