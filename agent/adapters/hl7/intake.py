"""From a block of bytes to what becomes of each message in it: one path for the agent and for ``decode``. Pure.

A block is what stands between VT and FS, or the content of a file. It holds one message as a rule, and may hold
several, with the envelope of a batch (FHS, BHS, BTS, FTS: HL7 v2.5.1, 2.10.3) or without: each is a message of its own.
An envelope says nothing of the equipment, and a block of blanks is how some keep a connection open.
"""

import re
from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import partial
from typing import Final, NamedTuple

from agent.adapters.hl7.answer import Outcome
from agent.adapters.hl7.kinds import Kind, kind_of
from agent.adapters.hl7.message import FILLING, Message, no_message
from agent.adapters.hl7.mllp import Frame
from agent.adapters.hl7.reading import Extracted, read
from agent.errors import AdapterError
from catalog.model import Model

_HEADS: Final = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t\0]*MSH(?=[^A-Za-z0-9\s])")
_ENVELOPE: Final = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t\0]*(?:FHS|BHS|BTS|FTS)(?![A-Za-z0-9])[^\r\n]*")
_TEXT: Final = re.compile(rb"(?:\xff\xfe|\xfe\xff|\xef\xbb\xbf)?(?:\0?[\t\r\n -~]\0?){8}")
"""How a text begins, in UTF-16 too. Between what looks like VT and FS in a stranger's bytes there is anything."""

_UNTOLD: Final = {
    Kind.PERSON: "patient-results",
    Kind.ANSWER: "answer-message",
    Kind.CALIBRATION: "calibration-message",
    Kind.OTHER: "other-message",
}


class Taken(NamedTuple):
    """What becomes of a message.

    ``message``: None where it is none, which ``error`` says; both are None for an envelope without any. ``data``: its
    bytes without what stood around it. ``outcome``: as it is answered once ``facts``, if there are any, are kept.
    ``refused``, ``untold``: under which word it is counted, if it is.
    """

    data: bytes
    message: Message | None
    kind: Kind = Kind.OTHER
    outcome: Outcome = Outcome.ACCEPTED
    facts: Extracted | None = None
    refused: str = ""
    untold: str = ""
    error: AdapterError | None = None


def taken(frame: Frame, *, model: Model, received: int, zone: tzinfo | None, live: bool = True) -> Iterator[Taken]:
    """Each message of a block, in order; nothing for a block of blanks.

    ``received``: ms since 1970 UTC. ``zone``: of the equipment's clock; None: this machine's. ``live``: see ``read``.
    Never raises.
    """
    reading = partial(read, model=model, received=received, zone=zone, live=live)
    block = frame.data.lstrip(FILLING)
    heads = _HEADS.finditer(block)
    head = next(heads, None)
    before = _ENVELOPE.sub(b"", block if head is None else block[: head.start()]).strip(FILLING)
    if before or (head is None and block.startswith(b"MSH")):
        yield _failed(block, no_message(), "garbage" if head is None and not _TEXT.match(block) else "")
        return
    if head is None and block:
        yield Taken(block, None, untold="batch-envelope")
    while head is not None:
        after = next(heads, None)
        part = block[head.start() : len(block) if after is None else after.start()]
        data = _ENVELOPE.sub(b"", part).strip(FILLING)
        try:
            yield _one(data, Message(data), whole=frame.whole, reading=reading)
        except AdapterError as error:
            yield _failed(data, error)
        head = after


def _failed(data: bytes, error: AdapterError, word: str = "") -> Taken:
    return Taken(data, None, refused=word or error.reason, error=error)


def _one(data: bytes, message: Message, *, whole: bool, reading: Callable[[Message, Kind], Extracted]) -> Taken:
    kind = kind_of(message)
    match kind:
        case Kind.QUERY:
            return Taken(data, message, kind, Outcome.UNSUPPORTED, refused="query")
        case Kind.PERSON | Kind.ANSWER | Kind.CALIBRATION | Kind.OTHER:
            return Taken(data, message, kind, untold=_UNTOLD[kind])
        case Kind.EQUIPMENT | Kind.CONTROL:
            if message.cut or not whole:
                return Taken(data, message, kind, Outcome.TOO_LARGE, refused="oversize")
    facts = reading(message, kind)
    return Taken(data, message, kind, facts=facts, untold="" if facts.tell or facts.refused else "no-facts")
