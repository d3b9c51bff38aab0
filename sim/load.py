"""What a fleet is asked to send, and what it says it did."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from wire.codec import JSON
from wire.ids import DeviceId
from wire.topics import Lane

FaultState = Literal["active", "cleared", "event"]


class Load(Struct, frozen=True, kw_only=True):
    """What the fleet sends: reports of `readings` readings in `lane`, `rate` a second over all devices (None: as fast
    as it can), until `messages` of them or `seconds` have passed, whichever is first. `settle_s`: how long it then
    waits for what isn't acknowledged yet."""

    messages: Annotated[int, Meta(ge=0)]
    seconds: Annotated[float, Meta(gt=0)]
    rate: Annotated[float, Meta(gt=0)] | None = None
    mode: Literal["open", "closed"] = "open"
    lane: Lane = Lane.BULK
    readings: Annotated[int, Meta(ge=1, le=10_000)] = 20
    content_type: Literal["application/json", "application/msgpack"] = JSON
    settle_s: Annotated[float, Meta(ge=0)] = 30.0


class FleetFault(Struct, frozen=True, kw_only=True):
    """`device` reports the fault `code` `at_s` seconds after the load begins; it ends `lasts_s` later, None: not."""

    device: DeviceId
    code: str
    at_s: float
    lasts_s: float | None = None


class FaultSent(Struct, frozen=True, kw_only=True):
    """A fault that was published; `published_ns`: time.time_ns() just before it was given to the socket."""

    device: DeviceId
    code: str
    state: FaultState
    published_ns: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What a run did. Numbers of messages; `seconds`: of the load alone, from its first message to its last.

    `acknowledged`: by the broker (PUBACK); `refused`: PUBACKs with an error. For the mode `closed`: `confirmed` by the
    server, `unconfirmed` in the end, `sent_again`, `strangers`: lanes whose mark wasn't theirs, `unborn`: devices whose
    birth wasn't answered.
    """

    births: int
    reports: int
    readings: int
    published: int
    acknowledged: int
    refused: int
    unacknowledged: int
    seconds: float
    rate: float
    connections: int
    faults: list[FaultSent]
    confirmed: int = 0
    unconfirmed: int = 0
    sent_again: int = 0
    strangers: int = 0
    unborn: int = 0


def moments(faults: Iterable[FleetFault]) -> Iterable[tuple[float, DeviceId, str, FaultState]]:
    """When which device reports what, in seconds after the load begins."""
    for fault in faults:
        yield fault.at_s, fault.device, fault.code, "active"
        if fault.lasts_s is not None:
            yield fault.at_s + fault.lasts_s, fault.device, fault.code, "cleared"
