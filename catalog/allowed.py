"""What may be kept of what equipment says: one list, for the gate in front of an agent's outbox and for the server's.

Declared are the signals, units, ranges and fault codes of a model (its bases included), and the states, inventory
fields and sources of this page. Every text is one of a list or has a pattern that no name of a person fits. What isn't
declared is dropped or replaced by a fixed word, and counted under a stable word, never quoted. Pure.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from catalog.model import UNKNOWN_CODE, Model, Signal, Text
from wire.items import Fault, Inventory, StateChange

OTHER: Final = "other"
"""Stands for a word that is on no list. The fact it belongs to is kept."""
UNCERTAIN_TIME: Final = "time.uncertain"
"""The parameter, 1.0, of a fault whose time is that of its receipt, as its own can't be."""

STATES: Final[Mapping[str, frozenset[str]]] = {
    "exposure.control_mode": frozenset({"MANUAL", "AUTOMATIC"}),
    "exposure.status": frozenset({"NORMAL", "ABORTED"}),
    "mpps.status": frozenset({"IN PROGRESS", "DISCONTINUED", "COMPLETED"}),
    "equipment": frozenset(
        {"clearing", "configuring", "diagnosing", "emergency-stop", "idle", "initializing", "maintenance"}
        | {"operating", "paused", "pausing", "powered-up", "sampling-stopped", "shutting-down"}
    ),
    "equipment.control": frozenset({"local", "remote"}),
    "alert-level": frozenset({"normal", "warning", "serious", "critical"}),
}
"""Each state with all the values it can take (DICOM PS3.3 C.8.7.8, C.4.14; HL7 tables 0365, 0366 and 0367)."""
REAGENT_STATES: Final[Mapping[str, frozenset[str]]] = {
    "status": frozenset(
        {"ok", "expires-soon", "calibration-warning", "control-warning", "short"}
        | {"calibration-error", "control-error", "expired", "empty"}
    )
}
"""What ``reagent.<key>.`` may be followed by, for each reagent that the model knows (HL7 table 0383)."""
SOURCES: Final = frozenset({"device", "detector", "dicom", "folder", "astm", "hl7", "log", "host", OTHER})
"""What may have told of a fault: ``device`` itself, or what of it, or what read it."""

_IDENTITY: Final = re.compile(
    r"(?<!\d)\d{6}[._/:;\- ]?(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[._/:;\- ]?\d{3}[\dXx]?(?!\d)",
    re.ASCII,
)
"""The number of a Chinese identity card (GB 11643): a place, a day of birth, a serial number, a check digit."""
_SERIAL: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._/:#+\-]{0,31}\Z", re.ASCII)
_LOT: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._/\-]{0,31}\Z", re.ASCII)
"""A digit and no blank: the name of a person looks otherwise."""
_SERIAL_OF: Final = re.compile(r"\A(?:S/?N|No|Nr)[.:]? ", re.ASCII | re.IGNORECASE)
"""What may stand before a serial number, with a blank."""
_VERSION: Final = re.compile(r"[A-Za-z0-9(\[][A-Za-z0-9 ;,._/:+()\[\]=~&*#\-]{0,63}\Z", re.ASCII)
_BETWEEN_WORDS: Final = re.compile(r"[ ;,]+")
_BETWEEN_PARTS: Final = re.compile(r"[^A-Za-z0-9]+")
PRODUCTS: Final = frozenset(
    {"ver", "vers", "version", "rev", "revision", "rel", "release", "build", "sp", "service", "pack", "patch", "hotfix"}
    | {"fix", "alpha", "beta", "rc", "sw", "fw", "hw", "software", "firmware", "hardware", "system", "platform", "os"}
    | {"windows", "linux", "bios", "kernel", "driver", "application", "console", "workstation", "detector", "panel"}
    | {"fpd", "generator", "dicom", "syngo", "plus", "via", "fluorospot", "compact"}
)
"""Words that stand in software versions without a digit and name nobody; a model's own name is of them too."""
_ISO_DATE: Final = re.compile(r"20\d\d-\d\d-\d\d\Z", re.ASCII)
_ISO_TIME: Final = re.compile(r"20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))?\Z", re.ASCII)
"""Of this century: equipment of today was calibrated in it, and most patients were born before."""


