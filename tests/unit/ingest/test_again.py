"""A fault said again, perhaps folded otherwise: the same occurrence is stored once, a new one always."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.again import Known, new_occurrences
from wire.items import Fault


def fold(times: list[int]) -> Fault:
    if len(times) == 1:
        return Fault(at=times[0], code="E", state="event")
    return Fault(at=times[0], code="E", state="event", count=len(times), first=times[0], last=times[-1])


def known(*faults: Fault) -> list[Known]:
    return [Known(f.source, f.code, f.state, f.first or f.at, f.last or f.at, f.count) for f in faults]


def test_what_was_stored_one_by_one_is_not_stored_folded() -> None:
    assert new_occurrences(fold([10, 20, 30]), 0, known(fold([10]), fold([20]), fold([30]))) is None


def test_what_was_stored_folded_is_not_stored_one_by_one() -> None:
    stored = known(fold([10, 20, 30]))
    assert [new_occurrences(fold([at]), 0, stored) for at in (10, 20, 30)] == [None, None, None]


def test_of_a_fold_that_is_known_in_part_the_rest_is_new() -> None:
    new = new_occurrences(fold([10, 20, 30, 40]), 0, known(fold([10]), fold([20])))
    assert new is not None
    assert (new.at, new.first, new.last, new.count) == (21, 21, 40, 2)


def test_another_code_state_or_time_is_another_fact() -> None:
    one = fold([10])
    assert new_occurrences(one, 0, []) is one
    assert new_occurrences(one, 0, known(fold([11]))) is one
    assert new_occurrences(one, 0, [Known("device", "E", "active", 10, 10, 1)]) is one
    assert new_occurrences(one, 0, [Known("device", "F", "event", 10, 10, 1)]) is one


def test_what_is_stored_is_compared_at_corrected_times() -> None:
    assert new_occurrences(fold([10, 20]), 1000, known(fold([1010, 1020]))) is None
    new = new_occurrences(fold([10, 20]), 1000, known(fold([1010])))
    assert new is not None
    assert (new.first, new.last, new.count) == (11, 20, 1)


def parts(draw: st.DrawFn, times: list[int]) -> list[list[int]]:
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(times) - 1)), max_size=len(times))))
    pieces = [times[a:b] for a, b in zip([0, *cuts], [*cuts, len(times)], strict=True)]
    return [piece for piece in pieces if piece]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """All occurrences; how those up to some time were stored; and how an older copy tells all of them again: what it
    held is as it was or the beginning of what became of it, what it reads again is alone, what is new may be folded."""
    times = sorted(draw(st.sets(st.integers(0, 1000), min_size=1, max_size=12)))
    stored = parts(draw, times[: draw(st.integers(0, len(times)))])
    again: list[list[int]] = []
    for piece in stored[: draw(st.integers(0, len(stored)))]:
        cut = draw(st.integers(1, len(piece)))
        again += [piece[:cut], *([at] for at in piece[cut:])]
    read = [at for at in times if not any(at in piece for piece in again)]
    known = sum(len(piece) for piece in stored) - sum(len(piece) for piece in again)
    return times, stored, [*again, *([at] for at in read[:known]), *parts(draw, read[known:])]


@given(histories())
def test_told_again_each_occurrence_is_counted_once(
    history: tuple[list[int], list[list[int]], list[list[int]]],
) -> None:
    times, before, again = history
    stored = known(*map(fold, before))
    for piece in again:
        new = new_occurrences(fold(piece), 0, stored)
        if new is not None:
            stored += known(new)
    assert sum(k.times for k in stored) == len(times)


def test_of_a_fold_that_cuts_a_stored_one_the_last_is_never_lost() -> None:
    new = new_occurrences(fold([20, 30]), 0, known(fold([10, 20])))
    assert new is not None
    assert (new.first, new.last, new.count) == (21, 30, 1)
