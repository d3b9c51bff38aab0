"""The zone that an equipment's local times are in."""

from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.errors import AgentError


def zone_of(name: str | None) -> tzinfo | None:
    """The zone of an IANA name; None, this machine's own, stays None. Raises ``AgentError`` for an unknown name."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AgentError(f"the time zone {name!r} isn't known; give an IANA name such as Asia/Shanghai") from None
