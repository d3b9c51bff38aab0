"""What the rounds of the page's benchmark amount to."""

import pytest

from bench.console import figure
from bench.console_page import Measured

ROUNDS: list[Measured] = [
    {"idle": 300.0, "late": [100.0, 120.0], "further /alerts": 20.0, "further /devices": 30.0},
    {"idle": 100.0, "late": [110.0, 900.0], "further /alerts": 21.0, "further /devices": 10.0},
    {"idle": 200.0, "late": [130.0], "further /alerts": 40.0, "further /devices": 30.0},
]


@pytest.mark.parametrize(("name", "found"), [("idle", 200.0), ("late", 900.0), ("further", 30.0)])
def test_a_figure_is_a_median_but_lateness_is_of_all_changes_and_weight_of_the_greatest_page(
    name: str, found: float
) -> None:
    assert figure(ROUNDS, name) == found


def test_a_version_that_is_one_page_has_no_further_one() -> None:
    assert figure([{"idle": 1.0}], "further") is None
