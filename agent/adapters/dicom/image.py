"""What the header of an X-ray image says about the equipment that made it.

DICOM PS3.3 C.8.11.4 (DX Detector), C.8.11.2 (DX Series), C.8.7.2 (X-Ray Acquisition), C.8.7.8 (X-Ray Acquisition
Dose), C.7.5.1 (General Equipment); exposure index: IEC 62494-1. Pure: bytes in, facts out.

The time of a fact is that of the acquisition; the content's is taken where there is none. Study and series times are
not: a study begins before its exposures, and all its images would share one false moment. Where the header has no
usable time, the time of receipt counts and everything is marked uncertain.
The deviation index is never computed from the exposure index: what equipment stopped telling must not look told.
A detector that isn't nominal is the reading ``detector.nominal`` = 0, on which the catalog has a rule. Why, is a fault
whose code the catalog picks by what the detector's description says; the description itself never leaves.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final, Literal, NamedTuple

from agent.adapters.columns import Reading as Row
from agent.adapters.columns import columns
from agent.adapters.dicom import units, values
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.dicom.walk import Raw
from agent.adapters.equipment_clock import judge_object
from agent.adapters.form import form_of
from agent.adapters.values import Moment, Refused, in_zone
from agent.adapters.values import moment as moment_of
from wire.items import GOOD, UNCERTAIN, Fault, Inventory, Item, Quality, Readings, StateChange

CR: Final = "1.2.840.10008.5.1.4.1.1.1"
DX_PRESENTATION: Final = "1.2.840.10008.5.1.4.1.1.1.1"
DX_PROCESSING: Final = "1.2.840.10008.5.1.4.1.1.1.1.1"
MG_PRESENTATION: Final = "1.2.840.10008.5.1.4.1.1.1.2"
MG_PROCESSING: Final = "1.2.840.10008.5.1.4.1.1.1.2.1"
XRAY_IMAGES: Final = (CR, DX_PRESENTATION, DX_PROCESSING, MG_PRESENTATION, MG_PROCESSING)
"""Storage SOP classes (PS3.4 B.5) of images that one exposure makes."""
_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
CAPTURES: Final = (_CAPTURE, *(f"{_CAPTURE}.{number}" for number in (1, 2, 3, 4)))
"""Secondary Capture, of one frame or more. Some exports write X-ray images so; they are read if their modality says
what they are."""
XRAY_MODALITIES: Final = frozenset({"CR", "DX", "MG"})

CLASS: Final = 0x00080016
_INSTANCE: Final = 0x00080018
MODALITY: Final = 0x00080060
_OFFSET: Final = 0x00080201
_ACQUISITION: Final = 0x0008002A
_EVENT: Final = 0x00083010
"""Irradiation Event UID, by which a dose report tells of the same exposure; only its keyed hash is kept."""
_DATES: Final = ((0x00080022, 0x00080032), (0x00080023, 0x00080033))
"""Acquisition date and time, then content date and time."""
MAX_UIDS: Final = 16
"""Events of an image, or images of an event, that are recognised by."""
_NOMINAL: Final = 0x00187000
_DESCRIPTION: Final = 0x00187006
_CONTROL_MODE: Final = 0x00187060
_STATUS: Final = 0x00187064


class Number(NamedTuple):
    """A reading in ``tag``, or finer in ``micro`` (a thousandth of the unit). ``zero``: whether 0 can be a value;
    where it can't be, equipment writes it for "not known"."""

    metric: str
    unit: str
    tag: int
    micro: int | None = None
    zero: bool = False


