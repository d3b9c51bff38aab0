"""What breaks in a simulated DR, and how it shows before it does."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from sim.course import DAY, HOUR, MINUTE, Scenario


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


Fault = Scenario[Effects]

_GENERATOR: Final = (
    Fault("GEN-KV-01", "kV not reached", 8 * HOUR, 5 * HOUR, Effects(kv=-0.09, aborted=0.25), stops=True, weight=2),
    Fault("GEN-KV-02", "kV above limit", 4 * HOUR, 6 * HOUR, Effects(kv=0.08, kv_spread=0.02), stops=True),
    Fault("GEN-KV-03", "anode/cathode unbalance", 2 * DAY, DAY, Effects(kv=-0.03, kv_spread=0.02, aborted=0.05)),
    Fault("GEN-MA-01", "mA out of tolerance", 3 * DAY, DAY, Effects(ma=-0.14, ma_spread=0.03), weight=2),
    Fault("GEN-MA-02", "no mA", 6 * HOUR, 8 * HOUR, Effects(ma_spread=0.12, aborted=0.2), stops=True),
    Fault("GEN-FIL-01", "filament open", 2 * DAY, 20 * HOUR, Effects(ma=-0.06, ma_spread=0.06), stops=True),
    Fault("GEN-FIL-02", "filament current limit", 4 * DAY, 2 * DAY, Effects(ma=-0.07)),
    Fault("GEN-ROT-01", "rotor speed", 5 * HOUR, 8 * HOUR, Effects(aborted=0.3), stops=True, weight=2),
    Fault("GEN-ROT-02", "stator phase", 2 * HOUR, 8 * HOUR, Effects(aborted=0.25), stops=True),
    Fault("GEN-ARC-02", "arcing, locked", 2 * DAY, 9 * HOUR, Effects(arcs=0.4, aborted=0.12), stops=True, weight=2),
    Fault("GEN-HEAT-01", "inverter hot", 90 * MINUTE, HOUR, Effects(kv_spread=0.015, aborted=0.15), stops=True),
    Fault("GEN-COM-01", "no answer", 3 * HOUR, 3 * HOUR, Effects(aborted=0.2), stops=True),
    Fault("GEN-PWR-01", "mains out of range", 30 * MINUTE, 2 * HOUR, Effects(kv=-0.04, kv_spread=0.03)),
    Fault("GEN-CAP-01", "bus not charged", DAY, 7 * HOUR, Effects(kv_spread=0.04, aborted=0.2), stops=True),
)
_TUBE: Final = (
    Fault("TUB-HEAT-01", "anode heat limit", 40 * MINUTE, 30 * MINUTE, Effects(heat=80), weight=2),
    Fault("TUB-HEAT-02", "housing switch open", 2 * HOUR, 4 * HOUR, Effects(heat=95), stops=True),
    Fault("TUB-OUT-01", "output low", 20 * DAY, 3 * DAY, Effects(output=-0.3), weight=2),
)
_BEAM: Final = (
    Fault("AEC-BUT-01", "backup time", 3 * HOUR, HOUR, Effects(deviation=3, deviation_spread=1)),
    Fault("AEC-CHM-01", "no chamber signal", DAY, 6 * HOUR, Effects(deviation=2.5, deviation_spread=3)),
    Fault("AEC-CAL-01", "AEC out of range", 10 * DAY, 2 * DAY, Effects(deviation=2.5)),
    Fault("DOS-DAP-01", "DAP implausible", 2 * DAY, 2 * DAY, Effects(dap=-0.7)),
    Fault("COL-MOT-01", "blade position", DAY, 8 * HOUR, Effects(dap=0.6)),
    Fault("SAF-SWT-01", "hand switch", DAY, 2 * HOUR, Effects(aborted=0.35), stops=True),
    Fault("SAF-DOR-01", "door open", 10 * MINUTE, 5 * MINUTE, Effects(aborted=0.3), stops=True),
)
_DETECTOR: Final = (
    Fault("DET-LINK-01", "panel lost", 4 * HOUR, 2 * HOUR, Effects(active=2, aborted=0.1), stops=True, weight=3),
    Fault("DET-LINK-02", "image incomplete", 5 * HOUR, 4 * HOUR, Effects(active=1.2)),
    Fault(
        "DET-TEMP-01", "panel temperature high", 3 * HOUR, 2 * HOUR, Effects(temperature=14), nominal=False, weight=3
    ),
    Fault("DET-BAT-01", "battery low", 4 * HOUR, HOUR, Effects(battery=-0.92), weight=3),
    Fault("DET-BAT-02", "battery not charging", 2 * DAY, DAY, Effects(battery=-0.97)),
    Fault("DET-PIX-01", "too many defective pixels", 15 * DAY, 2 * DAY, Effects(defects=6500), nominal=False),
    Fault("DET-PIX-02", "line defect", 4 * DAY, 2 * DAY, Effects(defects=2600, sensitivity=-0.03), nominal=False),
    Fault(
        "DET-CAL-02", "calibration invalid", 2 * DAY, 8 * HOUR, Effects(sensitivity=-0.16, deviation=-1),
        nominal=False,
    ),
    Fault(
        "DET-TST-01", "self-test failed", 5 * HOUR, 4 * HOUR, Effects(active=0.8, sensitivity=-0.08),
        stops=True, nominal=False, weight=2,
    ),
    Fault("DET-TST-02", "readout error", 3 * HOUR, 4 * HOUR, Effects(active=1, aborted=0.15)),
    Fault("IRAY-24", "response timeout", 3 * HOUR, 2 * HOUR, Effects(active=2.5)),
    Fault("IRAY-42", "too many bad pixels", 15 * DAY, DAY, Effects(defects=6000), nominal=False),
    Fault("IRAY-1029", "battery low", 4 * HOUR, HOUR, Effects(battery=-0.93)),
    Fault("IRAY-1041", "self-test failed", 5 * HOUR, 4 * HOUR, Effects(active=0.8), stops=True, nominal=False),
    Fault("IRAY-1042", "temperature high", 3 * HOUR, HOUR, Effects(temperature=13), nominal=False),
)  # fmt: skip

SCENARIOS: Final[Mapping[str, Fault]] = {
    scenario.code: scenario for scenario in (*_GENERATOR, *_TUBE, *_BEAM, *_DETECTOR)
}
"""The faults that break out by themselves. Durations and sizes are guesses for a plausible life, not statistics."""

NONE: Final = Effects()
