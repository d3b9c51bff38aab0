"""What a device is called in registers outside: its UDI. Pure."""

import re
from typing import Final

LONGEST: Final = 100
_PRINTED: Final = re.compile(r"[\x21-\x7e]*\Z")
_GTIN: Final = re.compile(r"\(?01\)?(\d{14})")
"""GS1 General Specifications 3.2: application identifier 01, then 14 digits, as scanned or as printed."""


def checked_udi(text: str) -> str:
    """A UDI as it was scanned or typed, without blanks; "" is none. Raises ValueError saying what is wrong.

    China's register takes codes of GS1, of MA (ISO/IEC 15459, `MA.156.…`) and of AHM: what can be checked is the last
    digit of GS1's device identifier (GS1 General Specifications 7.9: weights 3 and 1, modulo 10).
    """
    code = "".join(text.split())
    if len(code) > LONGEST or not _PRINTED.match(code):
        raise ValueError("is no UDI: letters, digits and signs of ASCII, 100 at most")
    found = _GTIN.match(code)
    if found is not None and not _adds_up(found[1]):
        raise ValueError("is no UDI: the last of the 14 digits behind (01) doesn't fit the others: look for a slip")
    return code


def _adds_up(gtin: str) -> bool:
    return sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(gtin)) % 10 == 0