def _is_serial(text: str, _: Model) -> bool:
    return _SERIAL.match(_SERIAL_OF.sub("", text, count=1)) is not None and not _IDENTITY.search(text)


def _is_lot(text: str, _: Model) -> bool:
    return _LOT.match(text) is not None and not _IDENTITY.search(text)


def _is_version(text: str, model: Model) -> bool:
    """Words with a digit in each, but for `PRODUCTS`, the model's name, and single letters beside them (``Rev. B``)."""
    if not _VERSION.match(text) or _IDENTITY.search(text):
        return False
    known = PRODUCTS.union(_parts(model.name.en), _parts(model.key))
    bare = [_parts(word) for word in _BETWEEN_WORDS.split(text) if not _has_digit(word)]
    return all(len(part) == 1 or part in known for word in bare for part in word) and (
        _has_digit(text) or any(part in known for word in bare for part in word)
    )


def _parts(text: str) -> list[str]:
    return [part.lower() for part in _BETWEEN_PARTS.split(text) if part]


def _has_digit(text: str) -> bool:
    return any("0" <= letter <= "9" for letter in text)


def _is_date(text: str, _: Model) -> bool:
    return _ISO_DATE.match(text) is not None


def _is_time(text: str, _: Model) -> bool:
    return _ISO_TIME.match(text) is not None


SOFTWARE: Final = "device.software"
Looks = Callable[[str, Model], bool]
"""Whether a text may be a value of a field, of equipment of a model."""
INVENTORY: Final[Mapping[str, Looks]] = {
    "device.serial": _is_serial,
    SOFTWARE: _is_version,
    "device.calibrated_at": _is_time,
    "detector.id": _is_serial,
    "detector.calibrated_at": _is_time,
}
"""Each inventory field with what its values look like."""
REAGENT_INVENTORY: Final[Mapping[str, Looks]] = {"lot": _is_lot, "expires": _is_date}
"""What ``reagent.<key>.`` may be followed by, for each reagent that the model knows."""
CONTROL_INVENTORY: Final[Mapping[str, Looks]] = {"lot": _is_lot, "expires": _is_date}
"""What ``control.<key>.`` may be followed by, for each control material that the model knows."""

NOTHING: Final = Model(
    key="",
    kind="base",
    name=Text(zh="-", en="-"),
    extends=(),
    families={},
    signals={},
    faults={},
    silence=None,
    log_patterns=(),
    runbooks=(),
)
"""Stands for a model that the catalog doesn't hold."""
LARGEST: Final = 999_999.0
"""The largest number that nothing else bounds: one of six digits identifies nobody."""


def state(item: StateChange, model: Model, refused: Counter[str]) -> StateChange | None:
    """The state, if it is one of the model's."""
    if item.value in state_values(item.name, model):
        return item
    refused["unknown-state"] += 1
    return None


def inventory(item: Inventory, model: Model, refused: Counter[str]) -> Inventory | None:
    """The fields that are declared and look as they should; None: there are none."""
    fields: dict[str, str] = {}
    for name, value in item.fields.items():
        looks = field(name, model)
        if looks is None:
            refused["unknown-field"] += 1
        elif not looks(value, model):
            refused["malformed-field"] += 1
            # Of several versions (DICOM joins them so) one that is odd must not take the others along.
            if left := ";".join(each for each in value.split(";") if name == SOFTWARE and looks(each, model)):
                fields[name] = left
        else:
            fields[name] = value
    if fields == item.fields:
        return item
    return Inventory(at=item.at, fields=fields) if fields else None


