"""What an X-ray radiation dose report says about the equipment: the numbers of each irradiation event.

DICOM PS3.3 A.35.8 (the object), C.17.3 (content items), PS3.16 TID 10001 and TID 10003 with its parts A to C (the
events and their codes). Pure: what a walk finds in, facts out.

It is known by its title (113701, DCM) in whatever structured report it came: makers also send it as Enhanced or
Comprehensive SR. What the enhanced template (TID 10040) says in an irradiation event with the same codes means the same
and is read; a report of another template, as a CT's (TID 10011), has no such events, and that is counted.

Only the items of type NUM in the table below are taken, with the unit that each names itself; of all else nothing is
kept: texts, names and codes of the anatomy aren't even read. What it costs is bounded by the walk (500 000 elements, 64
levels) and by ``MAX_EVENTS``; nothing is kept of a content item once it ended.

An exposure is often told twice, by its image and by the report. The event's own UID and those of its images are turned
into keyed hashes, by which ``agent.adapters.dicom.entry`` recognises that.
"""

from collections import Counter
from datetime import tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

from agent.adapters.dicom import units, values
from agent.adapters.dicom.image import CLASS, MAX_UIDS, NUMBERS, Extracted, Reading, hashed, true_deviation, uids
from agent.adapters.dicom.walk import Raw
from agent.adapters.equipment_clock import judge_object
from agent.adapters.form import form_of
from agent.adapters.values import Moment, Refused
from wire.items import GOOD, UNCERTAIN, Quality

DOSE_REPORT: Final = "1.2.840.10008.5.1.4.1.1.88.67"
"""X-Ray Radiation Dose SR Storage (PS3.4 B.5)."""
REPORTS: Final = "1.2.840.10008.5.1.4.1.1.88."
"""The root of the storage SOP classes of structured reports."""
TEMPLATE: Final = "10001"
MAX_EVENTS: Final = 500
"""A radiograph's report has one to some ten; fluoroscopy may have hundreds. More are counted and left out."""
MAX_VALUES: Final = 8
"""Values of one item that are compared."""
_INSTANCE: Final = 0x00080018
_OFFSET: Final = 0x00080201
_CODE: Final = 0x00080100
_SCHEME: Final = 0x00080102
_REFERENCED: Final = 0x00081155
_TYPE: Final = 0x0040A040
_DATE_TIME: Final = 0x0040A120
_UID: Final = 0x0040A124
_NUMBER: Final = 0x0040A30A
_TEMPLATE_ID: Final = 0x0040DB00
WANTED: Final = frozenset(
    {CLASS, _INSTANCE, _OFFSET, _CODE, _SCHEME, _REFERENCED, _TYPE, _DATE_TIME, _UID, _NUMBER, _TEMPLATE_ID}
)
"""Every element that is ever looked at, wherever it stands in a followed sequence."""

_CONTENT: Final = 0x0040A730
_CONCEPT: Final = 0x0040A043
_MEASURED: Final = 0x0040A300
_UNITS: Final = 0x004008EA
_IMAGES: Final = 0x00081199
_TEMPLATE: Final = 0x0040A504
FOLLOWED: Final = frozenset({_CONTENT, _CONCEPT, _MEASURED, _UNITS, _IMAGES, _TEMPLATE})
LAST_GROUP: Final = _CONTENT >> 16

_TITLE: Final = "113701"
_EVENT: Final = "113706"
_STARTED: Final = "111526"
_EVENT_UID: Final = "113769"
_ACQUIRED: Final = "113795"
METRICS: Final = {
    "113733": "tube.voltage",
    "113734": "tube.current",
    "113824": "exposure.time",
    "113736": "exposure.mas",
    "122130": "exposure.dap",
    "113845": "exposure.index",
    "113846": "exposure.target_index",
    "113847": "exposure.deviation_index",
}
"""Codes of the scheme DCM (PS3.16 annex D) and what they are here."""
_KNOWN: Final = {number.metric: number for number in NUMBERS}


class _Concept(NamedTuple):
    """A code with its scheme; None: unreadable or not given."""

    code: str | None
    scheme: str | None

    @property
    def dicom(self) -> str | None:
        """The code if it is one of DICOM's own, as it is where no other scheme is named."""
        return self.code if (self.scheme or "DCM").upper() == "DCM" else None


class _Content:
    """A content item that is open. ``event``: the irradiation event that it is."""

    __slots__ = ("concept", "event", "images", "instant", "kind", "measured", "uid", "unit")

    def __init__(self) -> None:
        self.kind: str | None = None
        self.concept = _Concept(None, None)
        self.measured: list[Raw] = []
        self.unit: list[str] = []
        self.instant: Raw | None = None
        self.uid: bytes = b""
        self.images: list[bytes] = []
        self.event: _Event | None = None

    @property
    def is_event(self) -> bool:
        """Whether it is an irradiation event."""
        return self.kind == "CONTAINER" and self.concept.dicom == _EVENT

    @property
    def groups(self) -> bool:
        """Whether numbers in it may be those of the event around: it is none itself, and no word that they qualify."""
        return self.kind in {"CONTAINER", "NUM"} and not self.is_event


