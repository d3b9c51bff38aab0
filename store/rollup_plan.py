"""What a round of the roll-up job makes, decided from what was written. Times are whole seconds since 1970 UTC.

A piece says that readings (or, for hours and days, buckets of the finer level) of a device, or of all, were written
between two times. Making the buckets of a piece anew from what they are made from is the same whether done once or
twice, so a piece may be too wide, and never too narrow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple


class Piece(NamedTuple):
    """Of a device (None: all) from `lo` up to, not including, `hi`."""

    device: int | None
    lo: int
    hi: int


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Of one level: `bucket` seconds; `watermark`, below which the views show the table; `until`, up to which buckets
    are closed and may be made; `whole_from`, before which what they are made from is gone. `until` is of whole buckets.
    """

    bucket: int
    watermark: int
    until: int
    whole_from: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one transaction may make, in seconds of time: of all devices, and of single devices all in all."""

    fleet_s: int
    device_s: int

    def times(self, factor: float, *, least: "Budget") -> "Budget":
        """So many times as much, and not less than `least`."""
        return Budget(
            fleet_s=max(int(self.fleet_s * factor), least.fleet_s),
            device_s=max(int(self.device_s * factor), least.device_s),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`todo`: of whole buckets, no two of them of one bucket of a device. `rest` is put back. `lost_s`: what lay before
    `whole_from`, and stays as it was.
    """

    todo: list[Piece]
    rest: list[Piece]
    watermark: int
    lost_s: int


def plan(taken: Sequence[Piece], *, bounds: Bounds, budget: Budget, blocked_at: int | None) -> Plan:
    """Decide on the pieces taken. `blocked_at`: the begin of the first piece that was not taken and reaches beyond the
    watermark; None if there is none.

    The new watermark passes no piece that is left: below it only what commits later, or waits for its turn among what
    came late, is missing in the table.
    """
    rest = [piece._replace(lo=max(piece.lo, bounds.until)) for piece in taken if piece.hi > bounds.until]
    fleet: list[Piece] = []
    single: dict[int, list[Piece]] = {}
    lost = 0
    for piece in taken:
        lo = piece.lo - piece.lo % bounds.bucket
        hi = min(piece.hi + -piece.hi % bounds.bucket, bounds.until)
        first = bounds.whole_from + -bounds.whole_from % bounds.bucket
        if lo < min(first, hi):
            lost += min(first, hi) - lo
            lo = first
        if lo < hi:
            (fleet if piece.device is None else single.setdefault(piece.device, [])).append(Piece(piece.device, lo, hi))
    covered = merged(fleet)
    todo, left = _spend(covered, budget.fleet_s, bounds.bucket)
    for pieces in single.values():
        mine = without(merged(pieces), covered)
        done, more = _spend(mine, budget.device_s, bounds.bucket)
        budget = replace(budget, device_s=max(budget.device_s - sum(p.hi - p.lo for p in done), 0))
        todo += done
        left += more
    rest += left
    ends = [max(piece.lo, bounds.watermark) for piece in rest if piece.hi > bounds.watermark]
    if blocked_at is not None:
        ends.append(max(blocked_at, bounds.watermark))
    watermark = min([bounds.until, *ends])
    watermark -= watermark % bounds.bucket
    return Plan(todo=todo, rest=_by_device(rest), watermark=max(watermark, bounds.watermark), lost_s=lost)


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """The same times of one device in order, without overlap."""
    done: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: (p.lo, p.hi)):
        if done and piece.lo <= done[-1].hi:
            done[-1] = done[-1]._replace(hi=max(done[-1].hi, piece.hi))
        else:
            done.append(piece)
    return done


def halves(pieces: Sequence[Piece], *, bucket: int, devices: Sequence[int]) -> list[list[Piece]]:
    """The same work in two parts, or device by device where it is of all `devices`; nothing where it is one bucket of
    one device. What fails as a whole is made so down to what fails by itself."""
    if len(pieces) == 1:
        (piece,) = pieces
        if piece.device is None:
            pieces = [piece._replace(device=device) for device in devices]
        elif piece.hi - piece.lo > bucket:
            middle = piece.lo + (piece.hi - piece.lo) // bucket // 2 * bucket
            pieces = [piece._replace(hi=middle), piece._replace(lo=middle)]
        else:
            return []
    middle = len(pieces) // 2
    return [part for part in (list(pieces[:middle]), list(pieces[middle:])) if part]


def _by_device(pieces: Iterable[Piece]) -> list[Piece]:
    each: dict[int | None, list[Piece]] = {}
    for piece in pieces:
        each.setdefault(piece.device, []).append(piece)
    return [piece for mine in each.values() for piece in merged(mine)]


def without(pieces: Sequence[Piece], others: Sequence[Piece]) -> list[Piece]:
    """What of merged pieces lies in none of the others, merged too."""
    kept: list[Piece] = []
    for piece in pieces:
        at = piece.lo
        for other in others:
            if other.hi <= at or other.lo >= piece.hi:
                continue
            if other.lo > at:
                kept.append(piece._replace(lo=at, hi=other.lo))
            at = other.hi
        if at < piece.hi:
            kept.append(piece._replace(lo=at))
    return kept


def _spend(pieces: Sequence[Piece], seconds: int, bucket: int) -> tuple[list[Piece], list[Piece]]:
    """The first so many seconds of pieces, in whole buckets, and what is left of them."""
    done: list[Piece] = []
    left: list[Piece] = []
    for piece in pieces:
        end = min(piece.hi, piece.lo + seconds - seconds % bucket)
        if end > piece.lo:
            done.append(piece._replace(hi=end))
            seconds -= end - piece.lo
        if end < piece.hi:
            left.append(piece._replace(lo=max(end, piece.lo)))
    return done, left
