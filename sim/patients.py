"""Invented patients. Each text about them carries a mark, so that a leak is found wherever it comes out.

A canary: if any of `marks()` is ever seen outside the equipment (outbox, wire, a log of ours, database, screen),
patients' data leak.
"""

import random
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

MARK: Final = "ZZCANARY"
MARK_ZH: Final = "金丝雀"
_FAMILY: Final = ("Finch", "Siskin", "Serin", "Linnet", "Bunting", "Crossbill", "Redpoll", "Brambling")
_GIVEN: Final = ("Ada", "Bruno", "Clara", "Denis", "Edda", "Falk", "Gesa", "Hanno", "Ilse", "Jost")
_FIRST_BIRTH: Final = date(1921, 1, 1)


class Patient(Struct, frozen=True, kw_only=True):
    """Somebody who doesn't exist. `name`: DICOM PN with its ideographic group (PS3.5 6.2.1)."""

    name: str
    id: str
    born: date
    sex: str
    accession: str


def patient(seed: int, number: int) -> Patient:
    """The patient `number` of the device `seed`: always the same."""
    dice = random.Random(f"{seed}/patient/{number}")
    return Patient(
        name=f"{MARK}-{dice.choice(_FAMILY)}^{dice.choice(_GIVEN)}={MARK_ZH}^{number % 1000:03d}",
        id=f"{MARK}-{seed % 10_000:04d}-{number:06d}",
        born=_FIRST_BIRTH + timedelta(days=dice.randrange(30_000)),
        sex=dice.choice(("M", "F", "O")),
        accession=f"ZZCAN{dice.randrange(10**9):09d}",
    )


def marks() -> tuple[str, ...]:
    """What each canary contains: search for these."""
    return (MARK, MARK_ZH, "ZZCAN")
