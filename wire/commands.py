"""What the server sends down: commands and acknowledgements; and what the broker says when a device is gone.

Times in commands and acknowledgements are the server's clock (ms since 1970 UTC).
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from wire.items import Count, Millis, Name, Token
from wire.limits import MAX_FIELDS
from wire.topics import Lane


class Scope(StrEnum):
    """The independent rights of a remote session."""

    DIAGNOSE = "diagnose"
    LOGS = "logs"
    TERMINAL = "terminal"
    VIEW = "view"
    CONTROL = "control"
    FILES = "files"


class RunRunbook(Struct, frozen=True, kw_only=True, tag_field="t", tag="run"):
    """Run a runbook of the agent's own catalog. Only its name and typed parameters travel, never a command line."""

    runbook: Name
    params: Annotated[dict[Name, float | Token], Meta(max_length=MAX_FIELDS)] = {}


class Announce(Struct, frozen=True, kw_only=True, tag_field="t", tag="announce"):
    """Send a birth again, and the inventory with it."""


class Command(Struct, frozen=True, kw_only=True):
    """A command with an id (executed once, durably) and an expiry on the server's clock."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9\-]{8,40}\Z")]
    issued: Millis
    expires: Millis
    do: RunRunbook | Announce


class Ack(Struct, frozen=True, kw_only=True):
    """The mark of a lane: everything up to ``seq`` of ``epoch`` is committed (delivery 5, 6, 10, 16).

    ``epoch`` is empty and ``seq`` 0 where the server knows no mark. ``digest``: hex, of the mark's report. ``now``:
    the server's clock when this was sent; ``echo``: the ``sent`` property of the newest report answered, ``held_ms``:
    milliseconds from its arrival at the server until ``now``. ``back``: send again from this number. ``hello``: this
    answers a birth.
    """

    lane: Lane
    epoch: Annotated[str, Meta(pattern=r"^([a-z0-9]{8,32})?\Z")]
    seq: Count
    digest: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?\Z")] = ""
    now: Millis
    echo: Millis | None = None
    held_ms: Annotated[float, Meta(ge=0)] = 0.0
    back: Count | None = None
    hello: bool = False


class Will(Struct, frozen=True, kw_only=True):
    """The connection of the session (epoch, boot) is lost. Of another than the present one it means
    nothing (delivery 18)."""

    epoch: Annotated[str, Meta(pattern=r"^[a-z0-9]{8,32}\Z")]
    boot: Count
