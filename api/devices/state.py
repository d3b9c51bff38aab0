"""Connected, fresh and healthy: three facts about a device that are never mixed. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from alerts.clock import BEATS
from catalog.model import Text

LOST_COUNTS: Final = timedelta(hours=24)
"""For how long a lost fact leaves open whether a device is well: whoever comes in the morning sees the night's."""
_UNHEALTHY: Final = frozenset({"critical", "major"})


class Reason(StrEnum):
    """Why a fact is as it is. Stable: clients branch on it."""

    SESSION = "session"
    SESSION_ENDED = "session-ended"
    NO_SESSION = "no-session"
    RECENT = "recent"
    LATE = "late"
    NEVER_SEEN = "never-seen"
    NO_ALERTS = "no-alerts"
    ONLY_MINOR = "only-minor-alerts"
    ALERTS = "alerts"
    STALE = "stale"
    REFUSED = "facts-refused"
    OUT_OF_REACH = "equipment-out-of-reach"
    DOUBTED = "alerts-in-doubt"


WORDS: Final = MappingProxyType(
    {
        Reason.SESSION: Text(zh="与平台保持连接", en="Connected to the platform"),
        Reason.SESSION_ENDED: Text(zh="与平台的连接已断开", en="Its connection to the platform has ended"),
        Reason.NO_SESSION: Text(
            zh="直接上报，不建立会话，无法判断是否在线", en="It reports without a session: only its reports tell of it"
        ),
        Reason.RECENT: Text(zh="数据是新的", en="It reported recently"),
        Reason.LATE: Text(
            zh="已错过多次心跳，显示的是旧数据", en="Several heartbeats are missing: what is shown is old"
        ),
        Reason.NEVER_SEEN: Text(zh="从未上报过", en="It has never reported"),
        Reason.NO_ALERTS: Text(zh="所报内容中没有报警", en="No alerts in what it reports"),
        Reason.ONLY_MINOR: Text(zh="所报内容中只有一般报警", en="Only minor alerts in what it reports"),
        Reason.ALERTS: Text(zh="有未消除的重要报警", en="Serious alerts are open"),
        Reason.REFUSED: Text(
            zh="24 小时内设备报来的内容有些未能识别，是否正常不能确定",
            en="Some of what it said within 24 h was refused, so its health is unknown",
        ),
        Reason.OUT_OF_REACH: Text(
            zh="代理程序连不上设备，是否正常不能确定",
            en="Its agent doesn't reach the equipment, so its health is unknown",
        ),
        Reason.DOUBTED: Text(
            zh="有报警使判断不可靠，是否正常不能确定",
            en="An open alert makes what is known unsure, so its health is unknown",
        ),
        Reason.STALE: Text(zh="数据已旧，不知是否正常", en="What is known is old, so its health is unknown"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the database knows of a device. `interval_s`: seconds between heartbeats, 0: not told yet. `lost_at`: when
    something that it said was last refused, so that a fact was lost (`catalog.refusals`). `equipment_connected`:
    whether its agent reaches it; None: it can't tell. `worst_severity`: of the open alerts that say how the equipment
    is, its faults and limits. `doubted_since`: when the first open alert began that makes what is known unsure, such as
    silence, a wrong clock, a cloned identity."""

    connected: bool
    last_seen: datetime | None
    interval_s: float
    worst_severity: str | None
    worst_since: datetime | None
    lost_at: datetime | None = None
    equipment_connected: bool | None = None
    doubted_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A fact: None is unknown. `since`: the moment that the reason names."""

    value: bool | None
    reason: Reason
    since: datetime | None


@dataclass(frozen=True, kw_only=True)
class State:
    """The three facts."""

    connected: Judged
    fresh: Judged
    healthy: Judged


How = Literal["ill", "unknown", "well"]


def how(state: State) -> How:
    """A device in a word: what is known to be wrong counts, and nothing unknown is well.

    The database's function `how_device_is` says the same of the same (migration 0015).
    """
    if state.healthy.value is False:
        return "ill"
    return "well" if state.connected.value and state.fresh.value and state.healthy.value else "unknown"


def patience(known: Known, default_interval_s: float) -> timedelta:
    """For how long what was heard of a device counts as recent."""
    return timedelta(seconds=BEATS * (known.interval_s or default_interval_s))


def judge(known: Known, *, now: datetime, default_interval_s: float) -> State:
    """How a device is, from what is known of it.

    An open serious alert of the equipment counts however old the data are; that there is none counts only while they
    are fresh, while nothing was lost that could have been one, and while nothing makes it doubtful. Of what was never
    heard nothing is known.
    """
    seen = known.last_seen
    if seen is None:
        never = Judged(value=None, reason=Reason.NEVER_SEEN, since=None)
        return State(connected=never, fresh=never, healthy=_health(known, never))
    if known.connected:
        connected = Judged(value=True, reason=Reason.SESSION, since=seen)
    elif known.interval_s:
        connected = Judged(value=False, reason=Reason.SESSION_ENDED, since=seen)
    else:  # no birth ever: a maker's own client
        connected = Judged(value=None, reason=Reason.NO_SESSION, since=seen)
    if abs(now - seen) > patience(known, default_interval_s):  # seen later than now: before the clock was put back
        fresh = Judged(value=False, reason=Reason.LATE, since=seen)
        return State(
            connected=connected,
            fresh=fresh,
            healthy=_health(known, Judged(value=None, reason=Reason.STALE, since=seen)),
        )
    fresh = Judged(value=True, reason=Reason.RECENT, since=seen)
    quiet = Reason.NO_ALERTS if known.worst_severity is None else Reason.ONLY_MINOR
    healthy = Judged(value=True, reason=quiet, since=known.worst_since or seen)
    if known.lost_at is not None and now - known.lost_at <= LOST_COUNTS:
        healthy = Judged(value=None, reason=Reason.REFUSED, since=known.lost_at)
    if known.doubted_since is not None:
        healthy = Judged(value=None, reason=Reason.DOUBTED, since=known.doubted_since)
    if known.equipment_connected is False:
        healthy = Judged(value=None, reason=Reason.OUT_OF_REACH, since=seen)
    return State(connected=connected, fresh=fresh, healthy=_health(known, healthy))


def _health(known: Known, otherwise: Judged) -> Judged:
    if known.worst_severity in _UNHEALTHY:
        return Judged(value=False, reason=Reason.ALERTS, since=known.worst_since)
    return otherwise
