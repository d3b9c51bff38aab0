"""The facts of an image in a file: only its header is read from the disk."""

from datetime import tzinfo
from pathlib import Path
from typing import Final

from agent.dicom.elements import HEADER_LIMIT
from agent.dicom.image import Extracted, read_header
from agent.errors import AdapterError

_FIRST: Final = 64 * 1024
"""Bytes that are nearly always enough; only a file with big private groups in front is read further."""


def read_file(path: Path, *, zone: tzinfo | None, key: bytes = b"") -> Extracted:
    """As ``read_header``; the time of receipt is the file's last modification. Raises ``AdapterError``, ``OSError``."""
    with path.open("rb") as stream:
        data = stream.read(_FIRST)
        rest = stream.read(1)
        received = path.stat().st_mtime_ns // 1_000_000
        try:
            return read_header(data, received=received, zone=zone, key=key, cut=bool(rest))
        except AdapterError as error:
            if error.reason != "header-too-long":
                raise
        data += rest + stream.read(HEADER_LIMIT - len(data))
        return read_header(data, received=received, zone=zone, key=key, cut=True)