class _Numbers:
    """The numbers of an event, at one level. ``found`` None: it was refused."""

    __slots__ = ("forms", "found", "refused")

    def __init__(self) -> None:
        self.found: dict[str, float | None] = {}
        self.refused: Counter[str] = Counter()
        self.forms: dict[str, str] = {}

    def measure(self, metric: str, content: _Content) -> None:
        """One NUM item. The same number twice is one; two different ones, as of each pulse, are none."""
        try:
            value = _value(metric, content)
        except Refused as refused:
            reason = f"{refused.reason}:{metric}"
            self.refused[reason] += 1
            self.found[metric] = None
            if refused.reason.endswith("-unit") and content.unit:
                self.forms[reason] = form_of(content.unit[0])
            return
        if self.found.setdefault(metric, value) not in {None, value}:
            self.refused[f"multi-valued:{metric}"] += 1
            self.found[metric] = None

    def add(self, below: "_Numbers") -> None:
        """What only a deeper level says."""
        more = below.found.keys() - self.found.keys()
        self.found |= {metric: below.found[metric] for metric in METRICS.values() if metric in more}
        for reason, times in below.refused.items():
            if reason.partition(":")[2] in more:
                self.refused[reason] += times
                self.forms |= {reason: below.forms[reason]} if reason in below.forms else {}


class _Event:
    """An irradiation event as far as it was read. ``below``: in containers and numbers within it, as some makers group
    them."""

    __slots__ = ("below", "images", "instants", "own", "uid")

    def __init__(self) -> None:
        self.uid = b""
        self.instants: list[Raw] = []
        self.images: list[bytes] = []
        self.own = _Numbers()
        self.below = _Numbers()

    def alike(self, other: "_Event") -> bool:
        """Whether it says the same."""
        return (self.instants, self.own.found) == (other.instants, other.own.found)


