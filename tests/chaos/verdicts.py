"""What a restored copy may say of each fault, held against what the equipment said. Pure.

A line said before the copy was made is in it. One said after that is lost: its agent has deleted it. One said after the
copy was put back is heard again. A device whose lost reports show as a gap of its live lane may have any lost line, so
nothing of before is known for sure any more until it is heard again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from tests.chaos.ledger import FaultLine

UNCONFIRMED: Final = "unconfirmed"
OVER: Final = "ok"
CLEARING: Final = "clearing"
"""It was said to be over, and waits whether it stays so: a loss changes nothing of that (ADR 0022)."""
Key = tuple[str, str]


class Moments(NamedTuple):
    """Wall time, ms: when the copy had been made, and when it was put back; nothing is said in the second before."""

    copied: int
    restored: int


class Restored(NamedTuple):
    """What the restored database holds: the condition of each (device, code), devices with a gap of the live lane found
    after the restore, open tickets as (number, device, family), and the numbers of those that were opened after it."""

    conditions: Mapping[Key, str]
    gapped: Collection[str]
    open: Collection[tuple[str, str, str]]
    fresh: Mapping[str, Key]


def wrong_verdicts(
    lines: Iterable[FaultLine],
    *,
    families: Mapping[str, str],
    moments: Moments,
    given: Mapping[str, Key],
    stored: Restored,
) -> list[str]:
    """What must not be. ``families``: by code. ``given``: every number that was given out before the restore, with its
    (device, family)."""
    last: dict[Key, FaultLine] = {}
    for line in sorted(lines, key=lambda one: one.at_ms):
        if line.state != "event":
            last[line.device, line.code] = line
    wrong = []
    for key, line in sorted(last.items()):
        condition = stored.conditions.get(key, OVER)
        condition = OVER if condition == CLEARING else condition
        said = _wrong(line, condition, moments=moments, gapped=line.device in stored.gapped)
        if said:
            wrong.append(f"{key}: {said} ({line.state} at {line.at_ms}, the copy says {condition})")
    opened = [(device, family) for _, device, family in stored.open]
    wrong += [f"two open tickets for {key}" for key in sorted(set(opened)) if opened.count(key) > 1]
    for (device, code), line in sorted(last.items()):
        if line.at_ms > moments.restored and line.state == "active" and (device, families[code]) not in opened:
            wrong.append(f"no open ticket for {(device, code)}, which was heard after the restore")
    wrong += [
        f"number {number} was {given[number]} before the restore and is {key} now"
        for number, key in sorted(stored.fresh.items())
        if number in given
    ]
    return wrong


def _wrong(line: FaultLine, condition: str, *, moments: Moments, gapped: bool) -> str | None:
    sure = condition not in (OVER, UNCONFIRMED)
    if line.at_ms > moments.restored:
        if condition == UNCONFIRMED or sure != (line.state == "active"):
            return "it was heard again, and the verdict is another"
        return None
    if not gapped:
        if line.at_ms > moments.copied:
            return "it was lost, and no gap says so"
        return (
            None if sure == (line.state == "active") and condition != UNCONFIRMED else "nothing is lost of the device"
        )
    if sure:
        return "it stands as if it were known, though reports are lost"
    if line.at_ms <= moments.copied and (condition == UNCONFIRMED) != (line.state == "active"):
        return "what the copy knew is not what it says"
    return None
