"""What the engine remembers of one device in one lane, and its packed form.

Nothing here is changed in place: a step that changes something makes a new ``State`` and shares what stayed the same.
"""

from typing import Final
from uuid import UUID
from zlib import crc32

import msgspec
from msgspec import Struct

from alerts.episode import Condition
from alerts.plan import Plan
from wire.topics import Lane

FORMAT: Final = 2
"""Version of the packed form. Fields may be added at the end of a struct, with a default; else this grows by one and
``unpack`` learns to read the older form."""
_UNCHECKED: Final = 1
"""The form before: without a check sum."""
_SUM: Final = 4


class Entry(Struct, frozen=True, kw_only=True, array_like=True):
    """An open episode.

    ``before``: the condition that no-data interrupted. ``due_ms``: the server's time at which its timer ends (held long
    enough, no repeat for long enough, quiet for long enough); ``due_clock``: when that is certain, on the partition's
    clock, which ticks go by; 0: no timer. ``value``: the worst of a limit so far, in steps (``Rule.worse``). ``late``:
    opened by late facts. ``chatters``: it came and went too often, so that it ends only after a quiet time.
    ``unknown``: opened for a code that the catalog didn't hold.
    """

    id: UUID
    condition: Condition
    before: Condition
    occurred_ms: int
    due_ms: int
    due_clock: int
    count: int
    value: float
    late: bool
    chatters: bool
    unknown: bool = False


class Held(Struct, frozen=True, kw_only=True, array_like=True):
    """A late fact that waits until the agent has caught up (delivery 17): a reading of ``name``, or a fault code.

    ``state``: "" for a reading. ``first_ms`` to ``at_ms``: the times of a folded fault, or of readings that are graded
    alike; ``value`` is of the first.
    """

    name: str
    state: str
    at_ms: int
    first_ms: int
    value: float
    count: int


class State(Struct, frozen=True, kw_only=True, array_like=True):
    """``counter``: episodes opened so far. ``digest`` and ``silence_ms``: of the plan that judged last.

    ``known_clock``: the partition's clock when a device that was never heard came to be known; 0: not needed.
    ``judged``: the newest time judged, by metric and by the key
    of a fault code. ``opens``: the last activations, by rule, for the detection of chattering. ``held_clock``: the
    partition's clock when the first of ``held`` came. ``timer``: the earliest end of a timer on the partition's clock;
    0: none.
    """

    counter: int = 0
    digest: str = ""
    silence_ms: int = 0
    known_clock: int = 0
    entries: dict[str, Entry] = {}
    judged: dict[str, int] = {}
    opens: dict[str, tuple[int, ...]] = {}
    held: tuple[Held, ...] = ()
    held_clock: int = 0
    timer: int = 0


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(State)


def fresh(plan: Plan, lane: Lane) -> State:
    """The state of a device never seen."""
    return State(digest=plan.digest, silence_ms=silence_of(plan, lane))


def silence_of(plan: Plan, lane: Lane) -> int:
    """After how many ms a device counts as silent; 0: never. Heartbeats travel live, and only that lane has ticks."""
    return plan.silence_ms if lane is Lane.LIVE else 0


def pack(state: State) -> bytes:
    """One byte for the format, a check sum (CRC-32), then MessagePack.

    A state with a wrong bit may well be readable, and would judge wrongly for ever: what is damaged must be known.
    """
    body = _encoder.encode(state)
    return bytes((FORMAT,)) + crc32(body).to_bytes(_SUM) + body


def unpack(packed: bytes) -> State:
    """Raises ValueError if it is no state, or a damaged one, or one of a newer program."""
    form = packed[0] if packed else None
    if form == FORMAT:
        body = packed[1 + _SUM :]
        if int.from_bytes(packed[1 : 1 + _SUM]) != crc32(body):
            raise ValueError("the packed state is damaged: its check sum is another")
    elif form == _UNCHECKED:
        body = packed[1:]
    else:
        raise ValueError(f"the packed state is of format {form or 'none'}, this program reads {FORMAT}")
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"the packed state can't be read: {error}") from error
