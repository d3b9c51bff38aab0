"""The spellings of units: one meaning is read, two are refused, and the page on equipment says which."""

import re
from pathlib import Path

import pytest

from agent.adapters.dicom.units import SPELLINGS, power_of, spelled
from agent.adapters.dicom.walk import Raw
from agent.adapters.values import Refused

DAP, KV, MA, MS, MAS, ONE = "dGy.cm2", "kV", "mA", "ms", "mAs", "1"
PAGE = Path(__file__).parents[3] / "docs" / "equipment.md"


@pytest.mark.parametrize(
    ("ours", "unit", "power"),
    [
        (DAP, "dGy.cm2", 0), (DAP, "Gym2", 5), (DAP, "Gy.m2", 5), (DAP, "Gy*m2", 5), (DAP, "Gy m2", 5),
        (DAP, "dGycm2", 0), (DAP, "mGycm2", -2), (DAP, "uGym2", -1), (DAP, "cGycm2", -1), (DAP, "Gycm2", 1),
        (DAP, "uGy.m2", -1), (DAP, "µGy·m²", -1), (DAP, "μGym²", -1), (DAP, "Gy·cm²", 1), (DAP, "cGy-cm2", -1),
        (DAP, "mGy*cm^2", -2), (DAP, "Gy cm**2", 1), (DAP, "GYCM2", 1), (DAP, "MGYCM2", -2), (DAP, "(mGy.cm2)", -2),
        (KV, "kV", 0), (KV, "KV", 0), (KV, "kv", 0), (KV, "kVp", 0), (KV, "KVP", 0), (KV, "kV{peak}", 0), (KV, "V", -3),
        (KV, "kilovolt", 0), (KV, "\uff4b\uff36", 0),
        (MA, "mA", 0), (MA, "ma", 0), (MA, "uA", -3), (MA, "µA", -3), (MA, "A", 3), (MA, "milliampere", 0),
        (MS, "ms", 0), (MS, "mS", 0), (MS, "msec", 0), (MS, "mSec", 0), (MS, "s", 3), (MS, "S", 3), (MS, "sec", 3),
        (MS, "us", -3), (MS, "µs", -3), (MS, "usec", -3), (MS, "milliseconds", 0), (MS, "MSEC", 0),
        (MAS, "mAs", 0), (MAS, "mA.s", 0), (MAS, "mA*s", 0), (MAS, "mA·s", 0), (MAS, "uA.s", -3), (MAS, "µAs", -3),
        (MAS, "A.s", 3), (MAS, "mC", 0), (MAS, "MAS", 0),
        (ONE, "1", 0), (ONE, "{no units}", 0), (ONE, "no units", 0), (ONE, "", 0),
    ],
)  # fmt: skip
def test_one_meaning_is_read(ours: str, unit: str, power: int) -> None:
    assert power_of(ours, [unit]) == power


@pytest.mark.parametrize(
    ("ours", "unit"),
    [(MA, "MA"), (MS, "Ms"), (MAS, "MAs"), (MAS, "MA.s"), (MAS, "MC"), (KV, "MV"), (DAP, "MGy.cm2"), (DAP, "MGym2")],
)
def test_mega_or_milli_is_refused(ours: str, unit: str) -> None:
    with pytest.raises(Refused) as caught:
        power_of(ours, [unit])
    assert caught.value.reason == "ambiguous-unit"


@pytest.mark.parametrize(
    ("ours", "unit"),
    [(DAP, "Gy"), (DAP, "mGy"), (DAP, "Gy/cm2"), (DAP, "Gy.cm-2"), (DAP, "Gy.cm"), (DAP, "R.cm2"), (DAP, ""),
     (KV, "mA"), (KV, "keV"), (KV, "mV"), (KV, ""), (MA, "mAs"), (MA, "mA/s"), (MS, "min"), (MS, "m"), (MAS, "mA"),
     (ONE, "%"), (ONE, "dB")],
)  # fmt: skip
def test_another_kind_of_unit_is_refused(ours: str, unit: str) -> None:
    with pytest.raises(Refused) as caught:
        power_of(ours, [unit])
    assert caught.value.reason == "unknown-unit"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("unit", ["µGy·m²", "cGy·cm²"])
def test_signs_beside_ascii_in_either_encoding(unit: str, encoding: str) -> None:
    assert power_of(DAP, spelled(Raw("SH", unit.encode(encoding), little=True))) == -1


def test_a_micro_sign_of_a_chinese_system() -> None:
    assert power_of(DAP, spelled(Raw("SH", "μGy·m2".encode("gb18030"), little=True))) == -1


def test_no_two_spellings_of_a_quantity_differ_in_case_alone_and_in_meaning() -> None:
    for spellings in SPELLINGS.values():
        folded: dict[str, int] = {}
        for text, power in spellings.items():
            assert folded.setdefault(text.lower(), power) == power, text


def test_the_page_on_equipment_says_what_is_read() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = {ours: (re.findall("`([^`]*)`", read), re.findall("`([^`]*)`", refused)) for ours, read, refused in rows}
    assert SPELLINGS.keys() <= told.keys()
    for ours in SPELLINGS:
        read, refused = told[ours]
        assert len(read) >= 3
        for unit in read:
            power_of(ours, [unit])
        for unit in refused:
            with pytest.raises(Refused):
                power_of(ours, [unit])
