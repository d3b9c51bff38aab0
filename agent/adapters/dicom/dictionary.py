"""The value representations of every element that is ever looked at: DICOM PS3.6 chapter 6 and PS3.7 annex E.

They count where the encoding doesn't say them (implicit transfer syntaxes) or says nothing (UN, blank, no VR at all).
"""

from collections.abc import Mapping
from typing import Final

VRS: Final[Mapping[int, str]] = {
    # PS3.7 annex E: commands
    0x00000002: "UI", 0x00000003: "UI", 0x00000100: "US", 0x00000110: "US", 0x00000800: "US", 0x00001000: "UI",
    0x00001001: "UI",
    # file meta information (PS3.10 7.1)
    0x00020002: "UI", 0x00020010: "UI",
    # what kind of object it is, of when, and which
    0x00080016: "UI", 0x00080018: "UI", 0x00080022: "DA", 0x00080023: "DA", 0x0008002A: "DT", 0x00080032: "TM",
    0x00080033: "TM", 0x00080060: "CS", 0x00080201: "SH", 0x00083010: "UI",
    # codes
    0x00080100: "SH", 0x00080102: "SH", 0x00081155: "UI", 0x00081199: "SQ",
    # exposure
    0x00180060: "DS", 0x00181000: "LO", 0x00181020: "LO", 0x00181150: "IS", 0x00181151: "IS", 0x00181152: "IS",
    0x00181153: "IS", 0x0018115E: "DS", 0x00181200: "DA", 0x00181201: "TM", 0x00181411: "DS", 0x00181412: "DS",
    0x00181413: "DS", 0x00188150: "DS", 0x00188151: "DS",
    # detector
    0x00186000: "DS", 0x00187000: "CS", 0x00187001: "DS", 0x00187006: "LT", 0x0018700A: "SH", 0x0018700C: "DA",
    0x0018700E: "TM", 0x00187010: "IS", 0x00187011: "IS", 0x00187012: "DS", 0x00187014: "DS", 0x00187060: "CS",
    0x00187064: "CS",
    # performed procedure step
    0x00400252: "CS", 0x00400281: "SQ", 0x00400301: "US",
    # structured report
    0x004008EA: "SQ", 0x0040A040: "CS", 0x0040A043: "SQ", 0x0040A120: "DT", 0x0040A124: "UI", 0x0040A300: "SQ",
    0x0040A30A: "DS", 0x0040A504: "SQ", 0x0040A730: "SQ", 0x0040DB00: "CS",
}  # fmt: skip
