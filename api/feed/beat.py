"""Whether the stream is current: is our own reader alive, is ingest, and how far are they behind? Pure.

A dead feed must never look green: silence of the devices and silence of ours are told apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from api.feed.facts import LANGS
from catalog.model import Lang, Text
from wire.ids import PARTITIONS

STALLED_S: Final = 10.0
"""A partition's clock is saved every 1.5 s and advances by probes of every second (delivery 15)."""
READER_S: Final = 10.0


class Reason(StrEnum):
    """Why ingest is taken for working or not. Stable: clients branch on it."""

    OK = "ok"
    STARTING = "starting"
    UNOWNED = "partitions-unowned"
    STALLED = "clock-stalled"
    FEED = "feed-behind"


WORDS: Final = MappingProxyType(
    {
        Reason.OK: Text(zh="接收正常", en="Reports are being taken"),
        Reason.STARTING: Text(zh="正在确认接收是否正常", en="Not known yet whether reports are being taken"),
        Reason.UNOWNED: Text(
            zh="部分设备的数据无人接收：接收进程未运行",
            en="Nobody takes the reports of some devices: ingest is not running",
        ),
        Reason.STALLED: Text(
            zh="接收停滞：消息服务器或接收进程不工作", en="Taking has stalled: the broker or ingest does not work"
        ),
        Reason.FEED: Text(zh="本页数据源读不到数据库", en="What feeds this page can't read the database"),
    }
)


@dataclass(kw_only=True)
class Ingest:
    """What is known of ingest's partitions: whether each is owned, and when its clock was last seen to advance."""

    owned: int = 0
    clocks: dict[int, tuple[int, float]] = field(default_factory=dict)
    since_s: float | None = None
    newest_mark: datetime | None = None

    def saw(self, partitions: list[tuple[int, bool, int]], *, at_s: float) -> None:
        """Note (partition, owned, clock_ms) of all partitions, at a time of the monotonic clock."""
        self.owned = sum(1 for _, owned, _ in partitions if owned)
        if self.since_s is None:
            self.since_s = at_s
        for partition, _, clock_ms in partitions:
            before = self.clocks.get(partition)
            if before is None or before[0] != clock_ms:
                self.clocks[partition] = (clock_ms, at_s)

    def behind_s(self, at_s: float) -> float:
        """Seconds since the clock of the slowest partition advanced, as far as we have watched it."""
        return max((at_s - advanced for _, advanced in self.clocks.values()), default=0.0)

    def reason(self, *, at_s: float, read_s: float | None) -> Reason:
        """How ingest is. `read_s`: seconds since our own reader last succeeded; None: never."""
        if read_s is None or read_s > READER_S:
            return Reason.FEED
        if self.owned < PARTITIONS:
            return Reason.UNOWNED
        if self.behind_s(at_s) > STALLED_S:
            return Reason.STALLED
        # A clock that was looked at once may stand or move.
        if self.since_s is None or any(advanced == self.since_s for _, advanced in self.clocks.values()):
            return Reason.STARTING
        return Reason.OK


def beat(ingest: Ingest, *, now: datetime, at_s: float, read_s: float | None, held_s: float) -> Mapping[Lang, bytes]:
    """The data of a `beat`, in each language."""
    reason = ingest.reason(at_s=at_s, read_s=read_s)
    ok = {Reason.OK: True, Reason.STARTING: None}.get(reason, False)
    newest = ingest.newest_mark

    def data(lang: Lang) -> dict[str, Any]:
        return {
            "now": now,
            "ok": ok,
            "reason": reason.value,
            "text": WORDS[reason].get(lang),
            "feed_s": read_s,
            "held_s": held_s,
            "partitions": ingest.owned,
            "behind_s": round(ingest.behind_s(at_s), 1),
            "mark_s": None if newest is None else max(0.0, round((now - newest).total_seconds(), 1)),
        }

    return {lang: msgspec.json.encode(data(lang)) for lang in LANGS}
