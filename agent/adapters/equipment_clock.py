"""Whether the clock of the equipment is right: what it says of a moment that we know, and what follows.

Equipment runs for years on clocks without battery, time server or owner. A fact that was certainly written just now
and says another year would be filed where nobody looks; a true backlog has its own times, which are the truth. So only
what is known to be new judges the clock, and only what no mistake about a zone explains.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from agent.adapters.port import Entry, Sink
from agent.adapters.values import FUTURE_MS, Moment
from catalog.allowed import UNCERTAIN_TIME
from catalog.model import Model
from wire.items import Fault

CLOCK_CODE: Final = "SYS-CLK-01"
"""The catalog's code (model ``host``) for: the clock of the equipment is wrong."""
ZONE_MS: Final = FUTURE_MS
"""What a wrong zone explains (``agent.adapters.values``)."""
QUEUE_MS: Final = 365 * 86_400_000
"""How long a message may have waited at the sender: what is older than a year wasn't queued, its clock is wrong."""
AGAIN_MS: Final = 3_600_000
"""After this time it is told again that the clock is wrong, in case another source found its own right meanwhile."""


class Judged(NamedTuple):
    """``time``: of the fact, its receipt where its own isn't believed. ``right``: what it says of the equipment's
    clock; None: nothing."""

    time: Moment
    right: bool | None


class Told(Struct, frozen=True, array_like=True):
    """What the server was told of the clock by one source. ``wrong_ms``: when it was last told to be wrong, ms since
    1970 UTC; None: it is right, as far as we know."""

    wrong_ms: int | None = None


def judge(own: Moment | None, *, received: int, since: int | None) -> Judged:
    """The time of a fact. ``own``: what it says; None: a time that can't be (before 1990, say). ``received``: ms since
    1970 UTC. ``since``: it was certainly written between then and ``received``; None: it may be from any time."""
    right = None if since is None else own is not None and since - ZONE_MS <= own.at <= received + ZONE_MS
    if own is None or right is False or own.at > received + ZONE_MS:
        return Judged(Moment(received, certain=False), right)
    return Judged(own, right)


def judge_message(sent: int | None, *, received: int) -> bool | None:
    """What the time in a message's header says of the sender's clock: of now is right, of the future or of years ago
    is wrong; between them it may have waited to be sent (None)."""
    if sent is None:
        return None
    if sent > received + ZONE_MS or sent < received - QUEUE_MS:
        return False
    return True if sent >= received - ZONE_MS else None


def judge_object(own: int, *, received: int) -> bool | None:
    """What the time of an object that was just sent says of the sender's clock: it may come from an archive and be
    of any age (None), but not of the future."""
    if own > received + ZONE_MS:
        return False
    return True if own >= received - ZONE_MS else None


def is_mistaken(own: int, sent: int | None, right: bool | None, *, received: int) -> bool:
    """Whether the time of a fact in a message is that of a wrong clock: in the future, or near that of a header which
    is wrong (``right``, ``sent``: by ``judge_message``)."""
    near = right is False and sent is not None and abs(own - sent) <= ZONE_MS
    return near or own > received + ZONE_MS


def uncertain_params(certain: bool) -> dict[str, float | str]:
    """How a fault's time is marked that isn't certainly its own."""
    return {} if certain else {UNCERTAIN_TIME: 1.0}


def follow(told: Told, right: bool | None, *, received: int, source: str) -> tuple[Told, Fault | None]:
    """What the server must be told, and what it was told when that is on the disk. ``right``: what was heard last."""
    if right is False and (told.wrong_ms is None or abs(received - told.wrong_ms) >= AGAIN_MS):
        return Told(received), Fault(at=received, code=CLOCK_CODE, state="active", source=source)
    if right is True and told.wrong_ms is not None:
        return Told(), Fault(at=received, code=CLOCK_CODE, state="cleared", source=source)
    return told, None


class ClockWatch:
    """Tells the server of the equipment's clock by one source. What was told is kept under ``name`` of the sink's
    positions. A model without the code is told nothing."""

    def __init__(self, *, model: Model, sink: Sink, source: str, name: str) -> None:
        self._sink = sink if CLOCK_CODE in model.faults else None
        self._source = source
        self._name = name
        self._told = _decode(sink.position(name))

    async def heard(self, right: bool | None, *, received: int) -> None:
        """``right``: what was read last says of the clock; None: nothing. ``received``: ms since 1970 UTC. Returns when
        what follows is on the disk. Raises ``OutboxError``."""
        told, fault = follow(self._told, right, received=received, source=self._source)
        if fault is None or self._sink is None:
            return
        await self._sink.aput(Entry(live=[fault], positions={self._name: msgspec.msgpack.encode(told)}))
        self._told = told


def _decode(data: bytes | None) -> Told:
    """What was told before; what can't be read is nothing, and is told once again."""
    try:
        return Told() if data is None else msgspec.msgpack.decode(data, type=Told)
    except msgspec.MsgspecError:
        return Told()
