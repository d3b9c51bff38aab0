"""Where a key stands in a TOML text: tomllib tells no lines. Good enough to point at, not to parse by."""

import re
from collections.abc import Sequence
from typing import Final

Place = tuple[str | int, ...]
ANY: Final = "*"

_KEY: Final = r"(?:[A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')"
_DOTTED: Final = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_ARRAY: Final = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]")
_TABLE: Final = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]")
_ASSIGNED: Final = re.compile(rf"\s*({_DOTTED})\s*=")


def places(text: str) -> dict[Place, int]:
    """The line, from 1, of each table and key. Elements of ``[[x]]`` are numbered from 0, as in ``("x", 0, "key")``."""
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _ARRAY.match(line):
            path = _within(_parts(match[1]), counts)
            counts[path] = counts.get(path, -1) + 1
            table = (*path, counts[path])
            found.setdefault(path, number)
            found.setdefault(table, number)
        elif match := _TABLE.match(line):
            table = _within(_parts(match[1]), counts)
            found.setdefault(table, number)
        elif match := _ASSIGNED.match(line):
            found.setdefault((*table, *_parts(match[1])), number)
    return found


def nearest(place: Sequence[str | int], found: dict[Place, int]) -> Place:
    """The place itself, or the nearest one above it that is known. ``ANY`` stands for every key."""
    path = tuple(place)
    while path:
        for known in found:
            if len(known) == len(path) and all(part in (ANY, own) for part, own in zip(path, known, strict=True)):
                return known
        path = path[:-1]
    return ()


def line_of(place: Sequence[str | int], found: dict[Place, int]) -> int:
    """The line of ``nearest``; 1 for the whole file."""
    return found.get(nearest(place, found), 1)


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_KEY, dotted)]


def _within(parts: list[str], counts: dict[Place, int]) -> Place:
    """The path of a header: a part that is an array of tables means its last element."""
    path: Place = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if path in counts and index < len(parts) - 1:
            path = (*path, counts[path])
    return path