def fault(item: Fault, model: Model, refused: Counter[str]) -> Fault:
    """A fault whose code the model knows, with the source and the parameters that are declared."""
    numbers: dict[str, float | str] = {
        name: value for name, value in item.params.items() if _is_number(item.code, name, value, model)
    }
    if len(numbers) < len(item.params):
        refused["unknown-parameter"] += len(item.params) - len(numbers)
        item = replace(item, params=numbers)
    if item.source not in SOURCES:
        refused["unknown-source"] += 1
        item = replace(item, source=OTHER)
    return item


def unknown_fault(item: Fault, refused: Counter[str]) -> Fault | None:
    """A fault whose code the model doesn't know, without anything of its text: that there was one.

    All of them are one code then, so that the end of one must not end the others: each is an occurrence, and what says
    that one is over says nothing. How long it counts as active is the catalog's, or the engine's, knowledge.
    """
    refused["unknown-code"] += 1
    if item.state == "cleared":
        return None
    source = item.source if item.source in SOURCES else OTHER
    return replace(item, code=UNKNOWN_CODE, state="event", source=source, params={})


def names_nobody(value: float, signal: Signal) -> bool:
    """Whether a number is possible for its signal, or so small that it can't be a person's identifier."""
    return signal.min <= value <= signal.max or abs(value) <= LARGEST


def _is_number(code: str, name: str, value: float | str, model: Model) -> bool:
    if not isinstance(value, float):
        return False
    signal = model.signals.get(name)
    if signal is not None:
        return names_nobody(value, signal)
    return (name, value) == (UNCERTAIN_TIME, 1.0) or _is_raw_code(code, name, value)


def _is_raw_code(code: str, name: str, value: float) -> bool:
    """A raw code that the catalog's table doesn't hold: one to six digits, so no identifier of a person."""
    return code == UNKNOWN_CODE and name == "code" and 0 <= value <= LARGEST and value.is_integer()


def state_values(name: str, model: Model) -> frozenset[str]:
    """The values that a state can take; none: it is no state of the model."""
    of_reagent = _of("reagent", model.reagents, name)
    return STATES.get(name, frozenset()) if of_reagent is None else REAGENT_STATES.get(of_reagent, frozenset())


def field(name: str, model: Model) -> Looks | None:
    """What the values of an inventory field look like; None: it is no field of the model."""
    of_reagent, of_control = _of("reagent", model.reagents, name), _of("control", model.controls, name)
    if of_reagent is not None:
        return REAGENT_INVENTORY.get(of_reagent)
    return INVENTORY.get(name) if of_control is None else CONTROL_INVENTORY.get(of_control)


def states_of(model: Model) -> dict[str, frozenset[str]]:
    """The states of a model, each with all that it can be."""
    reagents = sorted(set(model.reagents.values()))
    return {**STATES, **{f"reagent.{key}.{name}": all_ for key in reagents for name, all_ in REAGENT_STATES.items()}}


def fields_of(model: Model) -> list[str]:
    """The fields of a model's inventory."""
    reagents, controls = sorted(set(model.reagents.values())), sorted(set(model.controls.values()))
    return [
        *INVENTORY,
        *(f"reagent.{key}.{name}" for key in reagents for name in REAGENT_INVENTORY),
        *(f"control.{key}.{name}" for key in controls for name in CONTROL_INVENTORY),
    ]


def names(model: Model) -> frozenset[str]:
    """Everything of a model that a reason may be said of: its signals, states and fields, and the words they begin
    with, such as ``reagent.<key>``; and ``time``."""
    whole = {*model.signals, *states_of(model), *fields_of(model)}
    parts = {name[:end] for name in whole for end, letter in enumerate(name) if letter == "."}
    return frozenset(whole | parts | {"time"})


def _of(kind: str, known: Mapping[str, str], name: str) -> str | None:
    """What follows ``<kind>.<key>.`` in a name; None: it is of none that the model knows."""
    first, _, rest = name.partition(".")
    key, _, what = rest.rpartition(".")
    return what if first == kind and key in known.values() else None
