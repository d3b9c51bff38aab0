"""Since when a detector isn't nominal, and why: the fault that is active, kept in the outbox over restarts.

An image that says why makes the fault active, each of them, as a log's line does; the next one that says nominal, or
another reason, clears it. Of an image older than the newest one the fault is told with its end, for what came later is
known.
"""

import struct
from collections.abc import Mapping
from typing import Final

from agent.adapters.dicom.image import Extracted, detector_fault
from agent.adapters.port import Sink
from wire.items import Fault

_AT: Final = struct.Struct("<Q")


class Detector:
    """The detector of one source. ``name``: in front of its position."""

    def __init__(self, *, sink: Sink, name: str) -> None:
        self._name = f"{name}:detector"
        kept = sink.position(self._name) or b""
        known = len(kept) >= _AT.size
        self._at: int = _AT.unpack_from(kept)[0] if known else 0
        self._active = kept[_AT.size :].decode("ascii", "ignore") if known else ""
        """The code of the fault; empty: none that we told."""

    def faults(self, image: Extracted) -> list[Fault]:
        """What an image says of it."""
        found: list[Fault] = []
        late = image.at < self._at
        if self._active and not late and self._after(image) != self._active and image.nominal is not None:
            found.append(detector_fault(image.at, self._active, "cleared"))
        if image.reason is not None:
            found.append(detector_fault(image.at, image.reason, "active"))
            if late and image.reason != self._active:
                found.append(detector_fault(self._at, image.reason, "cleared"))
        return found

    def position(self, image: Extracted) -> Mapping[str, bytes]:
        """What is to be committed with it."""
        if image.nominal is None or image.at < self._at or not (self._active or image.reason):
            return {}
        return {self._name: _AT.pack(image.at) + self._after(image).encode("ascii")}

    def remember(self, image: Extracted) -> None:
        """The image was entered."""
        if image.nominal is not None and image.at >= self._at:
            self._at, self._active = image.at, self._after(image)

    def _after(self, image: Extracted) -> str:
        """The fault that is active from a new image on: one that isn't nominal for no reason that we know, stays."""
        return "" if image.nominal else image.reason or self._active
