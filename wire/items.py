"""The typed items of a report. All times are milliseconds since 1970 UTC on the device's own clock."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from wire.ids import BOX_FORM
from wire.limits import MAX_FIELDS, MAX_MILLIS, MAX_READINGS, MAX_VALUE

Millis = Annotated[int, Meta(ge=0, le=MAX_MILLIS)]
Delta = Annotated[int, Meta(ge=-MAX_MILLIS, le=MAX_MILLIS)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Value = Annotated[float, Meta(ge=-MAX_VALUE, le=MAX_VALUE)]
"""A number that a signal can have; not NaN."""
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}\Z")]
"""A name of the contract or the catalog: a metric, a state, a field, a runbook, a message id."""
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/+\-]{0,47}\Z")]
"""A fault code as the equipment or the catalog spells it."""
_PRINTABLE: Final = r"\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd"
Token = Annotated[str, Meta(pattern=rf"^(?!\s)[{_PRINTABLE}]{{1,64}}(?<!\s)\Z")]
"""A short printable text without control characters, such as a serial number or a software version."""

Reason = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,47}(:[A-Za-z0-9][A-Za-z0-9_.\-]{0,63})?\Z")]
"""A stable word, and behind a colon what it was said of, such as ``malformed:tube.voltage``."""
Form = Annotated[str, Meta(pattern=r"^[Aa9? ._:/+\-#^&|]{0,24}\u2026?\Z")]
"""What a text looked like: letters as ``A`` or ``a``, digits as ``9``, what isn't ASCII as ``?``. It can't say more."""

GOOD: Final = 0
UNCERTAIN: Final = 1
BAD: Final = 2
Quality = Literal[0, 1, 2]
"""How far a reading can be trusted: good, uncertain (out of the sensor's or the standard's range, yet kept), bad."""


class Birth(Struct, frozen=True, kw_only=True, tag_field="t", tag="birth"):
    """The first message of a session (epoch, boot counter). It is outside the numbering (``seq`` 0) and answered
    with the marks of both lanes, before the agent sends anything else (delivery 6, 10, 18)."""

    at: Millis
    boot: Count
    agent: Token
    model: Name
    interval_s: Annotated[float, Meta(gt=0, le=86_400)]
    """Seconds between heartbeats."""
    box: Annotated[str, Meta(pattern=rf"^{BOX_FORM}\Z")] | None = None
    """What the agent runs on, by a random id of its own; None: an agent of a former version, or a client without."""


class Refusal(Struct, frozen=True, kw_only=True):
    """Input of the equipment that was refused, or acknowledged without a fact in it (``untold``): how often since
    when, of one source for one reason. Each is the whole count so far: the newest one counts."""

    kind: Literal["refused", "untold"] = "refused"
    source: Name
    """What read it, such as ``astm``."""
    reason: Reason
    count: Annotated[int, Meta(ge=1, le=2**53)]
    since: Millis
    last: Millis
    form: Form = ""
    """What the last one looked like, as far as it was a code."""


class Heartbeat(Struct, frozen=True, kw_only=True, tag_field="t", tag="heartbeat"):
    """The agent is running. Depths are reports that wait in its outbox; the counters grow over an epoch."""

    at: Millis
    uptime_s: Annotated[float, Meta(ge=0, le=MAX_VALUE)] = 0.0
    live: Count = 0
    bulk: Count = 0
    dropped: Count = 0
    """Bulk reports dropped because the outbox was full."""
    refused: Count = 0
    """Inputs of the equipment that were refused: not of their format, or beyond a bound."""
    connected: bool | None = None
    """Whether the equipment itself is reachable from the agent; None: it can't tell."""
    refusals: Annotated[list[Refusal], Meta(max_length=MAX_FIELDS)] | None = None
    """Those that changed since they were last told; None: none."""


