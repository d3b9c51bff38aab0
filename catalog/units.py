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
    "mV": "mV",
    "uS/cm": "µS/cm",
    "mL": "mL",
    "mmol/L": "mmol/L",
    "umol/L": "µmol/L",
    "U/L": "U/L",
    "g/L": "g/L",
    "mg/L": "mg/L",
}

IN_CHINESE: Final[dict[str, str]] = {"s": "秒", "min": "分钟", "h": "小时", "d": "天"}
"""Units that people say in Chinese, whatever their symbol."""

_ONE: Final = (
    *("%", "kV", "V", "mA", "uA", "ms", "s", "Cel", "uGy", "kJ"),
    *("kPa", "mm", "mV", "mL", "umol/L", "U/L", "g/L"),
)
DIGITS: Final[dict[str, int]] = {
    **dict.fromkeys(SYMBOLS, 0),
    **dict.fromkeys(_ONE, 1),
    **dict.fromkeys(("mAs", "uS/cm", "mmol/L", "mg/L"), 2),
    "dGy.cm2": 3,
}
"""Decimals that a person reads of a value in a unit, where its signal doesn't say."""

SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "%": ("%",),
    "mmol/L": ("mmol/L", "mmol/l", "MMOL/L", "mM/L"),
    "umol/L": ("umol/L", "umol/l", "µmol/L", "μmol/L", "µmol/l", "μmol/l", "UMOL/L"),
    "U/L": ("U/L", "U/l", "u/L", "IU/L", "IU/l"),
    "g/L": ("g/L", "g/l", "G/L"),
    "mg/L": ("mg/L", "mg/l", "MG/L"),
}
"""How analyzers spell the units of results: UCUM code -> spellings. Two of the letters that look like mu are in use."""

SAME: Final[dict[str, str]] = {
    **{symbol: unit for unit, symbol in SYMBOLS.items() if symbol},
    **{symbol.replace("µ", "μ"): unit for unit, symbol in SYMBOLS.items() if symbol},
    **{unit.replace("L", "l"): unit for unit in SYMBOLS},
    "mA.s": "mAs",
    "℃": "Cel",
}
"""What a maker's client may write for a unit of ours -> the unit: its symbol, with either mu, or UCUM's other way."""
