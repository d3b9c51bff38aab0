"""What happens in the life of a simulated DR, in order. Times are aware datetimes on the life's own clock."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from sim.course import NoticeState
from sim.protocols import Protocol


class Exposure(Struct, frozen=True, kw_only=True):
    """One exposure and what the header of its image says. Units are DICOM's, as in PS3.3 C.8.7.8 and C.8.11.4."""

    at: datetime
    number: int
    """Exposures of the detector since its manufacture, this one included (0018,7011)."""
    since_calibration: int
    calibrated_at: datetime
    protocol: Protocol
    patient: int
    """Counts the patients; several exposures of one study share it."""
    automatic: bool
    """Exposure control mode (0018,7060): AUTOMATIC or MANUAL."""
    aborted: bool
    kv: float
    ma: float
    ms: float
    mas: float
    dap: float
    """dGy.cm2"""
    exposure_index: float
    target_index: float
    deviation_index: float
    """10 log10 (index / target), IEC 62494-1."""
    temperature: float
    """Of the detector, Cel."""
    sensitivity: float
    """In the maker's unit (0018,6000)."""
    since_last_s: float
    active_ms: float
    nominal: bool
    """(0018,7000): False writes NO."""
    why: str = ""
    """And why it does, as equipment writes it into (0018,7006)."""
    rejected: bool = False
    """Its image is thrown away at the console and exposed again: nobody but the dose report tells of it."""


StepStatus = Literal["IN PROGRESS", "COMPLETED", "DISCONTINUED"]
Reason = Literal["equipment", "patient", "unknown"]


class Step(Struct, frozen=True, kw_only=True):
    """The performed procedure step of a patient's study changes: it begins, or ends, for a ``reason`` if it is broken
    off. PS3.3 C.4.14."""

    at: datetime
    patient: int
    status: StepStatus
    reason: Reason | None = None


class LogLine(Struct, frozen=True, kw_only=True):
    """A fault code in the log: it begins (active), ends (cleared) or is momentary (event)."""

    at: datetime
    code: str
    state: NoticeState
    words: str
    """What the equipment's maker wrote behind the code."""


Measured = Literal["tube.heat", "tube.exposures_total", "generator.arcs", "detector.battery", "detector.defect_pixels"]
"""The catalog's signals that the equipment writes into its log."""


class Status(Struct, frozen=True, kw_only=True):
    """A number that the equipment writes into its log, in the unit of the catalog's signal."""

    at: datetime
    name: Measured
    value: float


Event = Exposure | LogLine | Status | Step
