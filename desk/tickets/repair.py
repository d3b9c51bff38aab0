"""How a repair is told: cause, what was done and parts, from lists: quickly typed, and found again. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from catalog.model import Catalog, PartRef, RepairWord, Text

MAX_ACTIONS: Final = 5
MAX_PARTS: Final = 20


class Used(Struct, frozen=True, kw_only=True):
    """A part that was put in: a key of the catalog, how many, and its serial number where it has one."""

    part: str
    quantity: int = 1
    serial: str = ""


class Repair(Struct, frozen=True, kw_only=True):
    """What a person says of a repair, by the keys of `choices`."""

    cause: str
    actions: tuple[str, ...]
    parts: tuple[Used, ...]


class Choices(Struct, frozen=True, kw_only=True):
    """What there is to choose of, the likeliest first. `likely`: of the ticket, with the quantity it takes."""

    causes: Mapping[str, RepairWord]
    actions: Mapping[str, RepairWord]
    parts: Mapping[str, Text]
    likely: tuple[PartRef, ...]


class Lacking(Struct, frozen=True, kw_only=True):
    """Something of a repair that is missing or unknown: a path below it (`note` is beside it), and what to do."""

    where: str
    what: str


def cause_key(cause: Text) -> str:
    """The id of a ticket's likely cause: its English words in lower case. The catalog gives causes none; a repair keeps
    both, so that what was said stays as it was when the words change."""
    return re.sub(r"[^a-z0-9]+", "-", cause.en.lower()).strip("-")[:64]


def choices(causes: Sequence[Text], parts: Sequence[PartRef], catalog: Catalog) -> Choices:
    """Of a ticket with these likely causes and parts to bring, and what the catalog has for every ticket."""
    own = {cause_key(cause): RepairWord(key=cause_key(cause), name=cause) for cause in causes}
    return Choices(
        causes={**own, **catalog.repairs.causes},
        actions=catalog.repairs.actions,
        parts={**{part.key: part.name for part in parts}, **{key: part.name for key, part in catalog.parts.items()}},
        likely=tuple(parts),
    )


def lacking(repair: Repair, note: str, known: Choices) -> Iterator[Lacking]:
    """What is missing or unknown in what was said."""
    cause = known.causes.get(repair.cause)
    if cause is None:
        yield Lacking(where="cause", what="choose one of `causes`")
    if not repair.actions:
        yield Lacking(where="actions", what="say what was done: choose of `actions`")
    done = [known.actions.get(action) for action in repair.actions]
    for nth, action in enumerate(done):
        if action is None:
            yield Lacking(where=f"actions.{nth}", what="choose of `actions`")
    for nth, used in enumerate(repair.parts):
        if used.part not in known.parts:
            yield Lacking(where=f"parts.{nth}.part", what="choose of `parts`")
    said = [word for word in (cause, *done) if word is not None]
    if any(word.parts for word in said) and not repair.parts and not note.strip():
        yield Lacking(where="parts", what="name the part that was put in, or say in the note what it was")
    if any(word.note for word in said) and not note.strip():
        yield Lacking(where="note", what="say in a few words what it was")


def told(repair: Repair, known: Choices) -> dict[str, Any]:
    """The parameters of the history's words, in both languages. Nothing is lacking."""
    return {
        "cause": _words(known.causes[repair.cause].name),
        "actions": [_words(known.actions[action].name) for action in repair.actions],
        "parts": [_used(used, known.parts[used.part]) for used in repair.parts] or [{"zh": "无", "en": "none"}],
    }


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _used(used: Used, name: Text) -> dict[str, str]:
    behind = (f" × {used.quantity}" if used.quantity > 1 else "") + (f" ({used.serial})" if used.serial else "")
    return {"zh": name.zh + behind, "en": name.en + behind}
