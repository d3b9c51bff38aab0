"""In which encoding an analyzer wrote a text, where nothing it says of that holds. Pure.

All that is read lies below 0x80, but for units (µ). So what matters is that no delimiter is taken for half of a
character, and no half of a character for a delimiter: second bytes of GB 18030 reach from 0x40 to 0x7E, where bar,
caret, tilde and backslash are.
"""

import re
from collections.abc import Iterator
from typing import Final

_CHINESE: Final = re.compile(rb"[\x81-\xfe](?:[0-9][\x81-\xfe][0-9]|[\x40-\x7e\x80-\xfe])")
"""A character of GB 18030 beyond ASCII."""
_OTHERS: Final = ("utf-8", "latin-1", "gb18030", "cp437")
"""What a text may be in after all; cp437 and cp850 agree about µ."""


def codec_of_line(line: bytes) -> str:
    """The codec of a line whose encoding isn't known.

    A byte from 0xA0 on in front of one below 0x80 is a letter of Latin-1 alone (µ in front of mol/L), or a rare
    character of GB 18030; what Chinese writes is pairs from 0x81 on. Whichever there is more of tells.
    """
    if is_text(line, "utf-8"):
        return "utf-8"
    if not is_text(line, "gb18030"):
        return "latin-1"
    signs = [found[0][0] >= 0xA0 and found[0][1] < 0x80 for found in _CHINESE.finditer(line)]
    return "gb18030" if signs.count(False) > signs.count(True) else "latin-1"


def otherwise(text: str, codec: str) -> Iterator[str]:
    """A text that was decoded by ``codec``, and what it is in other encodings, where it is any text there."""
    yield text
    if text.isascii():
        return
    data = text.encode(codec, "replace")
    for other in _OTHERS:
        if is_text(data, other):
            yield data.decode(other)


def is_text(data: bytes, codec: str) -> bool:
    """Whether bytes are some text in an encoding."""
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
