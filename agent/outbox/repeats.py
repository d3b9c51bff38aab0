"""Repeats of a fault fold into a report that nobody has seen yet (delivery 2): count, first, last.

A repeat folds only if nothing came in between that the server would judge differently in another order: the same
code from elsewhere or in another state, or a code that clears it or that it clears (the catalog's ``clear.by``); nor
beyond the time without a repeat that ends it (``clear.after_s``), since a folded fault tells no gaps.

What an older copy of this outbox may have told already doesn't fold: the server could not say which part of it is new.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from agent.outbox.forming import earliest_ms
from catalog.model import Model
from wire.items import Fault, Item

MAX_CODES: Final = 10_000


class Place(Struct, frozen=True, kw_only=True):
    """Where a fault stands in the outbox: number of its live report and index among its items. ``began``: its first
    occurrence, ms."""

    seq: int
    index: int
    state: str
    segment: int
    order: int
    began: int


class Fold(Struct, frozen=True, kw_only=True):
    """These repeats go into the fault at ``place``."""

    place: Place
    faults: tuple[Fault, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """``folds``: into reports held; ``items``: what is left to enter, with repeats among themselves folded."""

    folds: tuple[Fold, ...]
    items: tuple[Item, ...]


def related(model: Model) -> dict[str, frozenset[str]]:
    """For each code those that end it or that it ends."""
    found: dict[str, set[str]] = {}
    for code, fault in model.faults.items():
        for other in fault.clear.by if fault.clear else ():
            found.setdefault(code, set()).add(other)
            found.setdefault(other, set()).add(code)
    return {code: frozenset(others) for code, others in found.items()}


def spans(model: Model) -> dict[str, int]:
    """For each code that ends by itself, how long after its first occurrence a repeat may still fold (ms)."""
    clears = ((code, fault.clear) for code, fault in model.faults.items())
    return {code: round(clear.after_s * 1000) for code, clear in clears if clear is not None and clear.after_s}


def merge(first: Fault, second: Fault) -> Fault:
    """One fault that tells of both; what came later has the last word on parameters."""
    times = [first.first or first.at, first.last or first.at, second.first or second.at, second.last or second.at]
    return msgspec.structs.replace(
        first,
        count=first.count + second.count,
        first=min(times),
        last=max(times),
        params=second.params or first.params,
    )


class Repeats:
    """The index of faults that stand in unsent live reports. One thread uses it: the outbox's writer."""

    def __init__(self, *, related_codes: Mapping[str, frozenset[str]], spans_ms: Mapping[str, int]) -> None:
        self._related = related_codes
        self._spans = spans_ms
        self._places: dict[tuple[str, str], Place] = {}
        self._last: dict[str, int] = {}
        self._order = 0
        self.changes = 0
        """Grows with every change, so that an undone transaction knows whether the index is still true."""

    def clear(self) -> None:
        """Forget every place: numbers changed, or a commit failed."""
        self._places.clear()
        self._last.clear()
        self.changes += 1

    def plan(self, items: Sequence[Item], *, segment: int, unsent_from: int, doubted_ms: int = 0) -> Plan:
        """What of ``items`` folds. Nothing is changed here. ``unsent_from``: the lowest live number not handed out.
        ``doubted_ms``: a fault older than this may be stored already, and stays alone."""
        folds: dict[tuple[str, str], list[Fault]] = {}
        rest: list[Item] = []
        own: dict[tuple[str, str], int] = {}  # where in `rest` a code of this batch stands
        latest: dict[str, int] = {}  # the last place in `rest` of a code; what folded has none
        for item in items:
            if not isinstance(item, Fault):
                rest.append(item)
                continue
            key = (item.source, item.code)
            place = self._places.get(key)
            if place is not None and place.began < doubted_ms:
                place = None
            if earliest_ms(item) < doubted_ms:
                own.pop(key, None)  # the next one stands alone as well
                latest[item.code] = len(rest)
                rest.append(item)
            elif key in own and self._joins_batch(item, rest[own[key]], own[key], latest):
                earlier = rest[own[key]]
                rest[own[key]] = merge(earlier, item) if isinstance(earlier, Fault) else item
            elif (
                place is not None
                and not any(code in latest for code in (item.code, *self._related.get(item.code, ())))
                and self._joins_held(item, place, segment=segment, unsent_from=unsent_from)
            ):
                folds.setdefault(key, []).append(item)
            else:
                own[key] = latest[item.code] = len(rest)
                rest.append(item)
        return Plan(
            folds=tuple(Fold(place=self._places[key], faults=tuple(faults)) for key, faults in folds.items()),
            items=tuple(rest),
        )

    def entered(self, items: Sequence[Item], *, seq: int, segment: int) -> None:
        """A live report with these items was entered."""
        self.changes += 1
        if len(self._places) > MAX_CODES:
            self.clear()
        for index, item in enumerate(items):
            if isinstance(item, Fault):
                self._order += 1
                self._last[item.code] = self._order
                self._places[item.source, item.code] = Place(
                    seq=seq, index=index, state=item.state, segment=segment, order=self._order, began=earliest_ms(item)
                )

    def _joins_batch(self, item: Fault, earlier: Item, place: int, latest: Mapping[str, int]) -> bool:
        return (
            isinstance(earlier, Fault)
            and earlier.state == item.state
            and self._near(item, earliest_ms(earlier))
            and latest[item.code] == place
            and all(latest.get(code, -1) < place for code in self._related.get(item.code, ()))
        )

    def _joins_held(self, item: Fault, place: Place, *, segment: int, unsent_from: int) -> bool:
        return (
            place.state == item.state
            and self._near(item, place.began)
            and place.segment == segment
            and place.seq >= unsent_from
            and self._last[item.code] == place.order
            and all(self._last.get(code, -1) < place.order for code in self._related.get(item.code, ()))
        )

    def _near(self, item: Fault, began_ms: int) -> bool:
        span = self._spans.get(item.code)
        return span is None or max(item.at, item.last or item.at) - began_ms <= span
