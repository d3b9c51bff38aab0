"""What a simulated analyzer is asked to measure: tests, their controls, and how busy the laboratory is.

General knowledge of adults' values and of common control material, not a standard.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct


class MenuItem(Struct, frozen=True, kw_only=True):
    """A test. `name`: as the equipment spells it. `usual`: mean and standard deviation of patients, `controls`: target
    and standard deviation of the two levels, all in `unit`. `enzyme`: its result follows the bath's temperature.
    `bottle`: tests that a reagent bottle serves, 0 for those of the ISE module, which share its buffer."""

    name: str
    unit: str
    usual: tuple[float, float]
    controls: tuple[tuple[float, float], tuple[float, float]]
    enzyme: bool = False
    bottle: int = 300
    weight: float = 0.5


def _test(
    name: str, unit: str, usual: tuple[float, float], low: tuple[float, float], high: tuple[float, float], *,
    enzyme: bool = False, bottle: int = 300, weight: float = 0.5,
) -> MenuItem:  # fmt: skip
    return MenuItem(
        name=name, unit=unit, usual=usual, controls=(low, high), enzyme=enzyme, bottle=bottle, weight=weight
    )


MENU: Final = (
    _test("GLU", "mmol/L", (5.6, 1.1), (5.2, 0.12), (15.4, 0.34), weight=0.8),
    _test("ALT", "U/L", (24, 9), (38, 1.6), (122, 3.9), enzyme=True, weight=0.8),
    _test("AST", "U/L", (23, 7), (41, 1.7), (148, 4.6), enzyme=True, weight=0.8),
    _test("CREA", "umol/L", (74, 14), (92, 3.1), (402, 11), weight=0.9),
    _test("UREA", "mmol/L", (5.1, 1.2), (6.4, 0.22), (19.8, 0.6), weight=0.9),
    _test("TP", "g/L", (71, 4.5), (56, 1.2), (74, 1.5), weight=0.6),
    _test("ALB", "g/L", (43, 3), (34, 0.8), (48, 1), weight=0.6),
    _test("TBIL", "umol/L", (12, 4), (18, 0.9), (84, 3), weight=0.6),
    _test("CHOL", "mmol/L", (4.8, 0.9), (3.6, 0.09), (6.9, 0.17)),
    _test("TG", "mmol/L", (1.4, 0.5), (1.1, 0.04), (2.4, 0.08)),
    _test("CA", "mmol/L", (2.35, 0.09), (2.1, 0.04), (3.1, 0.06), weight=0.4),
    _test("NA", "mmol/L", (140, 2.2), (128, 1.1), (152, 1.2), bottle=0, weight=0.7),
    _test("K", "mmol/L", (4.2, 0.3), (3.4, 0.05), (6.1, 0.08), bottle=0, weight=0.7),
    _test("CL", "mmol/L", (103, 2.1), (92, 0.9), (116, 1.1), bottle=0, weight=0.7),
)
FLUIDS: Final = {"ISE": 600, "DET": 1500, "CD80": 900}
"""What else runs out: substance, and the samples that a full container serves."""

_HOURS: Final = (
    1.0, 0.8, 0.6, 0.5, 0.5, 1.0, 4.0, 22.0, 48.0, 52.0, 44.0, 30.0,
    9.0, 16.0, 28.0, 24.0, 16.0, 8.0, 5.0, 3.5, 3.0, 2.4, 2.0, 1.4,
)  # fmt: skip
"""Samples by the hour of a working day: wards and outpatients draw blood before breakfast."""
_WEEKEND: Final = 0.4
BUSIEST: Final = max(_HOURS)


def samples_per_hour(at: datetime) -> float:
    """How many samples an hour come at `at` (local time)."""
    rate = _HOURS[at.hour]
    return rate * _WEEKEND if at.weekday() >= 5 and 7 <= at.hour < 18 else rate
