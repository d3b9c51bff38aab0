"""Topics: ``steth/1/{bucket}/{device}/…``. The ``1`` is the contract's breaking version."""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from wire.errors import WireError, WireErrorCode
from wire.ids import DeviceId, bucket, is_device_id

VERSION: Final = "1"
ROOT: Final = f"steth/{VERSION}"
PROBE: Final = "probe"
_BUCKET: Final = re.compile(r"[0-9a-f]{2}\Z")


class Lane(StrEnum):
    """Each lane has its own numbers, session and transaction, so that live never waits behind bulk."""

    LIVE = "live"
    BULK = "bulk"


class Channel(StrEnum):
    """The last part of a topic that a device publishes to."""

    LIVE = "live"
    BULK = "bulk"
    WILL = "will"


class Down(StrEnum):
    """What the server sends to a device."""

    ACK = "ack"
    COMMAND = "command"
    CONFIG = "config"


class Up(NamedTuple):
    """A parsed topic of a device's message."""

    device: DeviceId
    channel: Channel


def up(device: DeviceId, lane: Lane) -> str:
    """Where a device publishes the reports of a lane."""
    return f"{ROOT}/{bucket(device)}/{device}/{lane.value}"


def will(device: DeviceId) -> str:
    """Where the broker publishes a device's last will."""
    return f"{ROOT}/{bucket(device)}/{device}/will"


def down(device: DeviceId, what: Down) -> str:
    """Where the server publishes to a device."""
    return f"{ROOT}/{bucket(device)}/{device}/down/{what.value}"


def down_filter(device: DeviceId) -> str:
    """What a device subscribes to: everything the server sends to it."""
    return f"{ROOT}/{bucket(device)}/{device}/down/+"


def up_filter(bucket_: str, channel: Channel) -> str:
    """What ingest subscribes to for one bucket and channel, in any version: a foreign one is answered with a dead
    letter instead of silence."""
    return f"steth/+/{bucket_}/+/{channel.value}"


def probe(partition: int, lane: Lane) -> str:
    """Where ingest's own clock probes of a partition travel (delivery 15)."""
    return f"{ROOT}/{PROBE}/{partition:02d}/{lane.value}"


def parse_up(topic: str) -> Up:
    """The device and channel of a topic that a device published to.

    Raises ``WireError`` with code ``version`` for another major version, ``topic`` for anything else; a bucket that
    is not the device's own is refused, else one device could be counted in two partitions.
    """
    parts = topic.split("/")
    if len(parts) < 2 or parts[0] != "steth":
        raise WireError(WireErrorCode.TOPIC, "topic", "does not begin with steth/")
    if parts[1] != VERSION:
        raise WireError(WireErrorCode.VERSION, "topic", f"this server speaks contract version {VERSION} only")
    if len(parts) != 5:
        raise WireError(WireErrorCode.TOPIC, "topic", "is not steth/1/{bucket}/{device}/{live|bulk|will}")
    _, _, bucket_, device, channel = parts
    if not is_device_id(device):
        raise WireError(WireErrorCode.TOPIC, "topic", "the device id has not the form of one")
    if not _BUCKET.match(bucket_) or bucket_ != bucket(DeviceId(device)):
        raise WireError(WireErrorCode.TOPIC, "topic", "the bucket is not this device's")
    try:
        return Up(DeviceId(device), Channel(channel))
    except ValueError:
        raise WireError(WireErrorCode.TOPIC, "topic", "the last part is none of live, bulk, will") from None
