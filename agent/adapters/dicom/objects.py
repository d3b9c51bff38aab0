"""What kind of object it is, and the facts of it: an image's header, or a dose report's events. What is read of a
folder and what of the network is decided here, for both.

An object is read as it comes, and no more of it is held than of its facts: never its pixels.
"""

import os
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.adapters.dicom import values
from agent.adapters.dicom.elements import LAST_GROUP, Flat, Walk
from agent.adapters.dicom.image import (
    ALLOWED,
    CAPTURES,
    CLASS,
    MODALITY,
    XRAY_IMAGES,
    XRAY_MODALITIES,
    Extracted,
    read_image,
)
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.dicom.report import DOSE_REPORT, FOLLOWED, REPORTS, TEMPLATE, WANTED, ReportReader
from agent.adapters.dicom.report import LAST_GROUP as LAST_OF_REPORTS
from agent.adapters.dicom.walk import Raw
from agent.adapters.values import Refused
from agent.errors import AdapterError

_CHUNK: Final = 64 * 1024
_WANTED: Final = ALLOWED | WANTED


class Untold(AdapterError):
    """A sound object that has nothing for us. ``reason``: ``other-storage``, ``no-facts``, ``report-without-events`` or
    ``other-template``."""


def is_read(sop_class: str) -> bool:
    """Whether objects of this class are looked at at all."""
    return sop_class in XRAY_IMAGES or sop_class in CAPTURES or sop_class.startswith(REPORTS)


class ObjectReader:
    """One object as it comes. ``zone``: of the equipment's clock where the object doesn't say; None: this machine's.
    ``reasons``: of the device's model. ``key``: secret of the device. ``transfer_syntax``: of a data set of the
    network, None: it is a file. ``sop_class``: under which the network brought it, for one that doesn't say its own, as
    (0002,0002) is a file's."""

    def __init__(
        self,
        *,
        zone: tzinfo | None,
        reasons: Reasons,
        key: bytes = b"",
        transfer_syntax: str | None = None,
        sop_class: str = "",
    ) -> None:
        self._zone = zone
        self._reasons = reasons
        self._key = key
        self._sop_class = sop_class
        self._head = Flat()
        self._report = ReportReader(zone=zone, key=key)
        self._depth = 0
        self._walk = Walk(self, wanted=_WANTED, follow=FOLLOWED, transfer_syntax=transfer_syntax)

    @property
    def skipping(self) -> int:
        """So many of the next bytes aren't looked at."""
        return self._walk.skipping

    def skip(self, size: int) -> None:
        """Let bytes pass unseen, at most ``skipping``."""
        self._walk.skip(size)

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        self._walk.feed(data)

    def facts(self, received: int) -> Sequence[Extracted]:
        """What the object told, once it is there as a whole: an image, or each irradiation event of a report.

        ``received``: ms since 1970 UTC. Raises ``Untold``, ``AdapterError`` for what can't be read, nothing else.
        """
        kind = self._text(CLASS) or _text(self._walk.media_class) or self._sop_class
        self._walk.finish(LAST_OF_REPORTS if kind.startswith(REPORTS) else LAST_GROUP)
        if not kind:
            raise self._no_kind()
        if not self._head.found and is_read(kind):
            raise AdapterError("unreadable", "nothing in it can be read: send or copy it again")
        if kind in XRAY_IMAGES or (kind in CAPTURES and self._text(MODALITY) in XRAY_MODALITIES):
            return (self._image(received),)
        if kind == DOSE_REPORT or (kind.startswith(REPORTS) and self._report.titled):
            return self._events(received)
        text = "it is a DICOM object, but neither an X-ray image (DX, CR or MG) nor a dose report"
        raise Untold("other-storage", text)

    # -- the walk ------------------------------------------------------------------------------------------------------

    def element(self, tag: int, raw: Raw) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        if not self._depth:
            self._head.element(tag, raw)
        self._report.element(tag, raw)

    def enter(self, sequence: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._depth += 1
        self._report.enter(sequence)

    def leave(self, sequence: int) -> None:
        """See ``agent.adapters.dicom.walk.Visitor``."""
        self._depth -= 1
        self._report.leave(sequence)

    # -- the facts -----------------------------------------------------------------------------------------------------

    def _image(self, received: int) -> Extracted:
        found = {tag: raw for tag, raw in self._head.found.items() if tag in ALLOWED}
        image = read_image(
            found,
            received=received,
            zone=self._zone,
            key=self._key,
            reasons=self._reasons,
            out_of_order=self._walk.out_of_order,
        )
        if not (image.readings or image.states or image.inventory):
            raise Untold("no-facts", "it is an X-ray image, but nothing in it tells of the equipment")
        return image

    def _events(self, received: int) -> Sequence[Extracted]:
        events = self._report.events(received)
        if events:
            return events
        if self._report.template not in {None, TEMPLATE}:
            raise Untold(
                "other-template", "it is a dose report of another kind of equipment, without irradiation events"
            )
        raise Untold("report-without-events", "it is a dose report without irradiation events")

    def _text(self, tag: int) -> str:
        return _text(self._head.found.get(tag))

    def _no_kind(self) -> AdapterError:
        if CLASS in self._head.found:
            return AdapterError("unreadable", "what kind of object it is can't be read: send or copy it again")
        return AdapterError("not-dicom", "it is no DICOM image: it doesn't say what kind of object it is")


def _text(raw: Raw | None) -> str:
    """Empty where there is none that can be read."""
    try:
        return "" if raw is None else values.text(raw)
    except Refused:
        return ""


def read_file(path: Path, *, zone: tzinfo | None, reasons: Reasons, key: bytes = b"") -> Sequence[Extracted]:
    """As ``ObjectReader``, of a file; it was received when it was last modified. Raises ``OSError`` too."""
    reader = ObjectReader(zone=zone, reasons=reasons, key=key)
    with path.open("rb") as stream:
        stat = os.fstat(stream.fileno())
        while chunk := stream.read(_CHUNK):
            reader.feed(chunk)
            over = min(reader.skipping, stat.st_size - stream.tell())
            if over > 0:
                reader.skip(over)
                stream.seek(over, os.SEEK_CUR)
    return reader.facts(stat.st_mtime_ns // 1_000_000)
