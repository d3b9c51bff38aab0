"""Which SOP classes are objects to be stored: PS3.4 annex B, GG and their like, by the UIDs of PS3.6 annex A. Pure."""

from typing import Final

VERIFICATION: Final = "1.2.840.10008.1.1"
PERFORMED_STEP: Final = "1.2.840.10008.3.1.2.3.3"
"""Modality performed procedure step, PS3.4 F.7."""
_DICOM: Final = "1.2.840.10008."
_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
"""The root of the storage SOP classes."""
_NONE: Final = frozenset(
    {f"{_STORAGE}200.{number}" for number in (4, 5, 6)} | {f"{_STORAGE}201.{number}" for number in (2, 3, 4, 5, 6)}
)
"""Queries that stand below it: of protocol approvals and of inventories."""
_OTHERS: Final = frozenset(
    {"1.2.840.10008.5.1.1.27", "1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30"}
    | {f"1.2.840.10008.5.1.4.{tail}" for tail in ("34.1", "34.7", "34.10", "38.1", "39.1", "43.1", "44.1", "45.1")}
)
"""Storage that doesn't: print and hardcopy images, and the instances without a patient (hanging protocols and such)."""


def is_storage(abstract_syntax: str) -> bool:
    """Whether objects of this class come by C-STORE. A maker's own classes are taken for such: of what else a maker
    defines each operation is answered as unknown."""
    if not abstract_syntax.startswith(_DICOM):
        return bool(abstract_syntax)
    return abstract_syntax in _OTHERS or (abstract_syntax.startswith(_STORAGE) and abstract_syntax not in _NONE)


def tells(abstract_syntax: str) -> bool:
    """Whether this service may bring something of the equipment."""
    return abstract_syntax == PERFORMED_STEP or is_storage(abstract_syntax)
