"""When certificates end, from their files: of one's own the standard library doesn't tell it (RFC 5280, 4.1)."""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.config.shapes import Server

_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_VERSION: Final = 0xA0
_FORMS: Final = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}
"""UTCTime and GeneralizedTime, as RFC 5280 allows them."""


def files(server: Server) -> Mapping[str, Path]:
    """What a device shows and what it trusts: ``device``, ``authority``. Empty without TLS of its own."""
    found = {"device": server.cert, "authority": server.ca}
    return {of: Path(path) for of, path in found.items() if path is not None}


def last_moment(path: Path) -> datetime:
    """Of the first certificate in this PEM file to end. Raises ``OSError``, or ``ValueError`` for what holds none."""
    blocks = _BLOCK.findall(path.read_text("ascii", errors="replace"))
    if not blocks:
        raise ValueError(f"{path} holds no certificate")
    return min(_end(ssl.PEM_cert_to_DER_cert(block)) for block in blocks)


def _end(der: bytes) -> datetime:
    try:
        _, at, _ = _head(der, 0)  # Certificate
        _, at, _ = _head(der, at)  # its tbsCertificate
        tag, _, end = _head(der, at)
        if tag == _VERSION:
            _, _, end = _head(der, end)
        for _ in ("signature", "issuer"):
            _, _, end = _head(der, end)
        _, at, _ = _head(der, end)  # validity: notBefore, notAfter
        _, _, at = _head(der, at)
        tag, at, end = _head(der, at)
        return datetime.strptime(der[at:end].decode("ascii"), _FORMS[tag]).replace(tzinfo=UTC)
    except (IndexError, KeyError):
        raise ValueError("what stands there is no certificate") from None


def _head(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, beginning and end of the content of the element that begins there."""
    size, begin = der[at + 1], at + 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(der[at + 2 : begin], "big")
    return der[at], begin, begin + size
