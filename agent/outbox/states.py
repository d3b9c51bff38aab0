"""What the outbox is at a commit, as frozen structs."""

from collections.abc import Mapping

from msgspec import Struct

from wire.ids import Epoch
from wire.items import Dropped
from wire.topics import Lane


class Limits(Struct, frozen=True, kw_only=True):
    """``live_items``: distinct ones held at most. ``bulk_bytes``: bodies held. ``report_bytes``: of one body."""

    live_items: int = 50_000
    bulk_bytes: int = 256 * 1024 * 1024
    report_bytes: int = 64 * 1024


class LaneState(Struct, frozen=True, kw_only=True):
    """``lowest``: lowest number held, or ``next`` where none is. ``next``: the number of the next report.
    ``deleted``, ``digest`` (hex): of the highest report that an acknowledgement deleted. ``confirmed``: the server has
    shown for this lane that it knows the epoch (the other lane may be in it already)."""

    lowest: int = 1
    next: int = 1
    reports: int = 0
    size: int = 0
    items: int = 0
    deleted: int = 0
    digest: str = ""
    confirmed: bool = False

    @property
    def highest(self) -> int:
        """The highest number ever given; 0: none."""
        return self.next - 1


class State(Struct, frozen=True, kw_only=True):
    """The outbox at a commit. ``dropped`` and ``refused`` count over the epoch; ``pending``: what was dropped and
    isn't told yet. ``doubted_ms``: what is older (device's clock) may be stored already, since the server knew another
    life of this device; it travels flagged ``again``."""

    epoch: Epoch
    boot: int = 0
    live: LaneState = LaneState()
    bulk: LaneState = LaneState()
    dropped: int = 0
    refused: int = 0
    pending: Dropped | None = None
    doubted_ms: int = 0

    def lane(self, lane: Lane) -> LaneState:
        """The state of a lane."""
        return self.live if lane is Lane.LIVE else self.bulk


class Held(Struct, frozen=True, kw_only=True):
    """A report as it is sent."""

    seq: int
    body: bytes
    segment: int
    again: bool


class Here(Struct, frozen=True, kw_only=True):
    """What a transaction that fails is undone to. ``changes``: of the index of repeats."""

    state: State
    changes: int
    handed: Mapping[Lane, int]
