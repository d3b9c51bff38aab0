"""What a simulated analyzer remembers while it is off: its wear and what is on board."""

import math
import random
from datetime import date, datetime, timedelta

from msgspec import Struct

from sim.analyzer.events import Supply
from sim.analyzer.menu import FLUIDS, MENU

LAMP_LIFE_H: float = 4_600.0
"""Hours in which a halogen lamp's energy falls to 1/e; makers ask for a new one after 1000 to 2000 h (k)."""
ON_BOARD: timedelta = timedelta(days=30)
"""How long an opened reagent keeps on board (k)."""
NA_SLOPE, K_SLOPE, CL_SLOPE = 58.4, 57.9, -50.2
"""Slopes of new electrodes, mV a decade: Nernst gives 59.2 at 25 Cel for a single charge."""


class Bottle(Struct, kw_only=True):
    """A reagent on board."""

    tests: int
    left: int
    lot: str
    expires: date
    opened_at: datetime
    told: bool = False
    """Whether its shortage was told."""

    def fit(self, at: datetime) -> bool:
        """Whether it may be used at `at`."""
        return at < self.opened_at + ON_BOARD and at.date() <= self.expires


class AnalyzerState(Struct, kw_only=True):
    """The state of a life. Kept over a restart, so that counters never run backwards."""

    at: datetime
    lamp_hours: float
    electrode_days: float
    """Age of the electrodes."""
    syringe_cycles: int
    tests: int
    """Tests since the manufacture."""
    patients: int
    waste: float
    """%"""
    blank: float
    """Largest cuvette blank, absorbance."""
    masked: int
    clots: int
    """Today, as the next."""
    shorts: int
    conductivity: float
    """Of the water, uS/cm: the filter ages."""
    bath: float
    """Deviation of the bath from 37 Cel."""
    drift: float
    """Of the calibration, in standard deviations of a control."""
    bottles: dict[str, Bottle]
    active: list[str] = []
    """Fault codes that were told as active and not as cleared."""

    @property
    def lamp_energy(self) -> float:
        """% of a new lamp."""
        return 100 * math.exp(-self.lamp_hours / LAMP_LIFE_H)

    @property
    def slope_share(self) -> float:
        """Of a new electrode's slope."""
        return 1 - 0.0006 * self.electrode_days

    def settle(self, at: datetime) -> None:
        """Age until `at`."""
        hours = (at - self.at).total_seconds() / 3600
        self.lamp_hours += hours
        self.electrode_days += hours / 24
        self.conductivity = min(0.7, self.conductivity + hours * 0.0001)
        self.at = at

    def use(self, name: str, at: datetime) -> bool:
        """One portion of a reagent. False when there is none that may be used."""
        bottle = self.bottles[name]
        if bottle.left <= 0 or not bottle.fit(at):
            return False
        bottle.left -= 1
        return True

    def supplies(self) -> tuple[Supply, ...]:
        """All that is on board."""
        return tuple(
            Supply(
                substance=name,
                tests=bottle.tests,
                left=bottle.left,
                lot=bottle.lot,
                expires=bottle.expires,
                on_board_until=bottle.opened_at + ON_BOARD,
            )
            for name, bottle in self.bottles.items()
        )


def fresh_bottle(dice: random.Random, tests: int, at: datetime, *, left: int | None = None) -> Bottle:
    """A bottle that is put on board at `at`."""
    return Bottle(
        tests=tests,
        left=tests if left is None else left,
        lot=f"L{dice.randrange(10**6):06d}",
        expires=at.date() + timedelta(days=dice.randint(60, 420)),
        opened_at=at,
    )


def newborn(dice: random.Random, at: datetime) -> AnalyzerState:
    """An analyzer somewhere in its life: in use for months to years."""
    wanted = {test.name: test.bottle for test in MENU if test.bottle} | FLUIDS
    return AnalyzerState(
        at=at,
        lamp_hours=dice.uniform(100, 1000),
        electrode_days=dice.uniform(5, 90),
        syringe_cycles=dice.randint(20_000, 200_000),
        tests=dice.randint(100_000, 2_000_000),
        patients=0,
        waste=dice.uniform(5, 40),
        blank=dice.uniform(0.03, 0.06),
        masked=dice.randint(0, 3),
        clots=0,
        shorts=0,
        conductivity=dice.uniform(0.1, 0.3),
        bath=0.0,
        drift=0.0,
        bottles={
            name: fresh_bottle(
                dice, tests, at - timedelta(days=dice.uniform(0, 12)), left=int(tests * dice.uniform(0.3, 1))
            )
            for name, tests in wanted.items()
        },
    )
