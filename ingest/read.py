"""Parses a message once, as it arrives: its device, its numbers, its report. Pure; nothing is decided here."""

from functools import lru_cache
from sys import intern

from msgspec import Struct

from wire.codec import decode_report, digest
from wire.errors import WireError, WireErrorCode
from wire.items import Readings
from wire.report import Numbers, Report, parse_numbers
from wire.salvage import Flaws, salvage
from wire.topics import Channel, Up, parse_up


class Read(Struct, kw_only=True, gc=False):
    """``refused``: why nothing at all can be said of it; everything else is then empty. ``report``: what is good in
    the body, None if nothing is; its number counts nevertheless (delivery 3). ``flaws``: what isn't, None if all is
    good. A will's body isn't read here."""

    uid: str = ""
    channel: Channel | None = None
    numbers: Numbers | None = None
    digest: bytes = b""
    report: Report | None = None
    flaws: Flaws | None = None
    refused: WireError | None = None


@lru_cache(maxsize=65_536)
def _parse(topic: str) -> Up:
    """``parse_up``, remembered: a device sends on the same three topics for ever."""
    return parse_up(topic)


def read(topic: str, body: bytes, content_type: str | None, properties: list[tuple[str, str]] | None) -> Read:
    """Read a message of a device. ``properties`` None: the packet held text that is no UTF-8."""
    if properties is None:
        return Read(refused=WireError(WireErrorCode.ENCODING, "packet", "holds text that is not UTF-8"))
    try:
        uid, channel = _parse(topic)
    except WireError as error:
        return Read(refused=error)
    if channel is Channel.WILL:
        return Read(uid=uid, channel=channel)
    try:
        numbers = parse_numbers(properties)
    except WireError as error:
        return Read(uid=uid, channel=channel, refused=error)
    report: Report | None
    flaws: Flaws | None = None
    try:
        report = decode_report(body, content_type)
    except WireError as error:
        report, flaws = salvage(body, content_type, error)
    if report is not None:
        _intern(report)
    return Read(uid=uid, channel=channel, numbers=numbers, digest=digest(body), report=report, flaws=flaws)


def _intern(report: Report) -> None:
    for item in report.items:
        if type(item) is Readings:
            # One object for a name wherever it stands: it is looked up three times, long after its bytes were near.
            item.metric[:] = map(intern, item.metric)
