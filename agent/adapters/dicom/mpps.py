"""What a modality performed procedure step says about the equipment, and what a request about one is answered.

DICOM PS3.4 F.7 (the service), PS3.3 C.4.14 to C.4.16 (the modules), PS3.16 CID 9300 (reasons of a discontinuation).
Pure.

Three attributes are read: (0040,0252) the status, (0040,0301) the number of exposures, and of (0040,0281) whether the
reason of a discontinuation is a failure of the equipment. The other reasons tell of the patient (died, refused, is
pregnant) and come out as "another one".
"""

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from agent.adapters.dicom import dimse, values
from agent.adapters.dicom.dimse import Answer
from agent.adapters.dicom.elements import Flat, Walk
from agent.adapters.dicom.walk import Raw
from agent.adapters.form import form_of
from agent.adapters.values import Refused

_STATUS: Final = 0x00400252
_REASON: Final = 0x00400281
_EXPOSURES: Final = 0x00400301
_CODE: Final = 0x00080100
_SCHEME: Final = 0x00080102
WANTED: Final = frozenset({_STATUS, _EXPOSURES, _CODE, _SCHEME})
"""Every element that is ever looked at; the last two only within the reason's sequence."""
MAX_EXPOSURES: Final = 0xFFFE
"""More were never made in one step."""
_EQUIPMENT_FAILURE: Final = ("110501", "DCM")


class Status(Enum):
    """Performed Procedure Step Status (PS3.3 C.4.14)."""

    IN_PROGRESS = "IN PROGRESS"
    DISCONTINUED = "DISCONTINUED"
    COMPLETED = "COMPLETED"


class Step(NamedTuple):
    """What one request says. ``status`` None: nothing, ``known`` False: something else than the standard's words."""

    status: Status | None
    known: bool
    exposures: float | None
    equipment_failure: bool
    refused: Counter[str]
    forms: Mapping[str, str] = {}


class Decision(NamedTuple):
    """``answer``, and ``status``: what the step is from now on, None: as it was."""

    answer: Answer
    status: Status | None = None


def decide(*, create: bool, before: Status | None, step: Step) -> Decision:
    """What to answer, and what becomes of the step that was ``before`` (None: unknown).

    N-CREATE (F.7.2.1) needs a new instance in progress. N-SET (F.7.2.2) needs a known one that hasn't ended; the same
    end again is a repeat whose answer was lost, and a success. Of the attributes that the standard requires only the
    status is held to: what we don't read can be no reason to stop a modality. A value that can't be read neither: it
    is counted, and the answer is a success without a warning, for the modality couldn't better it.
    """
    if not step.known:
        return Decision(Answer(dimse.INVALID_VALUE, "status"))
    if create:
        if before is not None:
            return Decision(Answer(dimse.DUPLICATE_INSTANCE))
        if step.status is None:
            return Decision(Answer(dimse.MISSING_ATTRIBUTE, "status"))
        if step.status is not Status.IN_PROGRESS:
            return Decision(Answer(dimse.INVALID_VALUE, "status"))
        return Decision(Answer(dimse.SUCCESS), step.status)
    if before is None:
        return Decision(Answer(dimse.NO_SUCH_INSTANCE))
    if before is Status.IN_PROGRESS:
        return Decision(Answer(dimse.SUCCESS), step.status)
    return Decision(Answer(dimse.SUCCESS) if step.status is before else ENDED)


ENDED: Final = Answer(
    dimse.PROCESSING_FAILURE, "performed procedure step may no longer be updated", dimse.NO_LONGER_UPDATED
)


class StepReader:
    """The attributes of an N-CREATE or N-SET as they come."""

    def __init__(self, *, transfer_syntax: str) -> None:
        self._walk = Walk(self, wanted=WANTED, follow={_REASON}, transfer_syntax=transfer_syntax)
        self._own = Flat()
        self._failure = False
        self._code = self._scheme = ""
        self._inside = False

    @property
    def skipping(self) -> int:
        """So many of the next bytes aren't looked at."""
        return self._walk.skipping

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        self._walk.feed(data)

    def step(self) -> Step:
        """What the request says, once it is there as a whole; without a data set, nothing. Raises ``AdapterError``."""
        self._walk.finish(_STATUS >> 16)
        refused: Counter[str] = Counter()
        forms: dict[str, str] = {}
        status, known = None, True
        said = self._own.found.get(_STATUS)
        if said is not None:
            text = _text(said)
            try:
                status = Status(text.upper())
            except ValueError:
                known = False
                refused["unknown-code:mpps.status"] += 1
                forms["unknown-code:mpps.status"] = form_of(text)
        exposures = None
        number = self._own.found.get(_EXPOSURES)
        if number is not None:
            try:
                exposures = _count(number)
            except Refused as error:
                if error.reason != "empty":  # type 2: allowed
                    refused[f"{error.reason}:mpps.exposures"] += 1
        return Step(status, known, exposures, self._failure, refused, forms)

    # -- the walk ------------------------------------------------------------------------------------------------------

    def enter(self, _: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._inside = True
        self._code = self._scheme = ""

    def leave(self, _: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._inside = False
        self._failure = self._failure or (self._code, self._scheme) == _EQUIPMENT_FAILURE

    def element(self, tag: int, raw: Raw) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        if self._inside:
            if tag == _CODE:
                self._code = _text(raw)
            elif tag == _SCHEME:
                self._scheme = _text(raw)
        else:
            self._own.element(tag, raw)


def _count(raw: Raw) -> float:
    """A number of exposures. Four bytes where it says US, or says nothing, are a UL."""
    count = values.number(raw._replace(vr="UL") if raw.vr in {"US", "SS"} and len(raw.value) == 4 else raw)
    if not (0 <= count <= MAX_EXPOSURES and count.is_integer()):
        raise Refused("implausible")
    return count


def _text(raw: Raw) -> str:
    """Empty where it can't be read: then it is none that we look for."""
    try:
        return values.text(raw)
    except Refused:
        return ""
