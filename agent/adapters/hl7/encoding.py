"""In which encoding a message is written: as MSH-18 declares (table 0211), and where that is silent or wrong. Pure.

All that is read lies below 0x80, but for units (µ). So what matters is that no delimiter is taken for half of a
character, and no half of a character for a delimiter: second bytes of GB 18030, Big5 and Shift JIS reach from 0x40 to
0x7E, where bar, caret, tilde and backslash are.
"""

import re
from typing import Final

from agent.adapters.charset import is_text

_ISO: Final = re.compile(r"(?:ISO)?8859(\d{1,2})")
_KNOWN: Final = {
    "ASCII": "ascii",
    "ISOIR6": "ascii",
    "ISOIR100": "iso8859-1",
    "ISOIR101": "iso8859-2",
    "ISOIR109": "iso8859-3",
    "ISOIR110": "iso8859-4",
    "ISOIR144": "iso8859-5",
    "ISOIR127": "iso8859-6",
    "ISOIR126": "iso8859-7",
    "ISOIR138": "iso8859-8",
    "ISOIR148": "iso8859-9",
    "ISOIR203": "iso8859-15",
    "ISOIR192": "utf-8",
    "ISOIR14": "iso2022_jp_2",
    "ISOIR87": "iso2022_jp_2",
    "ISOIR159": "iso2022_jp_2",
    "LATIN1": "iso8859-1",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "GB2312": "gb18030",
    "GB231280": "gb18030",
    "GBK": "gb18030",
    "CP936": "gb18030",
    "BIG5": "big5",
    "CP950": "big5",
    "KSX1001": "euc_kr",
    "SHIFTJIS": "shift_jis",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
}
"""Table 0211 and what senders write instead, without what is neither letter nor digit. UTF-16 and UTF-32 can't be in a
block of MLLP; CNS 11643 no Python knows: both are as if nothing was declared."""
_SHIFTED: Final = "iso2022_jp_2"


def declared(field: bytes) -> str:
    """The codec that MSH-18 declares; "" where it declares none that is known.

    A repetition means that the message shifts to that set by escape sequences (2.15.9.18), as Japan's do.
    """
    codecs = [_codec(part) for part in field.decode("ascii", "replace").upper().split("~")]
    return _SHIFTED if _SHIFTED in codecs else codecs[0]


def _codec(name: str) -> str:
    short = re.sub("[^A-Z0-9]", "", name.partition("^")[0])
    iso = _ISO.fullmatch(short)
    if iso:
        return f"iso8859-{iso[1]}" if 1 <= int(iso[1]) <= 16 and iso[1] != "12" else ""
    return _KNOWN.get(short, "")


def codec_of(data: bytes, codec: str) -> str:
    """The codec of a whole message, of which ``codec`` is declared; "" where each line has to be looked at by itself.

    Any bytes are some text in a set of single bytes, so what is valid UTF-8 is taken for that.
    """
    if data.isascii() and codec != _SHIFTED:
        return "ascii"
    order = ("utf-8", codec) if codec.startswith(("iso8859", "cp1252")) else (codec, "utf-8")
    return next((each for each in order if each and is_text(data, each)), "")
