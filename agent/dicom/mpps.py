"""What a modality performed procedure step says about the equipment, and what a request about one is answered.

DICOM PS3.4 F.7 (the service), PS3.3 C.4.14 to C.4.16 (the modules), PS3.16 CID 9300 (reasons of a discontinuation).
Pure.

Three attributes are read: (0040,0252) the status, (0040,0301) the number of exposures, and of (0040,0281) whether the
reason of a discontinuation is a failure of the equipment. The other reasons tell of the patient (died, refused, is
pregnant) and come out as "another one".
"""

from collections import Counter
from enum import Enum
from typing import Final, NamedTuple

from agent.dicom import dimse, values
from agent.dicom.dimse import Answer
from agent.dicom.elements import Raw, visit
from agent.values import Refused

PERFORMED_STEP: Final = "1.2.840.10008.3.1.2.3.3"

_STATUS: Final = 0x00400252
_REASON: Final = 0x00400281
_EXPOSURES: Final = 0x00400301
_CODE: Final = 0x00080100
_SCHEME: Final = 0x00080102
WANTED: Final = frozenset({_STATUS, _EXPOSURES, _CODE, _SCHEME})
"""Every element that is ever looked at; the last two only within the reason's sequence."""
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


class Decision(NamedTuple):
    """``answer``, and ``status``: what the step is from now on, None: as it was."""

    answer: Answer
    status: Status | None = None


def read_step(data: bytes, *, transfer_syntax: str, cut: bool = False) -> Step:
    """The attributes of an N-CREATE or N-SET; without a data set there are none. Raises ``AdapterError``."""
    reader = _Reader()
    if data:
        visit(
            data, reader, wanted=WANTED, follow={_REASON}, last=_STATUS >> 16, transfer_syntax=transfer_syntax, cut=cut
        )
    refused: Counter[str] = Counter()
    status, known = None, True
    if reader.status is not None:
        try:
            status = Status(values.text(reader.status).upper())
        except (Refused, ValueError):
            known = False
            refused["unknown-code:mpps.status"] += 1
    exposures = None
    if reader.exposures is not None:
        try:
            exposures = values.number(reader.exposures)
        except Refused as error:
            if error.reason != "empty":  # type 2: allowed
                refused[f"{error.reason}:mpps.exposures"] += 1
    return Step(status, known, exposures, _EQUIPMENT_FAILURE in reader.reasons, refused)


def decide(*, create: bool, before: Status | None, step: Step) -> Decision:
    """What to answer, and what becomes of the step that was ``before`` (None: unknown).

    N-CREATE (F.7.2.1) needs a new instance in progress. N-SET (F.7.2.2) needs a known one that hasn't ended; the same
    end again is a repeat whose answer was lost, and a success.
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
    if step.status is before:
        return Decision(Answer(dimse.SUCCESS))
    ended = "performed procedure step may no longer be updated"
    return Decision(Answer(dimse.PROCESSING_FAILURE, ended, dimse.NO_LONGER_UPDATED))


class _Reader:
    """Hears the walk through one data set."""

    def __init__(self) -> None:
        self.status: Raw | None = None
        self.exposures: Raw | None = None
        self.reasons: set[tuple[str, str]] = set()
        self._code = self._scheme = ""
        self._inside = False

    def enter(self, _: int) -> None:
        self._inside = True
        self._code = self._scheme = ""

    def leave(self, _: int) -> None:
        self._inside = False
        if (self._code, self._scheme) == _EQUIPMENT_FAILURE:
            self.reasons.add(_EQUIPMENT_FAILURE)

    def element(self, tag: int, raw: Raw) -> None:
        if self._inside:
            try:
                text = values.text(raw)
            except Refused:
                return  # a code that can't be read isn't the one we look for
            if tag == _CODE:
                self._code = text
            elif tag == _SCHEME:
                self._scheme = text
        elif tag == _STATUS:
            self.status = raw
        elif tag == _EXPOSURES:
            self.exposures = raw
