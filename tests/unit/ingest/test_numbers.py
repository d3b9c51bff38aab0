"""What a number means against the mark: the table, and any history against a plain model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.numbers import Decision, Fate, Mark, applied, decide
from wire.ids import Epoch
from wire.report import Numbers

OWN, OLD, NEW = Epoch("ownepoch1"), Epoch("oldepoch1"), Epoch("newepoch1")
MARK = Mark(epoch=OWN, seq=10, digest=b"ten", previous_epoch=OLD)


def numbers(seq: int, floor: int = 1, epoch: Epoch = OWN) -> Numbers:
    return Numbers(epoch=epoch, seq=seq, floor=floor, head=seq)


@pytest.mark.parametrize(
    ("mark", "given_", "digest", "expected"),
    [
        (MARK, numbers(11), b"x", Decision(fate=Fate.APPLY, mark=MARK)),
        (MARK, numbers(10), b"ten", Decision(fate=Fate.DUPLICATE, mark=MARK)),
        (MARK, numbers(10), b"other", Decision(fate=Fate.MISMATCH, mark=MARK)),
        (MARK, numbers(3), b"x", Decision(fate=Fate.DUPLICATE, mark=MARK)),
        (MARK, numbers(12), b"x", Decision(fate=Fate.BEYOND, mark=MARK)),
        (
            MARK,
            numbers(15, floor=15),
            b"x",
            Decision(fate=Fate.APPLY, mark=Mark(epoch=OWN, seq=14, digest=b"", previous_epoch=OLD), gap=(11, 14)),
        ),
        (
            MARK,
            numbers(16, floor=14),
            b"x",
            Decision(fate=Fate.BEYOND, mark=Mark(epoch=OWN, seq=13, digest=b"", previous_epoch=OLD), gap=(11, 13)),
        ),
        (MARK, numbers(99, epoch=OLD), b"x", Decision(fate=Fate.STALE, mark=MARK)),
        (
            MARK,
            numbers(1, epoch=NEW),
            b"x",
            Decision(fate=Fate.APPLY, mark=Mark(epoch=NEW, seq=0, digest=b"", previous_epoch=OWN)),
        ),
        (
            MARK,
            numbers(5, floor=4, epoch=NEW),
            b"x",
            Decision(fate=Fate.BEYOND, mark=Mark(epoch=NEW, seq=3, digest=b"", previous_epoch=OWN), gap=(1, 3)),
        ),
        (None, numbers(1), b"x", Decision(fate=Fate.APPLY, mark=Mark(epoch=OWN, seq=0, digest=b""))),
        (
            None,
            numbers(7, floor=7),
            b"x",
            Decision(fate=Fate.APPLY, mark=Mark(epoch=OWN, seq=6, digest=b""), gap=(1, 6)),
        ),
        (
            Mark(epoch=OWN, seq=6, digest=b""),
            numbers(6),
            b"anything",
            Decision(fate=Fate.DUPLICATE, mark=Mark(epoch=OWN, seq=6, digest=b"")),
        ),
    ],
)
def test_each_case(mark: Mark | None, given_: Numbers, digest: bytes, expected: Decision) -> None:
    assert decide(mark, given_, digest) == expected


@given(st.lists(st.integers(1, 12), max_size=60), st.integers(1, 5))
def test_whatever_arrives_each_number_is_applied_once_and_in_order(arrivals: list[int], floor: int) -> None:
    mark: Mark | None = None
    done: list[int] = []
    gaps: list[int] = []
    for seq in arrivals:
        decision = decide(mark, numbers(max(seq, floor), floor), b"%d" % seq)
        mark = decision.mark
        if decision.gap is not None:
            gaps += range(decision.gap[0], decision.gap[1] + 1)
        if decision.fate is Fate.APPLY:
            done.append(mark.seq + 1)
            mark = applied(mark, numbers(max(seq, floor), floor), b"%d" % seq)
    assert sorted([*done, *gaps]) == list(range(1, (mark.seq if mark else 0) + 1))
    assert done == sorted(set(done))
