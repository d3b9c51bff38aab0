"""What a UDI is taken for."""

import pytest

from people.udi import checked_udi


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("(01)06901234567892", "(01)06901234567892"),
        ("(01) 0690 1234 5678 92 (21) SN0042", "(01)06901234567892(21)SN0042"),
        ("0106901234567892112011031721SN", "0106901234567892112011031721SN"),
        ("MA.156.M0.100221.A1", "MA.156.M0.100221.A1"),
        ("+A123BJC5D6E71G", "+A123BJC5D6E71G"),
    ],
)
def test_codes_of_every_agency_are_kept_without_blanks(given: str, kept: str) -> None:
    assert checked_udi(given) == kept


@pytest.mark.parametrize("slip", range(14))
def test_a_slip_in_any_digit_of_gs1s_identifier_is_seen(slip: int) -> None:
    right = "06901234567892"
    wrong = right[:slip] + str((int(right[slip]) + 1) % 10) + right[slip + 1 :]
    with pytest.raises(ValueError, match="14 digits"):
        checked_udi(f"(01){wrong}(21)SN0042")


@pytest.mark.parametrize("given", ["设备", "x" * 101, "a\u202eb"])
def test_what_is_none(given: str) -> None:
    with pytest.raises(ValueError, match="is no UDI"):
        checked_udi(given)
