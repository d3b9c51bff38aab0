"""Bytes of a log as lines. Pure.

NULs are where nothing was written: in the hole that a writer leaves who goes on where it was after a truncation, or
what a power loss makes of the last lines. They end a line as a line end does.
"""

import sys
from array import array
from typing import Final, NamedTuple

MAX_LINE: Final = 64 * 1024
"""Bytes of a line; a longer one is skipped to its end."""


class Cut(NamedTuple):
    """Complete lines at the start of some bytes; ``used`` bytes are done with."""

    lines: list[bytes]
    used: int
    skipping: bool
    long: int


def cut_lines(data: bytes, *, newline: bytes, skipping: bool, final: bool) -> Cut:
    """Split at line ends; empty lines are left out. ``skipping``: the first line is the rest of one that was too long.
    ``final``: nothing follows, so that the last line is complete."""
    lines: list[bytes] = []
    data = _without_nuls(data, newline)
    if data.count(newline) * len(newline) == len(data):
        return Cut(lines, len(data), skipping and not data, 0)
    long = at = 0
    while at < len(data):
        end = _find(data, newline, at)
        if end < 0:
            if not final and len(data) - at <= MAX_LINE:
                break
            end = len(data)
        line = data[at:end]
        complete = final or end < len(data)
        if skipping:
            skipping = not complete
        elif len(line) > MAX_LINE:
            long += 1
            skipping = not complete
        elif line:
            lines.append(line)
        at = min(end + len(newline), len(data))
    return Cut(lines, at, skipping, long)


def _find(data: bytes, newline: bytes, start: int) -> int:
    """The next line end; in UTF-16 only between characters."""
    end = data.find(newline, start)
    while end >= 0 and (end - start) % len(newline):
        end = data.find(newline, end + 1)
    return end


def _without_nuls(data: bytes, newline: bytes) -> bytes:
    """The same bytes with line ends in the place of NULs."""
    if len(newline) == 1:
        return data.replace(b"\0", newline)
    whole = len(data) - len(data) % 2
    units = array("H", data[:whole])
    if 0 not in units:
        return data
    end = int.from_bytes(newline, sys.byteorder)
    return array("H", [unit or end for unit in units]).tobytes() + data[whole:]
