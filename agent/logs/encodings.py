"""The encodings of logs, and which way round UTF-16 stands. Pure."""

from typing import Final

UTF_16: Final = "utf-16"
"""Its byte order is found out from the file: by its mark, else by where the zeros stand."""
_LITTLE: Final = "utf-16-le"
_BIG: Final = "utf-16-be"
WIDE: Final = frozenset({UTF_16, _LITTLE, _BIG})
ENCODINGS: Final = ("utf-8", "gb18030", "latin-1", UTF_16, _LITTLE, _BIG)
SAMPLE: Final = 512
"""Bytes of a file's beginning that tell its byte order."""


def is_big_endian(encoding: str | None, head: bytes) -> bool:
    """Whether two bytes of a character stand the high one first. ``head``: the first bytes of the file.

    Without a byte order mark (Unicode 23.8) line ends decide, as U+0A00, a line feed the wrong way round,
    is no character; then digits and blanks, whose high byte is zero.
    """
    if encoding != UTF_16:
        return encoding == _BIG
    if head[:2] in {b"\xfe\xff", b"\xff\xfe"}:
        return head[:2] == b"\xfe\xff"
    high, low = head[0::2], head[1::2]
    feeds = [(first, second) for first, second in zip(high, low, strict=False) if 10 in {first, second}]
    return (feeds.count((0, 10)), high.count(0)) > (feeds.count((10, 0)), low.count(0))