NUMBERS: Final = (
    Number("detector.temperature", "Cel", 0x00187001),
    Number("detector.exposures_since_calibration", "1", 0x00187010, zero=True),
    Number("detector.exposures_total", "1", 0x00187011),
    Number("detector.time_since_exposure", "s", 0x00187012),
    Number("detector.active_time", "ms", 0x00187014),
    Number("detector.sensitivity", "1", 0x00186000),
    Number("exposure.index", "1", 0x00181411),
    Number("exposure.target_index", "1", 0x00181412),
    Number("exposure.deviation_index", "1", 0x00181413, zero=True),
    Number("tube.voltage", "kV", 0x00180060),
    Number("tube.current", "mA", 0x00181151, micro=0x00188151),
    Number("exposure.time", "ms", 0x00181150, micro=0x00188150),
    Number("exposure.mas", "mAs", 0x00181152, micro=0x00181153),
    Number("exposure.dap", "dGy.cm2", 0x0018115E),
)
_CODES: Final = {
    _NOMINAL: frozenset({"YES", "NO"}),
    _CONTROL_MODE: frozenset({"MANUAL", "AUTOMATIC"}),
    _STATUS: frozenset({"NORMAL", "ABORTED"}),
}
"""Enumerated values (PS3.3 C.8.11.4, C.8.7.8)."""
_MEANT: Final = {"Y": "YES", "N": "NO", "AUTO": "AUTOMATIC"}
_TEXTS: Final = {"detector.id": 0x0018700A, "device.serial": 0x00181000}
_SOFTWARE: Final = 0x00181020
_CALIBRATED: Final = {
    "detector.calibrated_at": (0x0018700C, 0x0018700E),
    "device.calibrated_at": (0x00181200, 0x00181201),
}

ALLOWED: Final = frozenset(
    {CLASS, _INSTANCE, MODALITY, _OFFSET, _ACQUISITION, _EVENT, _SOFTWARE, _DESCRIPTION}
    | {tag for pair in (*_DATES, *_CALIBRATED.values()) for tag in pair}
    | {tag for number in NUMBERS for tag in (number.tag, number.micro) if tag is not None}
    | set(_CODES)
    | set(_TEXTS.values())
)
"""Every element that is ever looked at: those of docs/equipment.md, the time, and what kind of object it is."""


class Reading(NamedTuple):
    """One number of one exposure."""

    metric: str
    value: float
    unit: str
    quality: Quality = GOOD


class Extracted(NamedTuple):
    """The facts of one image, or of one irradiation event of a dose report.

    ``at``: ms since 1970 UTC. ``seen``: 16 bytes that recognise the same object again, and say nothing without the key.
    ``refused``: counts of ``reason:what``, both of our own words; ``forms``: what some of these looked like, masked.
    ``exposure``: 16 bytes each, by which another object that tells of the same exposure is recognised. ``nominal``:
    whether the detector is, None: it isn't said; ``reason``: the fault code of why it isn't. ``right``: what its time
    says of the equipment's clock if the object was just sent, None: nothing.
    """

    at: int
    seen: bytes
    readings: tuple[Reading, ...]
    states: tuple[StateChange, ...]
    inventory: Inventory | None
    refused: Counter[str]
    exposure: tuple[bytes, ...] = ()
    forms: Mapping[str, str] = {}
    nominal: bool | None = None
    reason: str | None = None
    right: bool | None = None

    def items(self) -> list[Item]:
        """As what travels: readings, fault, states, inventory."""
        items: list[Item] = []
        if self.readings:
            items.append(readings_item(self.at, self.readings))
        if self.reason is not None:
            items.append(detector_fault(self.at, self.reason, "active"))
        items += self.states
        if self.inventory is not None:
            items.append(self.inventory)
        return items


def detector_fault(at: int, code: str, state: Literal["active", "cleared"]) -> Fault:
    """Why a detector isn't nominal, or that this is over."""
    return Fault(at=at, code=code, state=state, source="detector")


def readings_item(at: int, readings: tuple[Reading, ...]) -> Readings:
    """One exposure's readings in columns."""
    return columns([Row(at, *reading) for reading in readings])


