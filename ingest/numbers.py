"""What a report's number means against the mark of its lane (delivery 3-6). Pure."""

from enum import StrEnum

from msgspec import Struct

from wire.report import Numbers


class Mark(Struct, frozen=True, kw_only=True, gc=False):
    """Everything up to ``seq`` of ``epoch`` is committed. ``digest`` is of the report at ``seq``; empty where the mark
    was moved over a gap and that report was never seen. ``previous_epoch``: the epoch before this one."""

    epoch: str
    seq: int
    digest: bytes
    previous_epoch: str = ""


class Fate(StrEnum):
    """What becomes of a report; also the label of its count."""

    APPLY = "apply"
    DUPLICATE = "duplicate"
    MISMATCH = "mismatch"
    BEYOND = "beyond"
    STALE = "stale"


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """``fate`` of the report, and the ``mark`` before it is applied: moved to floor - 1 where ``gap`` = (first, last)
    numbers can never come any more."""

    fate: Fate
    mark: Mark
    gap: tuple[int, int] | None = None


def decide(mark: Mark | None, numbers: Numbers, digest: bytes) -> Decision:
    """The fate of a numbered report (``seq`` >= 1).

    A new epoch begins at its floor: what lies below it will never come. The previous epoch's reports are stale: the
    agent left it for this one and renumbered what it still held.
    """
    if mark is None:
        mark = Mark(epoch=numbers.epoch, seq=0, digest=b"")
    elif numbers.epoch == mark.previous_epoch:
        return Decision(fate=Fate.STALE, mark=mark)
    elif numbers.epoch != mark.epoch:
        mark = Mark(epoch=numbers.epoch, seq=0, digest=b"", previous_epoch=mark.epoch)
    elif numbers.seq <= mark.seq:
        other = numbers.seq == mark.seq and mark.digest not in (b"", digest)
        return Decision(fate=Fate.MISMATCH if other else Fate.DUPLICATE, mark=mark)
    gap: tuple[int, int] | None = None
    if numbers.floor > mark.seq + 1:
        gap = (mark.seq + 1, numbers.floor - 1)
        mark = Mark(epoch=mark.epoch, seq=numbers.floor - 1, digest=b"", previous_epoch=mark.previous_epoch)
    fate = Fate.APPLY if numbers.seq == mark.seq + 1 else Fate.BEYOND
    return Decision(fate=fate, mark=mark, gap=gap)


def applied(mark: Mark, numbers: Numbers, digest: bytes) -> Mark:
    """The mark after the report was applied, or consumed as a dead letter (delivery 12)."""
    return Mark(epoch=mark.epoch, seq=numbers.seq, digest=digest, previous_epoch=mark.previous_epoch)
