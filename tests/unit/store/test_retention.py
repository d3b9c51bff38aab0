import pytest

from store.policies import policies
from store.retention import Keep, KeepError


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ({"raw_days": 2}, "readings must be kept for 3 days at least, not 2"),
        ({"raw_days": 400}, "400 days of readings, 366 of minutes, 1830 of hours"),
        ({"minute_days": 2000}, "92 days of readings, 2000 of minutes, 1830 of hours"),
        ({"compress_days": 0}, "after a day at the earliest, not 0"),
    ],
)
def test_ages_that_contradict_one_another(ages: dict[str, int], said: str) -> None:
    with pytest.raises(KeepError, match=said):
        Keep(**ages)


@pytest.mark.parametrize("days", [3, 30, 92])
def test_what_is_refreshed_is_not_dropped_yet(days: int) -> None:
    """A refresh over dropped readings would take their roll-ups away."""
    keep = Keep(raw_days=days)
    by_name = {(policy.table, policy.process): dict(policy.offsets) for policy in policies(keep)}
    kept = by_name["reading", "policy_retention"]["drop_after"]
    starts = [offsets["start_offset"] for offsets in by_name.values() if "start_offset" in offsets]
    assert len(starts) == 3
    assert all(start < kept for start in starts)
    assert keep.reach_days < days
