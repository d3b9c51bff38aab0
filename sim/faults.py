"""What breaks in a simulated DR, and how it shows before it does.

A scenario's effects grow from nothing to their full size while the fault is coming (its lead), stay while it is
active, and end with the service that clears it.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Effects(Struct, frozen=True, kw_only=True):
    """What a fault does to the readings at its full size; the defaults do nothing."""

    kv: float = 0.0
    """Relative change of the tube voltage that is reached: -0.05 is 5 % too low."""
    ma: float = 0.0
    """Relative change of the tube current."""
    ma_spread: float = 0.0
    """Relative standard deviation added to the tube current."""
    output: float = 0.0
    """Relative change of the tube's output: of the dose at the same technique."""
    dap: float = 0.0
    """Relative change of what the dose meter shows."""
    sensitivity: float = 0.0
    """Relative change of the detector's sensitivity."""
    deviation: float = 0.0
    """Shift of the deviation index."""
    deviation_spread: float = 0.0
    """Standard deviation added to the deviation index."""
    temperature: float = 0.0
    """Of the detector, Cel."""
    heat: float = 0.0
    """Of the tube, % of its capacity."""
    arcs: float = 0.0
    """Arcs per exposure."""
    aborted: float = 0.0
    """Probability that an exposure is aborted."""
    active: float = 0.0
    """Relative change of the detector's active time."""
    drain: float = 0.0
    """Relative change of what drains the battery."""
    defects: float = 0.0
    """Defect pixels."""


class Scenario(Struct, frozen=True, kw_only=True):
    """A fault with its precursors. `lead_s`: how long it shows before; `lasts_s`: until it is mended; `stops`: nothing
    can be exposed meanwhile; `nominal`: what the detector says of itself; `weight`: how frequent."""

    code: str
    words: str
    lead_s: float
    lasts_s: float
    effects: Effects
    stops: bool = False
    nominal: bool = True
    weight: float = 1.0


_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.code: scenario
    for scenario in (
        Scenario(
            code="GEN-KV-01",
            words="kV not reached",
            lead_s=6 * _HOUR,
            lasts_s=4 * _HOUR,
            effects=Effects(kv=-0.09, aborted=0.25),
            stops=True,
        ),
        Scenario(
            code="DET-TEMP-01",
            words="panel temperature high",
            lead_s=3 * _HOUR,
            lasts_s=2 * _HOUR,
            effects=Effects(temperature=14),
            nominal=False,
        ),
    )
}


def combined(shares: list[tuple[Effects, float]]) -> Effects:
    """The sum of effects, each at its share (0..1) of its full size."""
    if not shares:
        return _NONE
    return Effects(
        **{
            name: sum(float(getattr(effects, name)) * share for effects, share in shares)
            for name in Effects.__struct_fields__
        }
    )


_NONE: Final = Effects()