def read_image(
    found: Mapping[int, Raw],
    *,
    received: int,
    zone: tzinfo | None,
    key: bytes,
    reasons: Reasons,
    out_of_order: bool = False,
) -> Extracted:
    """The health facts of one X-ray image, from its elements of ``ALLOWED``.

    ``received``: ms since 1970 UTC. ``zone``: of the equipment's clock where the header doesn't say; None: this
    machine's. ``key``: secret of the device. ``out_of_order``: that it broke PS3.5 7.1, which is counted.
    """
    reader = _Reader(found)
    own = reader.take(_OFFSET, "time-zone", values.offset)
    zone = own or zone
    moment = reader.moment(zone, received)
    quality: Quality = GOOD if moment.certain else UNCERTAIN
    readings = reader.numbers(quality)
    states = [
        StateChange(at=moment.at, name=name, value=code)
        for name, tag in (("exposure.control_mode", _CONTROL_MODE), ("exposure.status", _STATUS))
        if (code := reader.code(tag, name)) is not None
    ]
    aborted = next((state.value == "ABORTED" for state in states if state.name == "exposure.status"), None)
    if aborted is not None:
        readings.append(Reading("exposure.aborted", float(aborted), "1", quality))
    flag = reader.code(_NOMINAL, "detector.nominal")
    nominal = None if flag is None else flag == "YES"
    if nominal is not None:
        readings.append(Reading("detector.nominal", float(nominal), "1", quality))
    fields = reader.inventory(zone)
    refused = reader.refused.total()
    if refused:
        readings.append(Reading("dicom.values_refused", float(refused), "1", quality))
    # Behind the sum above: no value was refused for these.
    if out_of_order:
        reader.refused["out-of-order"] += 1
    description = found.get(_DESCRIPTION) if nominal is False else None
    reason = None if description is None else reasons.code_of(description)
    if description is not None and reason is None and description.value.strip(b" \0"):
        reader.refused["unknown-reason:detector.nominal"] += 1
    instance = uids(found.get(_INSTANCE))
    seen = hashed(instance[0] if instance else b"".join(raw.value for raw in found.values()), key)
    return Extracted(
        at=moment.at,
        seen=seen,
        readings=tuple(readings),
        states=tuple(states),
        inventory=Inventory(at=moment.at, fields=fields) if fields else None,
        refused=reader.refused,
        exposure=(seen, *(hashed(uid, key) for uid in uids(found.get(_EVENT)))),
        forms=reader.forms,
        nominal=nominal,
        reason=reason,
        right=reader.right,
    )


def uids(raw: Raw | None) -> list[bytes]:
    """The UIDs of an element. One that is empty names nothing, and would make all objects the same."""
    parts = () if raw is None else (part.strip(b"\0 ") for part in raw.value.split(b"\\"))
    return [part for part in parts if part][:MAX_UIDS]


def hashed(uid: bytes, key: bytes) -> bytes:
    """16 bytes that recognise a UID without its padding, and say nothing without the key."""
    return hashlib.blake2b(uid.strip(b"\0 "), key=key, digest_size=16).digest()


def true_deviation(readings: dict[str, Reading], refused: Counter[str]) -> None:
    """Take a deviation index of 0 out of one exposure's readings where it says "not known": IEC 62494-1 gives it no
    meaning without an index and its target."""
    deviation = readings.get("exposure.deviation_index")
    told = {"exposure.index", "exposure.target_index"} <= readings.keys()
    if deviation is not None and deviation.value == 0 and not told:
        del readings["exposure.deviation_index"]
        refused["placeholder:exposure.deviation_index"] += 1


