"""The UCUM codes that signals may use, with the symbol that a person reads.

Source: The Unified Code for Units of Measure (UCUM), case-sensitive codes ("c/s"); DICOM PS3.3 names the same units in words.
"""

from __future__ import annotations

SYMBOLS: dict[str, str] = {
    "1": "",
    "%": "%",
    "kV": "kV",
    "mA": "mA",
    "ms": "ms",
    "mAs": "mAs",
    "s": "s",
    "min": "min",
    "h": "h",
    "d": "d",
    "Cel": "°C",
    "dGy.cm2": "dGy·cm²",
    "uGy": "µGy",
    "By": "B",
    "V": "V",
    "W": "W",
    "Hz": "Hz",
    "kPa": "kPa",
    "mm": "mm",
    "dB": "dB",
    "kJ": "kJ",
    "Ohm": "Ω",
}
