"""The UCUM codes that signals may use, with the symbol that a person reads.

Source: The Unified Code for Units of Measure, the case-sensitive codes (column "c/s").
"""

from typing import Final

SYMBOLS: Final[dict[str, str]] = {
    "1": "",
    "%": "%",
    "kV": "kV",
    "V": "V",
    "mA": "mA",
    "uA": "µA",
    "mAs": "mAs",
    "ms": "ms",
    "s": "s",
    "min": "min",
    "h": "h",
    "d": "d",
    "Cel": "°C",
    "dGy.cm2": "dGy·cm²",
    "uGy": "µGy",
    "kJ": "kJ",
    "By": "B",
    "W": "W",
    "Hz": "Hz",
    "kPa": "kPa",
    "mm": "mm",
    "dB[mW]": "dBm",
}
