"""What a DR is asked to do: protocols with their technique, and how busy the department is.

General knowledge of adult techniques at 100-180 cm, not a standard. DAP follows from the technique: see `air_kerma`.
"""

import math
from datetime import datetime
from typing import Final

from msgspec import Struct


class Protocol(Struct, frozen=True, kw_only=True):
    """A projection. `mas` is the range of a normal patient, `field` the collimated size at the detector in cm,
    `distance` focus to detector in cm, `target` the target exposure index (IEC 62494-1), `weight` how frequent."""

    name: str
    part: str
    """Body part, a defined term of PS3.16 annex L."""
    view: str
    """View position (0018,5101) of PS3.3 C.8.11.1, or of C.8.11.5."""
    kv: float
    ma: float
    mas: tuple[float, float]
    field: tuple[float, float]
    distance: float
    target: float
    automatic: bool
    weight: float


def _protocol(
    name: str, technique: tuple[float, float, float, float], field: tuple[float, float], weight: float, *,
    distance: float = 110.0, target: float = 400.0, automatic: bool = False,
) -> Protocol:  # fmt: skip
    part, view = name.split()
    kv, ma, low, high = technique
    return Protocol(
        name=name,
        part=part,
        view=view,
        kv=kv,
        ma=ma,
        mas=(low, high),
        field=field,
        distance=distance,
        target=target,
        automatic=automatic,
        weight=weight,
    )


PROTOCOLS: Final = (
    _protocol("CHEST PA", (120, 320, 2.0, 4.5), (35, 40), 38, distance=180, target=300, automatic=True),
    _protocol("CHEST LL", (125, 320, 5.0, 12.0), (32, 40), 10, distance=180, target=300, automatic=True),
    _protocol("CHEST AP", (90, 250, 3.0, 6.0), (35, 40), 4, target=300),
    _protocol("RIB AP", (75, 320, 14.0, 25.0), (35, 40), 3, automatic=True),
    _protocol("ABDOMEN AP", (80, 400, 18.0, 40.0), (35, 43), 6, automatic=True),
    _protocol("PELVIS AP", (76, 400, 18.0, 34.0), (42, 35), 5, automatic=True),
    _protocol("LSPINE AP", (80, 400, 28.0, 50.0), (20, 42), 6, automatic=True),
    _protocol("LSPINE LL", (90, 400, 45.0, 85.0), (20, 42), 6, automatic=True),
    _protocol("CSPINE AP", (68, 250, 9.0, 16.0), (18, 24), 4, automatic=True),
    _protocol("CSPINE LL", (70, 250, 8.0, 14.0), (18, 28), 4, distance=150, automatic=True),
    _protocol("SKULL AP", (74, 320, 16.0, 26.0), (24, 30), 2, automatic=True),
    _protocol("SHOULDER AP", (68, 250, 8.0, 13.0), (24, 24), 4),
    _protocol("ELBOW AP", (56, 200, 2.6, 4.0), (16, 24), 2, target=500),
    _protocol("HAND PA", (50, 200, 1.8, 3.0), (20, 26), 5, target=500),
    _protocol("KNEE AP", (62, 250, 5.0, 8.5), (18, 36), 6, target=500),
    _protocol("KNEE LL", (62, 250, 4.5, 8.0), (18, 36), 6, target=500),
    _protocol("ANKLE AP", (56, 200, 3.0, 5.0), (18, 26), 4, target=500),
    _protocol("FOOT AP", (54, 200, 2.5, 4.2), (18, 30), 4, target=500),
)

_HOURS: Final = (
    0.6, 0.4, 0.3, 0.3, 0.3, 0.5, 1.0, 4.0, 14.0, 18.0, 18.0, 12.0,
    4.0, 8.0, 15.0, 14.0, 10.0, 5.0, 3.0, 2.0, 1.6, 1.4, 1.0, 0.8,
)  # fmt: skip
"""Patients by the hour of a working day: the outpatients' morning, a dip at lunch, emergencies at night."""
_WEEKEND: Final = 0.4
"""What is left of the day's work on a weekend; nights know no weekend."""
BUSIEST: Final = max(_HOURS)


def patients_per_hour(at: datetime) -> float:
    """How many patients an hour come at `at` (local time)."""
    rate = _HOURS[at.hour]
    return rate * _WEEKEND if at.weekday() >= 5 and 7 <= at.hour < 18 else rate


def air_kerma(*, kv: float, mas: float) -> float:
    """Air kerma at 1 m in mGy: 0.08 mGy/mAs at 100 kV, growing as kV to the power 2.1 (general knowledge)."""
    return 0.08 * mas * math.pow(kv / 100, 2.1)


def dap(protocol: Protocol, *, kv: float, mas: float) -> float:
    """Dose area product in dGy.cm2: kerma at 1 m times the field at 1 m; the same at any distance."""
    width, height = protocol.field
    area = width * height * (100 / protocol.distance) ** 2
    return air_kerma(kv=kv, mas=mas) * area / 100