class _Reader:
    """Takes facts out of raw elements and counts what is none."""

    def __init__(self, found: Mapping[int, Raw]) -> None:
        self.refused: Counter[str] = Counter()
        self.forms: dict[str, str] = {}
        self.right: bool | None = None
        self._found = found

    def take(self, tag: int, what: str, read: Callable[[Raw], values.T]) -> values.T | None:
        raw = self._found.get(tag)
        if raw is None:
            return None
        try:
            return read(raw)
        except Refused as refused:
            self.refused[f"{refused.reason}:{what}"] += 1
            return None

    def code(self, tag: int, what: str) -> str | None:
        code = self.take(tag, what, values.text)
        if code is None:
            return None
        meant = _MEANT.get(code.upper(), code.upper())
        if meant in _CODES[tag]:
            return meant
        reason = f"unknown-code:{what}"
        self.refused[reason] += 1
        self.forms[reason] = form_of(code)
        return None

    def moment(self, zone: tzinfo | None, received: int) -> Moment:
        moment = self.take(_ACQUISITION, "time", lambda raw: values.date_time(values.text(raw), zone))
        for date_tag, time_tag in _DATES:
            if moment is not None:
                break
            date = self.take(date_tag, "time", lambda raw: values.day(values.text(raw)))
            time = self.take(time_tag, "time", lambda raw: values.clock(values.text(raw)))
            if date is not None and time is not None:
                moment = moment_of(values.local(date, time), zone)
        self.right = None if moment is None else judge_object(moment.at, received=received)
        if moment is not None and self.right is False:
            self.refused["implausible:time"] += 1
            moment = None
        if moment is None:
            self.refused["no-time"] += 1
            return Moment(received, certain=False)
        return moment

    def numbers(self, quality: Quality) -> list[Reading]:
        readings = {
            number.metric: Reading(number.metric, value, number.unit, quality)
            for number in NUMBERS
            if (value := self._number(number)) is not None
        }
        true_deviation(readings, self.refused)
        return list(readings.values())

    def _number(self, number: Number) -> float | None:
        coarse = self._placed(number, number.tag)
        fine = None if number.micro is None else self._placed(number, number.micro)
        if fine is None:
            return coarse
        fine = fine / 1000
        if coarse is not None and abs(fine - coarse) > max(1.0, 0.1 * abs(coarse)):
            # The coarse element is an integer (IS): it may be a unit off, not more. Which of the two lies is unknown.
            self.refused[f"contradiction:{number.metric}"] += 1
            return None
        return fine

    def _placed(self, number: Number, tag: int) -> float | None:
        value = self.take(tag, number.metric, lambda raw: _measured(raw, number, 1000 if tag == number.micro else 1))
        if value == 0 and not number.zero:
            self.refused[f"placeholder:{number.metric}"] += 1
            return None
        return value

    def inventory(self, zone: tzinfo | None) -> dict[str, str]:
        fields = {field: self.take(tag, field, values.text) for field, tag in _TEXTS.items()}
        versions = self.take(_SOFTWARE, "device.software", values.texts)
        fields["device.software"] = None if versions is None else _joined(versions)
        for field, (date_tag, time_tag) in _CALIBRATED.items():
            fields[field] = self._calibrated(field, date_tag, time_tag, zone)
        return {field: value for field, value in fields.items() if value}

    def _calibrated(self, field: str, date_tag: int, time_tag: int, zone: tzinfo | None) -> str | None:
        """The latest of the calibrations (PS3.3 C.7.5.1: the last is the most recent), ISO 8601."""
        days = self.take(date_tag, field, values.texts)
        if days is None:
            return None
        times = self.take(time_tag, field, values.texts)
        try:
            day = values.day(days[-1])
            if times is None or len(times) != len(days) or not times[-1]:
                return day.isoformat()
            local = values.local(day, values.clock(times[-1]))
        except Refused as refused:
            self.refused[f"{refused.reason}:{field}"] += 1
            return None
        return in_zone(local, zone).isoformat(timespec="seconds")


def _measured(raw: Raw, number: Number, finer: int) -> float:
    """A number; ``finer``: what it is to be divided by."""
    try:
        return values.number(raw)
    except Refused as refused:
        if refused.reason not in {"malformed", "not-ascii"} or (value := units.measured(raw, number.unit)) is None:
            raise
        return value * finer


_TOKEN_LENGTH: Final = 64


def _joined(versions: list[str]) -> str:
    """As many whole versions as a token of the wire holds, in the equipment's order."""
    joined = ""
    for version in filter(None, versions):
        longer = f"{joined};{version}" if joined else version
        if len(longer) > _TOKEN_LENGTH:
            break
        joined = longer
    return joined
