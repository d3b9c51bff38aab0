"""What a person types into a list's search, turned into what its rows are found by.

Each word must be in the names of the device: its own, hospital, site, department, serial, id, model. Or all of them are
in one name of the catalog: a code, a signal, a family, in either language. Or it is the end of a ticket's number.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query

from api.http.context import Session
from api.http.shapes import UNSEEN
from catalog.model import Catalog, Text
from people.names import clean_name
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

MOST: Final = 100
"""Characters."""
WORDS: Final = 3
"""What follows belongs to the last one."""
MOST_TICKETS: Final = 1000
"""Of one end of a number."""
FEW: Final = 200
_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
_NUMBER: Final = re.compile(r"[A-Z0-9\-]*[0-9\-]{3}", re.ASCII)

Q = Annotated[
    str | None,
    Query(
        max_length=MOST,
        description="Each word is part of a device's name, hospital, site, department, serial, id or model; or all of "
        "it is part of a fault's code, a signal or a family, by key or name; or a ticket's number ends with it.",
        examples=["第一人民医院 DR"],
    ),
]


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What was typed, as keys: a row that has one of them is found. Device and ticket ids are the database's own.

    `devices_of_tickets`: whose numbers those are.
    """

    devices: list[int]
    tickets: list[int]
    devices_of_tickets: list[int]
    alerts: list[UUID]
    subjects: list[str]
    families: list[str]
    families_of_codes: list[str]

    def of_devices(self) -> dict[str, list[int] | None]:
        """The parameters `sought` and `many` of a statement: few devices are found by an index, of many each row is
        asked whether it is theirs. The planner thinks about each member of an array: ten thousand of them take it
        longer than the statement itself."""
        few = len(self.devices) <= FEW
        return {"sought": self.devices if few else [], "many": None if few else self.devices}

    def of_alerts(self) -> dict[str, Any]:
        """The parameters of the statements about alerts."""
        return {**self.of_devices(), "subjects": self.subjects, "ticketed": self.alerts}

    def of_tickets(self) -> dict[str, Any]:
        """The parameters of the statements about tickets."""
        return {
            **self.of_devices(),
            "numbered": self.tickets,
            "families": self.families,
            "families_of_codes": self.families_of_codes,
            "subjects": self.subjects,
        }


def words_of(typed: str | None) -> list[str]:
    """What was typed, composed (NFC) and without what can't be seen, as at most `WORDS` words; none: all is shown."""
    shown = clean_name(_UNSEEN.sub(lambda found: " " if found[0].isspace() else "", typed or ""))
    return shown.split(" ", WORDS - 1) if shown else []


def like(text: str) -> str:
    r"""Characters of a LIKE pattern that mean themselves (PostgreSQL 9.7.1: `\` escapes)."""
    return re.sub(r"([\\%_])", r"\\\1", text)


@dataclass(frozen=True, kw_only=True)
class Named:
    """Keys of the catalog: subjects of alerts (codes and signals), families, and the families that the codes are of."""

    subjects: set[str]
    families: set[str]
    families_of_codes: set[str]


def known_names(catalog: Catalog, words: list[str]) -> Named:
    """What all words are in, by key or by name."""
    wanted = [word.casefold() for word in words]

    def named(key: str, name: Text) -> bool:
        return any(all(word in text.casefold() for word in wanted) for text in (key, name.zh, name.en))

    found = Named(subjects={" ".join(words)}, families=set(), families_of_codes=set())
    for model in catalog.models.values():
        families = {key for key, family in model.families.items() if named(key, family.name)}
        codes = {
            code: fault.family
            for code, fault in model.faults.items()
            if fault.family in families or named(code, fault.name)
        }
        found.families.update(families)
        found.families_of_codes.update(codes.values())
        found.subjects.update(codes, (name for name, signal in model.signals.items() if named(name, signal.title)))
    return found


def _patterns(catalog: Catalog, word: str) -> list[str]:
    """How a word may stand in `shown_device.sought`, whose last line is the model's key."""
    folded = word.casefold()
    models = [
        key
        for key, model in catalog.models.items()
        if folded in model.name.zh.casefold() or folded in model.name.en.casefold()
    ]
    return [f"%{like(word)}%", *(f"%\n{like(key)}" for key in models)]


async def seek(asked: Session, typed: str | None) -> Sought | None:
    """What is sought, as who asks sees it; None: nothing, so that all is shown."""
    words = words_of(typed)
    if not words:
        return None
    catalog = asked.context.catalog
    patterns: dict[str, Any] = dict.fromkeys(("first", "second", "third"))
    patterns |= dict(zip(patterns, (_patterns(catalog, word) for word in words), strict=False))
    devices = await _SQL.many(asked.connection, "sought_devices", patterns)
    number = " ".join(words).upper()
    tickets = (
        await _SQL.many(asked.connection, "sought_tickets", {"number": number, "limit": MOST_TICKETS})
        if _NUMBER.fullmatch(number)
        else []
    )
    named = known_names(catalog, words)
    return Sought(
        devices=[row["id"] for row in devices],
        tickets=[row["id"] for row in tickets],
        devices_of_tickets=[row["device_id"] for row in tickets],
        alerts=[alert for row in tickets for alert in row["alerts"] or ()],
        subjects=sorted(named.subjects),
        families=sorted(named.families),
        families_of_codes=sorted(named.families_of_codes),
    )
