"""What breaks in a simulated analyzer, and how it shows before it does."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from sim.course import DAY, HOUR, MINUTE, Scenario


class Effects(Struct, frozen=True, kw_only=True):
    """What a fault does at its full size; the defaults do nothing."""

    lamp: float = 0.0
    """Of the lamp's energy, in percentage points."""
    bath: float = 0.0
    """Of the reaction bath, Cel."""
    bath_spread: float = 0.0
    """Standard deviation added to the bath's temperature, Cel."""
    cooler: float = 0.0
    """Of the reagent compartment, Cel."""
    blank: float = 0.0
    """Of the cuvettes' blanks, absorbance."""
    masked: float = 0.0
    """Cuvettes taken out of use."""
    clots: float = 0.0
    """Probability of a clot, a sample."""
    shorts: float = 0.0
    """Probability of too little sample, a sample."""
    unread: float = 0.0
    """Probability of an unreadable barcode, a sample."""
    slope: float = 0.0
    """Relative change of the electrodes' slopes."""
    conductivity: float = 0.0
    """Of the water, uS/cm."""
    pressure: float = 0.0
    """Relative change of the water's pressure."""
    waste: float = 0.0
    """Of the waste's level, percentage points."""
    vacuum: float = 0.0
    """Of the vacuum, kPa: positive is weaker."""
    bias: float = 0.0
    """Shift of every result, in standard deviations of its control."""
    imprecision: float = 0.0
    """Standard deviations added to the spread of every result."""


NONE: Final = Effects()


Fault = Scenario[Effects]

_OPTICS: Final = (
    Fault("PHO-LMP-01", "lamp energy low", 6 * DAY, DAY, Effects(lamp=-38, imprecision=0.8), weight=3),
    Fault("PHO-LMP-02", "lamp off", 2 * DAY, 5 * HOUR, Effects(lamp=-70, imprecision=2), stops=True),
    Fault("PHO-ADC-01", "photometer conversion", 5 * HOUR, 5 * HOUR, Effects(imprecision=3)),
    Fault("CUV-BLK-02", "cuvettes out of use", 8 * DAY, DAY, Effects(blank=0.12, masked=16), weight=2),
    Fault("CUV-WSH-01", "wash station", DAY, 6 * HOUR, Effects(blank=0.14, bias=1.5, waste=20), weight=2),
)
_HEAT: Final = (
    Fault("BTH-TMP-01", "bath out of range", 5 * HOUR, 4 * HOUR, Effects(bath=0.9, bias=1.5), weight=3),
    Fault("BTH-TMP-02", "bath overheated", 3 * HOUR, 6 * HOUR, Effects(bath=4.5, bias=4), stops=True),
    Fault("BTH-LVL-01", "bath level low", 6 * HOUR, 2 * HOUR, Effects(bath=-0.8, bath_spread=0.1), stops=True),
    Fault("BTH-SEN-01", "bath sensor", 2 * DAY, 8 * HOUR, Effects(bath_spread=0.5), stops=True),
    Fault("CLR-TMP-01", "cooler warm", DAY, 8 * HOUR, Effects(cooler=9), weight=2),
)
_PROBES: Final = (
    Fault("PRB-CLT-02", "probe clogged", 2 * DAY, 3 * HOUR, Effects(clots=0.25, imprecision=0.5), stops=True),
    Fault("PRB-CRS-01", "sample probe crash", 10 * MINUTE, 4 * HOUR, NONE, stops=True),
    Fault("PRB-CRS-02", "reagent probe crash", 10 * MINUTE, 4 * HOUR, NONE, stops=True),
    Fault("PRB-LVL-01", "level sense", DAY, 4 * HOUR, Effects(shorts=0.2), stops=True, weight=2),
    Fault("SYR-LEK-01", "syringe leaks", 5 * DAY, DAY, Effects(imprecision=1.5, bias=-0.5), weight=2),
    Fault("SYR-MOT-01", "syringe home", 6 * HOUR, 5 * HOUR, Effects(imprecision=1.5), stops=True),
    Fault("MIX-MOT-01", "mixer", DAY, 5 * HOUR, Effects(imprecision=2.5)),
    Fault("BAR-RDR-01", "barcode reader", 3 * DAY, 8 * HOUR, Effects(unread=0.4)),
)
_FLUIDS: Final = (
    Fault("WTR-SUP-01", "no water", 40 * MINUTE, 2 * HOUR, Effects(pressure=-0.98), stops=True, weight=2),
    Fault("WTR-CON-01", "water conductivity", 5 * DAY, DAY, Effects(conductivity=2.4, bias=0.6), weight=2),
    Fault("WST-PMP-01", "waste pump", 5 * HOUR, 3 * HOUR, Effects(waste=45), stops=True),
    Fault("VAC-LOW-01", "vacuum low", 3 * DAY, 8 * HOUR, Effects(vacuum=28, blank=0.05), weight=2),
    Fault("DTG-FED-01", "detergent feed", 8 * HOUR, 3 * HOUR, Effects(blank=0.08)),
)
_ISE: Final = (
    Fault("ISE-SLP-01", "slope", 12 * DAY, DAY, Effects(slope=-0.2), weight=3),
    Fault("ISE-DV-01", "dV unstable", DAY, 8 * HOUR, Effects(slope=-0.06, imprecision=0.5)),
    Fault("ISE-FLW-01", "ISE flow", 6 * HOUR, 4 * HOUR, Effects(slope=-0.1)),
)
_CONTROL: Final = (
    Fault("INS-COM-01", "module link", 2 * HOUR, 3 * HOUR, NONE, stops=True),
    Fault("INS-MEC-01", "axis not home", 3 * HOUR, 4 * HOUR, NONE, stops=True),
    Fault("LIS-COM-01", "LIS link", 20 * MINUTE, 2 * HOUR, NONE),
)

SCENARIOS: Final[Mapping[str, Fault]] = {
    scenario.code: scenario for scenario in (*_OPTICS, *_HEAT, *_PROBES, *_FLUIDS, *_ISE, *_CONTROL)
}
"""The faults that break out by themselves. Durations and sizes are guesses for a plausible life, not statistics."""
