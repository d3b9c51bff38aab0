"""What each configured source can send, of all that its model knows: so that ``show`` names no more than that. Pure.

What a source takes is decided in its reading; here stands what can come of it. A test feeds inputs of every kind
through the readings and holds what comes out against this page.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from agent.adapters.dicom.image import NUMBERS
from agent.adapters.equipment_clock import CLOCK_CODE
from agent.adapters.hl7.tables import LEVEL_FAULTS
from agent.adapters.hl7.tables import STATES as EQUIPMENT_STATES
from agent.adapters.host import METRICS as HOST_METRICS
from agent.adapters.logs.tail import chosen
from agent.config.shapes import Device, Log
from catalog.allowed import CONTROL_INVENTORY, INVENTORY, REAGENT_INVENTORY, REAGENT_STATES
from catalog.model import UNKNOWN_CODE, CodeTable, LogPattern, Model

_DICOM_METRICS: Final = frozenset(
    {"detector.nominal", "dicom.values_refused", "exposure.aborted"} | {number.metric for number in NUMBERS}
)
_STEP_METRICS: Final = frozenset({"mpps.discontinued", "mpps.equipment_failure", "mpps.exposures"})
_DICOM_STATES: Final = frozenset({"exposure.control_mode", "exposure.status"})
_STEP_STATES: Final = frozenset({"mpps.status"})
_ASTM_INVENTORY: Final = frozenset({"device.serial", "device.software"})
_HL7_INVENTORY: Final = frozenset({"device.serial"})
_CLOCK: Final = frozenset({CLOCK_CODE})
"""What every source that hears lines and messages as they are written says of the equipment's clock."""


class Sends(Struct, frozen=True):
    """Names: of metrics, fault codes, states and inventory fields."""

    metrics: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    inventory: frozenset[str] = frozenset()

    def __or__(self, other: "Sends") -> "Sends":
        """What either sends."""
        return Sends(
            self.metrics | other.metrics,
            self.faults | other.faults,
            self.states | other.states,
            self.inventory | other.inventory,
        )


_DICOM: Final = Sends(_DICOM_METRICS, frozenset(), _DICOM_STATES, frozenset(INVENTORY))


def sends(device: Device, model: Model) -> Sends:
    """What the sources of a device can send; only what the model knows passes the gate."""
    found = Sends()
    for part in _parts(device, model):
        found |= part
    return Sends(
        found.metrics & model.signals.keys(), found.faults & model.faults.keys(), found.states, found.inventory
    )


def _parts(device: Device, model: Model) -> Iterator[Sends]:
    if device.host is not None:
        yield Sends(metrics=HOST_METRICS)
    if device.dicom is not None:
        yield _DICOM | _reasons(model) | Sends(metrics=_STEP_METRICS, faults=_CLOCK, states=_STEP_STATES)
    if device.folder is not None:
        yield _DICOM | _reasons(model)
    if device.astm is not None:
        yield astm(model)
    if device.hl7 is not None:
        yield hl7(model)
    for log in device.log:
        yield logs(model, log)


def _reasons(model: Model) -> Sends:
    return Sends(faults=frozenset(reason.code for reason in model.detector_reasons))


def astm(model: Model) -> Sends:
    """Of an analyzer's ASTM messages."""
    metrics = frozenset(name for name in model.signals if not name.startswith("host."))
    return Sends(metrics, _coded(model, ("astm.comment", "astm.flag")) | _CLOCK, frozenset(), _ASTM_INVENTORY)


def hl7(model: Model) -> Sends:
    """Of an analyzer's HL7 messages."""
    reagents, controls = set(model.reagents.values()), set(model.controls.values())
    return Sends(
        frozenset(name for name in model.signals if name.startswith(("qc.", "reagent."))),
        _coded(model, ("hl7.notification",)) | frozenset(LEVEL_FAULTS.values()) | _CLOCK,
        frozenset(EQUIPMENT_STATES) | _of("reagent", reagents, REAGENT_STATES),
        _HL7_INVENTORY | _of("reagent", reagents, REAGENT_INVENTORY) | _of("control", controls, CONTROL_INVENTORY),
    )


def logs(model: Model, log: Log) -> Sends:
    """Of a log file, by the patterns that are chosen."""
    patterns = chosen(model, log)
    return Sends(
        frozenset(pattern.signal.name for pattern in patterns if pattern.signal is not None),
        frozenset(code for pattern in patterns for code in _faults(pattern)) | _CLOCK,
    )


def _faults(pattern: LogPattern) -> Iterable[str]:
    if pattern.fault is None:
        return ()
    return pattern.fault.table.values() if pattern.fault.code is None else (pattern.fault.code,)


def _coded(model: Model, tables: Iterable[CodeTable]) -> frozenset[str]:
    return frozenset(code for table in tables for code in model.codes.get(table, {}).values() if code) | {UNKNOWN_CODE}


def _of(kind: str, keys: Iterable[str], what: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{kind}.{key}.{each}" for key in keys for each in what)
