"""What a simulated DR remembers while it is off: its wear, and how warm it is."""

import math
import random
from datetime import datetime, timedelta

from msgspec import Struct

HEAT_CAPACITY: float = 300_000
"""Heat units that the tube's anode holds (k)."""
_HU_PER_KV_MAS = 1.4
"""Heat units of a high-frequency generator: 1.4 kV mAs (general knowledge)."""
_ANODE_S = 900.0
_PANEL_S = 2700.0
"""Time constants of cooling: the anode's, and of the panel towards its room."""
_ON, _STANDBY = 9.5, 1.5
"""How much warmer than its room the panel gets, in Cel."""


class LifeState(Struct, kw_only=True):
    """The state of a life. Kept over a restart, so that counters never run backwards."""

    at: datetime
    calibrated_at: datetime
    since_calibration: int
    total: int
    """Exposures of the detector since its manufacture."""
    tube_exposures: int
    patients: int
    last_exposure_at: datetime
    sensitivity: float
    """When new; see `sensitivity_now`."""
    room: float
    """Mean temperature of the room, Cel."""
    panel: float
    """Temperature of the detector, Cel."""
    powered: bool
    heat: float
    """Heat units in the anode."""
    battery: float
    """%"""
    defects: int
    arcs: int
    """Arcs today."""
    active: list[str] = []
    """Fault codes whose beginning is in the log and whose end isn't."""
    steps: list[int] = []
    """Patients whose performed procedure step has begun and not ended."""

    @property
    def sensitivity_now(self) -> float:
        """The scintillator and the gain decay with dose: 2 % in 100,000 exposures (k)."""
        return self.sensitivity * math.exp(-self.total / 5_000_000)

    @property
    def heat_percent(self) -> float:
        """Of the tube's capacity."""
        return 100 * self.heat / HEAT_CAPACITY

    def settle(self, at: datetime) -> None:
        """Let temperatures follow what they strive for, until `at`."""
        seconds = (at - self.at).total_seconds()
        target = self.room_at(at) + (_ON if self.powered else _STANDBY)
        self.panel = target + (self.panel - target) * math.exp(-seconds / _PANEL_S)
        self.heat *= math.exp(-seconds / _ANODE_S)
        self.at = at

    def room_at(self, at: datetime) -> float:
        """The room's temperature: warmest at 15 o'clock."""
        hour = at.hour + at.minute / 60
        return self.room + 1.2 * math.cos((hour - 15) / 24 * 2 * math.pi)

    def expose(self, *, kv: float, mas: float, at: datetime) -> None:
        """One exposure's wear and warmth."""
        self.total += 1
        self.tube_exposures += 1
        self.since_calibration += 1
        self.last_exposure_at = at
        self.heat += _HU_PER_KV_MAS * kv * mas
        self.panel += 0.04
        self.battery -= 0.12


def newborn(random_: random.Random, at: datetime) -> LifeState:
    """A DR somewhere in its life, as dealers look after them: in use for months to years."""
    total = random_.randint(20_000, 160_000)
    room = random_.uniform(20.5, 23.5)
    since = random_.randint(400, 9_000)
    powered = 7 <= at.hour < 21
    return LifeState(
        at=at,
        calibrated_at=(at - timedelta(days=since / 110)).replace(hour=16, minute=0, second=0, microsecond=0),
        since_calibration=since,
        total=total,
        tube_exposures=int(total * random_.uniform(0.6, 1.3)),
        patients=0,
        last_exposure_at=at - timedelta(minutes=random_.uniform(5, 90)),
        sensitivity=random_.uniform(470, 530),
        room=room,
        panel=room + (3.0 if powered else _STANDBY),
        powered=powered,
        heat=0.0,
        battery=random_.uniform(70, 98),
        defects=random_.randint(300, 1800),
        arcs=0,
    )
