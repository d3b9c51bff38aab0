"""The data of the live stream's events, as JSON in the `data` of each."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.feed.beat import Reason
from api.feed.position import Away
from api.http.shapes import Shape, example

_NOW = Annotated[datetime, Field(description="The server's time.")]


class StreamHello(Shape):
    """`hello`: the stream begins."""

    model_config = example(now="2026-11-22T04:00:00Z", version="1", beat_s=4.0, resumed=False)

    now: _NOW
    version: Annotated[str, Field(description="Of the API: another one than before means: load the page again.")]
    beat_s: Annotated[float, Field(description="Seconds between beats: without two of them the feed is dead.")]
    resumed: Annotated[
        bool, Field(description="true: what was missed follows; false: load the lists, now that the stream is open.")
    ]


class StreamFact(Shape):
    """One of the three facts. `value` null: unknown."""

    value: bool | None
    reason: str
    text: str
    since: datetime | None


class StreamDevice(Shape):
    """How a device is."""

    id: str
    connected: StreamFact
    fresh: StreamFact
    healthy: StreamFact
    last_seen: datetime | None
    open_alerts: int
    open_tickets: int


class StreamDevices(Shape):
    """`devices`: devices of which something changed; after `hello` and `reset`: all that are active, unless
    only changes were asked for."""

    model_config = example(
        now="2026-11-22T04:00:00Z",
        items=[
            {
                "id": "d3k9m2q7x1z5a",
                "connected": {"value": True, "reason": "session", "text": "与平台保持连接", "since": None},
                "fresh": {"value": True, "reason": "recent", "text": "数据是新的", "since": "2026-11-22T03:59:55Z"},
                "healthy": {"value": True, "reason": "no-alerts", "text": "没有报警", "since": None},
                "last_seen": "2026-11-22T03:59:55Z",
                "open_alerts": 0,
                "open_tickets": 0,
            }
        ],
    )

    now: _NOW
    items: list[StreamDevice]


class StreamSeen(Shape):
    """`seen`: devices that reported again, and nothing else of them changed."""

    model_config = example(now="2026-11-22T04:00:00Z", seen={"d3k9m2q7x1z5a": 1795319995800})

    now: _NOW
    seen: Annotated[dict[str, int], Field(description="`last_seen` by device, ms since 1970 UTC.")]


class StreamBeat(Shape):
    """`beat`: every few seconds, so that a dead feed or a dead ingest never looks green."""

    model_config = example(
        now="2026-11-22T04:00:00Z",
        ok=True,
        reason="ok",
        text="接收正常",
        feed_s=0.8,
        held_s=0.0,
        partitions=16,
        behind_s=1.2,
        mark_s=0.4,
    )

    now: _NOW
    ok: Annotated[
        bool | None,
        Field(description="Whether reports are being taken and shown; null: not known yet. Not true: show no green."),
    ]
    reason: Reason
    text: Annotated[str, Field(description="The reason in words.")]
    feed_s: Annotated[float | None, Field(description="Seconds since the database was last read for the stream.")]
    held_s: Annotated[float, Field(description="Age of the oldest event that waits for an older transaction.")]
    partitions: Annotated[int, Field(description="Of 16, how many an ingest process owns.")]
    behind_s: Annotated[float, Field(description="Seconds since the clock of the slowest partition advanced.")]
    mark_s: Annotated[float | None, Field(description="Age of the newest committed report; null: there is none.")]


class StreamReset(Shape):
    """`reset`: something was missed. Load everything again; the stream itself goes on, except after `signed-out`."""

    model_config = example(reason="away-too-long")

    reason: Away


STREAMED: dict[str, type[Shape] | Literal["Alert", "Ticket"]] = {
    "hello": StreamHello,
    "devices": StreamDevices,
    "seen": StreamSeen,
    "alert": "Alert",
    "ticket": "Ticket",
    "beat": StreamBeat,
    "reset": StreamReset,
}
"""The shape of each event's data."""
