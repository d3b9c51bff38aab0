"""What kind of object some bytes are, and the facts of it: an image's header, or a dose report's events.

A file is read only as far as its facts need: an image's header, never its pixels.
"""

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final, TypedDict

from agent.dicom import values
from agent.dicom.elements import HEADER_LIMIT, elements_of
from agent.dicom.image import CLASS, Extracted, read_header
from agent.dicom.report import DOSE_REPORT, read_report
from agent.errors import AdapterError
from agent.values import Refused

_FIRST: Final = 64 * 1024
"""Bytes that are nearly always enough; only reports and files with big private groups in front are read further."""


def read_object(
    data: bytes,
    *,
    received: int,
    zone: tzinfo | None,
    key: bytes = b"",
    transfer_syntax: str | None = None,
    cut: bool = False,
) -> Sequence[Extracted]:
    """The facts of an image, or of each irradiation event of a dose report. As ``agent.dicom.image.read_header``."""
    how = _How(received=received, zone=zone, key=key, transfer_syntax=transfer_syntax, cut=cut)
    if kind_of(data, transfer_syntax=transfer_syntax, cut=cut) == DOSE_REPORT:
        return read_report(data, **how)
    return (read_header(data, **how),)


class _How(TypedDict):
    received: int
    zone: tzinfo | None
    key: bytes
    transfer_syntax: str | None
    cut: bool


def kind_of(data: bytes, *, transfer_syntax: str | None = None, cut: bool = False) -> str:
    """The SOP class of an object; empty where it doesn't say. Raises ``AdapterError`` for what is no object."""
    found = elements_of(data, {CLASS}, last=CLASS >> 16, transfer_syntax=transfer_syntax, cut=cut)
    try:
        return values.text(found[CLASS])
    except (KeyError, Refused):
        return ""


def read_file(path: Path, *, zone: tzinfo | None, key: bytes = b"") -> Sequence[Extracted]:
    """As ``read_object``; the time of receipt is the file's last modification. Raises ``AdapterError``, ``OSError``."""
    with path.open("rb") as stream:
        data = stream.read(_FIRST)
        rest = stream.read(1)
        received = path.stat().st_mtime_ns // 1_000_000
        try:
            return read_object(data, received=received, zone=zone, key=key, cut=bool(rest))
        except AdapterError as error:
            if error.reason != "header-too-long":
                raise
        data += rest + stream.read(HEADER_LIMIT - len(data))
        more = bool(stream.read(1))
        return read_object(data, received=received, zone=zone, key=key, cut=more)
