"""The decision of a round, against a model that counts minutes one by one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.rollup_plan import Bounds, Budget, Piece, merged, plan, without

BUCKET = 60
PLENTY = Budget(fleet_s=10**9, device_s=10**9)


def pieces(end: int = 40) -> st.SearchStrategy[list[Piece]]:
    """In minutes times 60, of devices 1 and 2 or all."""
    one = st.tuples(st.sampled_from([None, 1, 2]), st.integers(0, end), st.integers(1, 6))
    return st.lists(one.map(lambda x: Piece(x[0], x[1] * BUCKET, (x[1] + x[2]) * BUCKET)), max_size=8)


def minutes(found: list[Piece]) -> set[tuple[int, int]]:
    """(device, minute) of pieces; of all devices means 1, 2 and 3."""
    return {
        (device, minute)
        for piece in found
        for device in ([1, 2, 3] if piece.device is None else [piece.device])
        for minute in range(piece.lo // BUCKET, piece.hi // BUCKET)
    }


def bounds(*, watermark: int = 0, until: int = 50, whole_from: int = 0) -> Bounds:
    return Bounds(bucket=BUCKET, watermark=watermark * BUCKET, until=until * BUCKET, whole_from=whole_from * BUCKET)


@given(pieces(), st.integers(0, 30), st.integers(0, 30), st.integers(0, 5), st.integers(1, 10), st.integers(1, 10))
def test_nothing_taken_is_forgotten_or_passed(
    taken: list[Piece], watermark: int, ahead: int, whole_from: int, fleet: int, device: int
) -> None:
    at = bounds(watermark=watermark, until=watermark + ahead, whole_from=whole_from)
    decided = plan(taken, bounds=at, budget=Budget(fleet_s=fleet * BUCKET, device_s=device * BUCKET), blocked_at=None)
    todo, rest = minutes(decided.todo), minutes(decided.rest)
    lost = {
        (device_, minute) for device_, minute in minutes(taken) if minute < whole_from and minute < watermark + ahead
    }
    assert (todo | rest) - lost == minutes(taken) - lost
    assert not todo & lost
    assert all(minute < watermark + ahead for _, minute in todo)
    assert at.watermark <= decided.watermark <= at.until
    assert all(not watermark <= minute < decided.watermark // BUCKET for _, minute in rest)


@given(pieces())
def test_no_bucket_of_a_device_twice_in_one_round(taken: list[Piece]) -> None:
    decided = plan(taken, bounds=bounds(), budget=PLENTY, blocked_at=None)
    each = [
        (device, minute)
        for piece in decided.todo
        for device in ([1, 2, 3] if piece.device is None else [piece.device])
        for minute in range(piece.lo // BUCKET, piece.hi // BUCKET)
    ]
    assert len(each) == len(set(each))


def test_pieces_grow_to_whole_buckets_and_not_beyond_closed_time() -> None:
    hours = Bounds(bucket=3600, watermark=0, until=7200, whole_from=0)
    decided = plan([Piece(1, 3660, 3720), Piece(2, 7140, 7260)], bounds=hours, budget=PLENTY, blocked_at=None)
    assert decided.todo == [Piece(1, 3600, 7200), Piece(2, 3600, 7200)]
    assert decided.rest == [Piece(2, 7200, 7260)]
    assert decided.watermark == 7200


def test_what_was_not_taken_blocks_the_watermark() -> None:
    decided = plan([Piece(None, 0, 600)], bounds=bounds(), budget=PLENTY, blocked_at=330)
    assert decided.watermark == 300


def test_a_late_rest_blocks_nothing() -> None:
    small = Budget(fleet_s=10**9, device_s=60)
    decided = plan([Piece(1, 0, 600)], bounds=bounds(watermark=20), budget=small, blocked_at=None)
    assert decided.rest == [Piece(1, 60, 600)]
    assert decided.watermark == 50 * BUCKET


def test_what_lies_before_the_rest_of_what_was_dropped_is_counted() -> None:
    decided = plan([Piece(1, 0, 300)], bounds=bounds(whole_from=3), budget=PLENTY, blocked_at=None)
    assert (decided.todo, decided.lost_s) == ([Piece(1, 180, 300)], 180)


@given(pieces(), pieces())
def test_sets_of_times(first: list[Piece], second: list[Piece]) -> None:
    ones = merged([piece._replace(device=1) for piece in first])
    others = merged([piece._replace(device=1) for piece in second])
    assert minutes(ones) == minutes([piece._replace(device=1) for piece in first])
    assert minutes(without(ones, others)) == minutes(ones) - minutes(others)
    assert all(one.hi < two.lo for one, two in pairwise(ones))
