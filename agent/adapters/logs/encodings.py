"""The encodings of logs, and which way round UTF-16 stands. Pure."""

import re
from typing import Final

UTF_16: Final = "utf-16"
"""Its byte order is found out from the file: by its mark, else by where the zeros stand."""
_LITTLE: Final = "utf-16-le"
_BIG: Final = "utf-16-be"
WIDE: Final = frozenset({UTF_16, _LITTLE, _BIG})
ENCODINGS: Final = ("utf-8", "gb18030", "latin-1", UTF_16, _LITTLE, _BIG)
SAMPLE: Final = 4096
"""Bytes of a file's beginning that tell what it is."""
_HOLES: Final = 8
"""Runs of NULs in a sample that a text may have: a hole, what a power loss left. A binary file has many more."""
_NULS: Final = re.compile(rb"\0+")


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


def why_no_text(encoding: str | None, head: bytes) -> str | None:
    """What to do about a file whose beginning isn't text in this encoding (None: in one of single bytes), in a
    sentence; None: it may be."""
    if encoding in WIDE:
        # Even a Chinese text has line ends, half of which are zero.
        return None if 0 in head or len(head) < SAMPLE // 8 else f"it is no text in {encoding}; give its --encoding"
    if head[:2] in {b"\xfe\xff", b"\xff\xfe"} and 0 in head:
        return "it is text in UTF-16; give --encoding utf-16"
    if len(_NULS.findall(head)) <= _HOLES:
        return None
    zeros = sorted((head[0::2].count(0), head[1::2].count(0)))
    if zeros[0] * 10 < zeros[1]:
        return "it is text in UTF-16; give --encoding utf-16"
    return "it is no text at all; give a log"
