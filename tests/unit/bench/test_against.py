"""What a comparison of two revisions is made of."""

import pytest

from bench.against import OURS, late, rate


def test_a_rate_is_the_median_of_all_rounds_of_all_runs() -> None:
    runs = [
        {"rounds": {OURS: [{"rate": 3.0}, {"rate": 900.0}], "peer": [{"rate": 1.0}]}},
        {"rounds": {OURS: [{"rate": 5.0}]}},
    ]
    assert rate(runs) == 5.0


@pytest.mark.parametrize(("share", "ms"), [(0.5, 2.0), (0.99, 4.0), (0.75, 3.0)])
def test_lateness_is_of_the_faults_of_all_runs_together(share: float, ms: float) -> None:
    assert late([{"faults": [{"ms": 4.0}, {"ms": 1.0}]}, {"faults": [{"ms": 2.0}, {"ms": 3.0}]}], share) == ms
