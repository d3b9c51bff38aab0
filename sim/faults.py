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
    kv_spread: float = 0.0
    """Relative standard deviation added to the tube voltage."""
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
    battery: float = 0.0
    """Relative change of the battery's charge."""
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


_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


def _fault(
    code: str, words: str, lead_s: float, lasts_s: float, effects: Effects, *,
    stops: bool = False, nominal: bool = True, weight: float = 1.0,
) -> Scenario:  # fmt: skip
    return Scenario(
        code=code,
        words=words,
        lead_s=lead_s,
        lasts_s=lasts_s,
        effects=effects,
        stops=stops,
        nominal=nominal,
        weight=weight,
    )


_GENERATOR: Final = (
    _fault("GEN-KV-01", "kV not reached", 8 * _HOUR, 5 * _HOUR, Effects(kv=-0.09, aborted=0.25), stops=True, weight=2),
    _fault("GEN-KV-02", "kV above limit", 4 * _HOUR, 6 * _HOUR, Effects(kv=0.08, kv_spread=0.02), stops=True),
    _fault("GEN-KV-03", "anode/cathode unbalance", 2 * _DAY, _DAY, Effects(kv=-0.03, kv_spread=0.02, aborted=0.05)),
    _fault("GEN-MA-01", "mA out of tolerance", 3 * _DAY, _DAY, Effects(ma=-0.14, ma_spread=0.03), weight=2),
    _fault("GEN-MA-02", "no mA", 6 * _HOUR, 8 * _HOUR, Effects(ma_spread=0.12, aborted=0.2), stops=True),
    _fault("GEN-FIL-01", "filament open", 2 * _DAY, 20 * _HOUR, Effects(ma=-0.06, ma_spread=0.06), stops=True),
    _fault("GEN-FIL-02", "filament current limit", 4 * _DAY, 2 * _DAY, Effects(ma=-0.07)),
    _fault("GEN-ROT-01", "rotor speed", 5 * _HOUR, 8 * _HOUR, Effects(aborted=0.3), stops=True, weight=2),
    _fault("GEN-ROT-02", "stator phase", 2 * _HOUR, 8 * _HOUR, Effects(aborted=0.25), stops=True),
    _fault("GEN-ARC-02", "arcing, locked", 2 * _DAY, 9 * _HOUR, Effects(arcs=0.4, aborted=0.12), stops=True, weight=2),
    _fault("GEN-HEAT-01", "inverter hot", 90 * _MINUTE, _HOUR, Effects(kv_spread=0.015, aborted=0.15), stops=True),
    _fault("GEN-COM-01", "no answer", 3 * _HOUR, 3 * _HOUR, Effects(aborted=0.2), stops=True),
    _fault("GEN-PWR-01", "mains out of range", 30 * _MINUTE, 2 * _HOUR, Effects(kv=-0.04, kv_spread=0.03)),
    _fault("GEN-CAP-01", "bus not charged", _DAY, 7 * _HOUR, Effects(kv_spread=0.04, aborted=0.2), stops=True),
)
_TUBE: Final = (
    _fault("TUB-HEAT-01", "anode heat limit", 40 * _MINUTE, 30 * _MINUTE, Effects(heat=80), weight=2),
    _fault("TUB-HEAT-02", "housing switch open", 2 * _HOUR, 4 * _HOUR, Effects(heat=95), stops=True),
    _fault("TUB-OUT-01", "output low", 20 * _DAY, 3 * _DAY, Effects(output=-0.3), weight=2),
)
_BEAM: Final = (
    _fault("AEC-BUT-01", "backup time", 3 * _HOUR, _HOUR, Effects(deviation=3, deviation_spread=1)),
    _fault("AEC-CHM-01", "no chamber signal", _DAY, 6 * _HOUR, Effects(deviation=2.5, deviation_spread=3)),
    _fault("AEC-CAL-01", "AEC out of range", 10 * _DAY, 2 * _DAY, Effects(deviation=2.5)),
    _fault("DOS-DAP-01", "DAP implausible", 2 * _DAY, 2 * _DAY, Effects(dap=-0.7)),
    _fault("COL-MOT-01", "blade position", _DAY, 8 * _HOUR, Effects(dap=0.6)),
    _fault("SAF-SWT-01", "hand switch", _DAY, 2 * _HOUR, Effects(aborted=0.35), stops=True),
    _fault("SAF-DOR-01", "door open", 10 * _MINUTE, 5 * _MINUTE, Effects(aborted=0.3), stops=True),
)
_DETECTOR: Final = (
    _fault("DET-LINK-01", "panel lost", 4 * _HOUR, 2 * _HOUR, Effects(active=2, aborted=0.1), stops=True, weight=3),
    _fault("DET-LINK-02", "image incomplete", 5 * _HOUR, 4 * _HOUR, Effects(active=1.2)),
    _fault(
        "DET-TEMP-01", "panel temperature high", 3 * _HOUR, 2 * _HOUR, Effects(temperature=14), nominal=False, weight=3
    ),
    _fault("DET-BAT-01", "battery low", 4 * _HOUR, _HOUR, Effects(battery=-0.92), weight=3),
    _fault("DET-BAT-02", "battery not charging", 2 * _DAY, _DAY, Effects(battery=-0.97)),
    _fault("DET-PIX-01", "too many defective pixels", 15 * _DAY, 2 * _DAY, Effects(defects=6500), nominal=False),
    _fault("DET-PIX-02", "line defect", 4 * _DAY, 2 * _DAY, Effects(defects=2600, sensitivity=-0.03), nominal=False),
    _fault(
        "DET-CAL-02", "calibration invalid", 2 * _DAY, 8 * _HOUR, Effects(sensitivity=-0.16, deviation=-1),
        nominal=False,
    ),
    _fault(
        "DET-TST-01", "self-test failed", 5 * _HOUR, 4 * _HOUR, Effects(active=0.8, sensitivity=-0.08),
        stops=True, nominal=False, weight=2,
    ),
    _fault("DET-TST-02", "readout error", 3 * _HOUR, 4 * _HOUR, Effects(active=1, aborted=0.15)),
    _fault("IRAY-24", "response timeout", 3 * _HOUR, 2 * _HOUR, Effects(active=2.5)),
    _fault("IRAY-42", "too many bad pixels", 15 * _DAY, _DAY, Effects(defects=6000), nominal=False),
    _fault("IRAY-1029", "battery low", 4 * _HOUR, _HOUR, Effects(battery=-0.93)),
    _fault("IRAY-1041", "self-test failed", 5 * _HOUR, 4 * _HOUR, Effects(active=0.8), stops=True, nominal=False),
    _fault("IRAY-1042", "temperature high", 3 * _HOUR, _HOUR, Effects(temperature=13), nominal=False),
)  # fmt: skip

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.code: scenario for scenario in (*_GENERATOR, *_TUBE, *_BEAM, *_DETECTOR)
}
"""The faults that break out by themselves. Durations and sizes are guesses for a plausible life, not statistics."""

NONE: Final = Effects()