class Readings(Struct, frozen=True, kw_only=True, gc=False, tag_field="t", tag="readings"):
    """Numbers in columns of equal length. Row ``i`` was measured at ``at + dt[i]`` (ms)."""

    at: Millis
    metric: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=MAX_READINGS)]
    """Each a ``Name``; the codec checks that with a memory, a pattern here would be half the cost of a report."""
    value: Annotated[list[Value], Meta(max_length=MAX_READINGS)]
    dt: Annotated[list[Delta], Meta(max_length=MAX_READINGS)] | None = None
    unit: Annotated[list[Annotated[str, Meta(max_length=24)]], Meta(max_length=MAX_READINGS)] | None = None
    """UCUM's case-sensitive codes (``kV``, ``Cel``, ``dGy.cm2``, ``1``); None: as the catalog says."""
    quality: Annotated[list[Quality], Meta(max_length=MAX_READINGS)] | None = None
    """None: all good."""


def rows_of(item: Readings, rows: Sequence[int]) -> Readings:
    """Some rows of an item."""
    return Readings(
        at=item.at,
        metric=[item.metric[i] for i in rows],
        value=[item.value[i] for i in rows],
        dt=None if item.dt is None else [item.dt[i] for i in rows],
        unit=None if item.unit is None else [item.unit[i] for i in rows],
        quality=None if item.quality is None else [item.quality[i] for i in rows],
    )


class Fault(Struct, frozen=True, kw_only=True, tag_field="t", tag="fault"):
    """A fault code. ``active`` lasts until ``cleared``; an ``event`` is momentary, how long it counts as active is
    the catalog's knowledge. Repeats before sending fold into ``count``, ``first`` and ``last`` (delivery 2)."""

    at: Millis
    code: Code
    state: Literal["active", "cleared", "event"]
    source: Name = "device"
    count: Annotated[int, Meta(ge=1, le=2**53)] = 1
    first: Millis | None = None
    last: Millis | None = None
    params: Annotated[dict[Name, Value | Token], Meta(max_length=MAX_FIELDS)] = {}
    """Numbers and declared enumeration values that came with the code. Never free text of the equipment."""


class StateChange(Struct, frozen=True, kw_only=True, tag_field="t", tag="state"):
    """A named state took a value, such as ``mode`` = ``service``."""

    at: Millis
    name: Name
    value: Token


class Inventory(Struct, frozen=True, kw_only=True, tag_field="t", tag="inventory"):
    """What the equipment is: serial numbers, software versions, the detector's id."""

    at: Millis
    fields: Annotated[dict[Name, Token], Meta(max_length=MAX_FIELDS)]


class ClockStep(Struct, frozen=True, kw_only=True, tag_field="t", tag="clock"):
    """The device's clock jumped; ``segment`` counts the pieces between jumps (delivery 16)."""

    at: Millis
    segment: Count
    step_ms: Delta


class StepResult(Struct, frozen=True, kw_only=True):
    """What one step of a runbook found. ``reason`` is a message id of the catalog."""

    id: Name
    outcome: Literal["ok", "warn", "fail", "refused"]
    reason: Name
    values: Annotated[dict[Name, Value | Token], Meta(max_length=MAX_FIELDS)] = {}


class Verdict(Struct, frozen=True, kw_only=True):
    """The result of a runbook: as bad as its worst step."""

    runbook: Name
    outcome: Literal["ok", "warn", "fail", "refused"]
    began: Millis
    ended: Millis
    steps: Annotated[list[StepResult], Meta(max_length=MAX_FIELDS)]


class Reply(Struct, frozen=True, kw_only=True, tag_field="t", tag="reply"):
    """The one answer to a command. ``reason`` is a message id of the catalog, set unless ``done``."""

    at: Millis
    command: Annotated[str, Meta(pattern=r"^[a-z0-9\-]{8,40}\Z")]
    status: Literal["done", "refused", "failed", "expired"]
    reason: Name | None = None
    verdict: Verdict | None = None


class Skipped(Struct, frozen=True, kw_only=True, tag_field="t", tag="skipped"):
    """Stands in the place of a report that was refused for good; it keeps that report's number (delivery 12)."""

    at: Millis
    reason: Name
    items: Count
    bytes: Count


class Dropped(Struct, frozen=True, kw_only=True, tag_field="t", tag="dropped"):
    """Bulk reports that the full outbox dropped, the oldest first (delivery 2)."""

    at: Millis
    reports: Count
    bytes: Count
    first: Millis
    last: Millis


Item = Birth | Heartbeat | Readings | Fault | StateChange | Inventory | ClockStep | Reply | Skipped | Dropped
