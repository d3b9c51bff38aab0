"""The facts of a report in the order of their own time, whatever order they stand in."""

from collections.abc import Sequence

from wire.items import Fault, Item, Readings


def in_order(items: Sequence[Item]) -> Sequence[Item]:
    """The items themselves if their facts are in order, as an agent sends them; else one item for each fact, sorted.

    A folded fault stands where it began. Of equal times the one that was told first comes first.
    """
    if len(items) == 1 and (type(items[0]) is not Readings or not items[0].dt):
        return items  # the usual report
    newest = 0
    for item in items:
        if type(item) is Readings:
            first = last = item.at
            if dt := item.dt:
                if dt != sorted(dt):
                    return _sorted(items)
                first, last = first + dt[0], last + dt[-1]
        elif type(item) is Fault:
            first = last = span(item)[0]
        else:
            continue
        if first < newest:
            return _sorted(items)
        newest = last
    return items


def span(fault: Fault) -> tuple[int, int]:
    """When a fault came first and last (ms, on the clock that told it)."""
    times = [ms for ms in (fault.at, fault.first, fault.last) if ms is not None]
    return min(times), max(times)


def _sorted(items: Sequence[Item]) -> list[Item]:
    found: list[tuple[int, Item]] = []
    for item in items:
        if type(item) is Readings:
            for i in range(len(item.metric)):
                at = item.at if item.dt is None else item.at + item.dt[i]
                found.append((at, _row(item, i, at)))
        elif type(item) is Fault:
            found.append((span(item)[0], item))
    return [item for _, item in sorted(found, key=lambda each: each[0])]


def _row(item: Readings, i: int, at: int) -> Readings:
    return Readings(
        at=at,
        metric=[item.metric[i]],
        value=[item.value[i]],
        unit=None if item.unit is None else [item.unit[i]],
        quality=None if item.quality is None else [item.quality[i]],
    )
