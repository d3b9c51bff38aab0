"""What breaks in a simulated analyzer, and how it shows before it does; see `sim.faults`."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


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


class Scenario(Struct, frozen=True, kw_only=True):
    """A fault with its precursors. `lead_s`: how long it shows before; `lasts_s`: until it is mended; `stops`: nothing
    is measured meanwhile; `weight`: how frequent."""

    code: str
    words: str
    lead_s: float
    lasts_s: float
    effects: Effects = NONE
    stops: bool = False
    weight: float = 1.0


_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


def _fault(
    code: str, words: str, lead_s: float, lasts_s: float, effects: Effects = NONE, *,
    stops: bool = False, weight: float = 1.0,
) -> Scenario:  # fmt: skip
    return Scenario(code=code, words=words, lead_s=lead_s, lasts_s=lasts_s, effects=effects, stops=stops, weight=weight)


_OPTICS: Final = (
    _fault("PHO-LMP-01", "lamp energy low", 6 * _DAY, _DAY, Effects(lamp=-38, imprecision=0.8), weight=3),
    _fault("PHO-LMP-02", "lamp off", 2 * _DAY, 5 * _HOUR, Effects(lamp=-70, imprecision=2), stops=True),
    _fault("PHO-ADC-01", "photometer conversion", 5 * _HOUR, 5 * _HOUR, Effects(imprecision=3)),
    _fault("CUV-BLK-02", "cuvettes out of use", 8 * _DAY, _DAY, Effects(blank=0.12, masked=16), weight=2),
    _fault("CUV-WSH-01", "wash station", _DAY, 6 * _HOUR, Effects(blank=0.14, bias=1.5, waste=20), weight=2),
)
_HEAT: Final = (
    _fault("BTH-TMP-01", "bath out of range", 5 * _HOUR, 4 * _HOUR, Effects(bath=0.9, bias=1.5), weight=3),
    _fault("BTH-TMP-02", "bath overheated", 3 * _HOUR, 6 * _HOUR, Effects(bath=4.5, bias=4), stops=True),
    _fault("BTH-LVL-01", "bath level low", 6 * _HOUR, 2 * _HOUR, Effects(bath=-0.8, bath_spread=0.1), stops=True),
    _fault("BTH-SEN-01", "bath sensor", 2 * _DAY, 8 * _HOUR, Effects(bath_spread=0.5), stops=True),
    _fault("CLR-TMP-01", "cooler warm", _DAY, 8 * _HOUR, Effects(cooler=9), weight=2),
)
_PROBES: Final = (
    _fault("PRB-CLT-02", "probe clogged", 2 * _DAY, 3 * _HOUR, Effects(clots=0.25, imprecision=0.5), stops=True),
    _fault("PRB-CRS-01", "sample probe crash", 10 * _MINUTE, 4 * _HOUR, stops=True),
    _fault("PRB-CRS-02", "reagent probe crash", 10 * _MINUTE, 4 * _HOUR, stops=True),
    _fault("PRB-LVL-01", "level sense", _DAY, 4 * _HOUR, Effects(shorts=0.2), stops=True, weight=2),
    _fault("SYR-LEK-01", "syringe leaks", 5 * _DAY, _DAY, Effects(imprecision=1.5, bias=-0.5), weight=2),
    _fault("SYR-MOT-01", "syringe home", 6 * _HOUR, 5 * _HOUR, Effects(imprecision=1.5), stops=True),
    _fault("MIX-MOT-01", "mixer", _DAY, 5 * _HOUR, Effects(imprecision=2.5)),
    _fault("BAR-RDR-01", "barcode reader", 3 * _DAY, 8 * _HOUR, Effects(unread=0.4)),
)
_FLUIDS: Final = (
    _fault("WTR-SUP-01", "no water", 40 * _MINUTE, 2 * _HOUR, Effects(pressure=-0.98), stops=True, weight=2),
    _fault("WTR-CON-01", "water conductivity", 5 * _DAY, _DAY, Effects(conductivity=2.4, bias=0.6), weight=2),
    _fault("WST-PMP-01", "waste pump", 5 * _HOUR, 3 * _HOUR, Effects(waste=45), stops=True),
    _fault("VAC-LOW-01", "vacuum low", 3 * _DAY, 8 * _HOUR, Effects(vacuum=28, blank=0.05), weight=2),
    _fault("DTG-FED-01", "detergent feed", 8 * _HOUR, 3 * _HOUR, Effects(blank=0.08)),
)
_ISE: Final = (
    _fault("ISE-SLP-01", "slope", 12 * _DAY, _DAY, Effects(slope=-0.2), weight=3),
    _fault("ISE-DV-01", "dV unstable", _DAY, 8 * _HOUR, Effects(slope=-0.06, imprecision=0.5)),
    _fault("ISE-FLW-01", "ISE flow", 6 * _HOUR, 4 * _HOUR, Effects(slope=-0.1)),
)
_CONTROL: Final = (
    _fault("INS-COM-01", "module link", 2 * _HOUR, 3 * _HOUR, stops=True),
    _fault("INS-MEC-01", "axis not home", 3 * _HOUR, 4 * _HOUR, stops=True),
    _fault("LIS-COM-01", "LIS link", 20 * _MINUTE, 2 * _HOUR),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.code: scenario for scenario in (*_OPTICS, *_HEAT, *_PROBES, *_FLUIDS, *_ISE, *_CONTROL)
}
"""The faults that break out by themselves. Durations and sizes are guesses for a plausible life, not statistics."""