class ReportReader:
    """Hears the walk through one object. ``zone``: of times without an offset, where the report has none of its own;
    ``key``: secret of the device."""

    def __init__(self, *, zone: tzinfo | None, key: bytes) -> None:
        self.template: str | None = None
        self._title = _Concept(None, None)
        self._zone = zone
        self._key = key
        self._instance = b""
        self._path: list[int] = []
        self._open: list[_Content] = []
        self._events: list[_Event] = []
        self._left_out = 0

    # -- the walk ------------------------------------------------------------------------------------------------------

    def enter(self, sequence: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._path.append(sequence)
        if sequence == _CONTENT:
            self._open.append(_Content())

    def leave(self, sequence: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._path.pop()
        if sequence == _CONTENT:
            self._close(self._open.pop())

    def element(self, tag: int, raw: Raw) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        if not self._path:
            self._head(tag, raw)
            return
        if not self._open:
            self._root(tag, raw)
            return
        content, where = self._open[-1], self._path[-1]
        text = _text(raw) if tag in {_CODE, _SCHEME, _TYPE} else None
        if where == _CONTENT:
            if tag == _TYPE:
                content.kind = text
            elif tag == _DATE_TIME:
                content.instant = raw
            elif tag == _UID:
                content.uid = next(iter(uids(raw)), b"")
        elif where == _MEASURED and tag == _NUMBER and len(content.measured) < MAX_VALUES:
            content.measured.append(raw)
        elif where == _IMAGES and tag == _REFERENCED and len(content.images) < MAX_UIDS:
            content.images += uids(raw)
        elif where == _CONCEPT and self._path[-2:-1] == [_CONTENT]:
            content.concept = _with(content.concept, tag, text)
        elif where == _UNITS and tag == _CODE and self._path[-2:-1] == [_MEASURED]:
            content.unit = content.unit or units.spelled(raw)

    def _root(self, tag: int, raw: Raw) -> None:
        """The title of the whole, and the template that it follows."""
        if self._path == [_CONCEPT] and tag in {_CODE, _SCHEME}:
            self._title = _with(self._title, tag, _text(raw))
        elif self._path == [_TEMPLATE] and tag == _TEMPLATE_ID:
            self.template = self.template or _text(raw)

    def _head(self, tag: int, raw: Raw) -> None:
        if tag == _INSTANCE:
            self._instance = raw.value
        elif tag == _OFFSET:
            try:
                self._zone = values.offset(raw)
            except Refused:
                return  # as in an image, the equipment's configured zone counts

    def _close(self, content: _Content) -> None:
        if content.event is not None:
            self._events.append(content.event)
        concept = content.concept.dicom
        number = content.kind == "NUM" and concept in METRICS
        parent = len(self._open) - 1
        at = parent
        while number and at >= 0 and self._open[at].groups:
            at -= 1
        event = self._event_at(at)
        if event is None:
            return
        if content.kind == "NUM" and concept in METRICS:
            (event.own if at == parent else event.below).measure(METRICS[concept], content)
        elif content.kind == "DATETIME" and concept == _STARTED and content.instant is not None:
            event.instants = [*event.instants, content.instant][:MAX_VALUES]
        elif content.kind == "UIDREF" and concept == _EVENT_UID:
            event.uid = event.uid or content.uid
        elif content.kind == "IMAGE" and concept == _ACQUIRED:
            event.images += content.images[: MAX_UIDS - len(event.images)]

    def _event_at(self, at: int) -> _Event | None:
        """The event that an open item is; None: it is none, or one too many."""
        parent = self._open[at] if at >= 0 else None
        if parent is None or not parent.is_event:
            return None
        if parent.event is None:
            if len(self._events) >= MAX_EVENTS:
                self._left_out += 1
                return None
            parent.event = _Event()
        return parent.event

    # -- the facts -----------------------------------------------------------------------------------------------------

    @property
    def titled(self) -> bool:
        """Whether it says that it is an X-ray radiation dose report."""
        return self._title.dicom == _TITLE

    def events(self, received: int) -> list[Extracted]:
        """The numbers of each irradiation event, in the report's order. One without a usable time counts as of
        ``received`` (ms since 1970 UTC), and its numbers are uncertain."""
        named: dict[bytes, list[_Event]] = {}
        found = []
        for number, event in enumerate(self._events):
            event.own.add(event.below)
            same = named.setdefault(event.uid or b"%d" % number, [])
            # Some makers give all events of a report one UID; they are told apart by what they say.
            again = next((at for at, each in enumerate(same) if each.alike(event)), len(same))
            if again == len(same):
                same.append(event)
            name = event.uid or self._instance + b"\0%d" % number
            found.append(self._extracted(name + b"\0%d" % again if again else name, event, received))
        if self._left_out and found:
            found[-1].refused["too-many-events"] += 1
        return found

    def _extracted(self, name: bytes, event: _Event, received: int) -> Extracted:
        own = event.own
        moment, right = self._moment(event, received)
        quality: Quality = GOOD if moment.certain else UNCERTAIN
        readings = {
            metric: Reading(metric, value, _KNOWN[metric].unit, quality)
            for metric, value in own.found.items()
            if value is not None
        }
        true_deviation(readings, own.refused)
        if refused := own.refused.total():
            readings["dicom.values_refused"] = Reading("dicom.values_refused", float(refused), "1", quality)
        if not readings:
            own.refused["event-without-numbers"] += 1
        seen = hashed(name, self._key)
        return Extracted(
            at=moment.at,
            seen=seen,
            readings=tuple(readings.values()),
            states=(),
            inventory=None,
            refused=own.refused,
            forms=own.forms,
            exposure=(seen, *(hashed(uid, self._key) for uid in event.images)),
            right=right,
        )

    def _moment(self, event: _Event, received: int) -> tuple[Moment, bool | None]:
        """When it began, and what that says of the equipment's clock."""
        right = None
        try:
            moment = _started(event.instants, self._zone)
            right = judge_object(moment.at, received=received)
            if right is not False:
                return moment, right
            event.own.refused["implausible:time"] += 1
        except Refused as refused:
            event.own.refused[f"{refused.reason}:time"] += 1
        return Moment(received, certain=False), right


def _started(instants: list[Raw], zone: tzinfo | None) -> Moment:
    moments = {values.date_time(values.text(raw), zone) for raw in instants}
    if len(moments) != 1:
        raise Refused("multi-valued" if moments else "empty")
    return moments.pop()


def _value(metric: str, content: _Content) -> float:
    known = _KNOWN[metric]
    numbers = {values.number(raw) for raw in content.measured}
    if len(numbers) != 1:
        raise Refused("multi-valued" if numbers else "empty")
    value = numbers.pop()
    power = units.power_of(known.unit, content.unit)
    if value == 0 and not known.zero:
        raise Refused("placeholder")
    return float(Decimal(repr(value)).scaleb(power))  # 0.00000082 Gy·m² are 0.082 dGy·cm², not 0.08199999999999999


def _text(raw: Raw) -> str | None:
    try:
        return values.text(raw)
    except Refused:
        return None


def _with(concept: _Concept, tag: int, text: str | None) -> _Concept:
    """The first code of a sequence counts."""
    if tag == _CODE and concept.code is None:
        return concept._replace(code=text)
    if tag == _SCHEME and concept.scheme is None:
        return concept._replace(scheme=text)
    return concept
