"""Identities: devices, epochs of an outbox, boxes, buckets and partitions."""

import hashlib
import re
import secrets
from typing import Final, NewType

DeviceId = NewType("DeviceId", str)
Epoch = NewType("Epoch", str)
BoxId = NewType("BoxId", str)
CommandId = NewType("CommandId", str)

PARTITIONS: Final = 16
"""For ever (delivery 9): a bucket's partition must not move while reports are under way."""

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread aloud
DEVICE_FORM: Final = "[a-z0-9][a-z0-9-]{3,39}"
EPOCH_FORM: Final = "[a-z0-9]{8,32}"
BOX_FORM: Final = f"b[{_ALPHABET}]{{16}}"
_DEVICE: Final = re.compile(DEVICE_FORM + r"\Z")
_EPOCH: Final = re.compile(EPOCH_FORM + r"\Z")
_BOX: Final = re.compile(BOX_FORM + r"\Z")
_COMMAND: Final = re.compile(r"[a-z0-9-]{8,40}\Z")
_MINTED_COMMAND: Final = re.compile(rf"c[{_ALPHABET}]{{16}}\Z")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def mint_device_id() -> DeviceId:
    """A new device id: ``d`` and 12 characters of 5 random bits. Only the server mints them."""
    return DeviceId("d" + _random(12))


def mint_epoch() -> Epoch:
    """A new name for one life of an outbox (80 random bits): two lives never share it."""
    return Epoch(_random(16))


def mint_box_id() -> BoxId:
    """A new name for the box that an agent runs on: ``b`` and 80 random bits. Each agent mints its own, once."""
    return BoxId("b" + _random(16))


def mint_command_id() -> CommandId:
    """A new command id (80 random bits)."""
    return CommandId("c" + _random(16))


def is_device_id(text: str) -> bool:
    """True if ``text`` may stand in a topic as a device."""
    return _DEVICE.match(text) is not None


def is_epoch(text: str) -> bool:
    """True if ``text`` has the form of an epoch."""
    return _EPOCH.match(text) is not None


def is_box_id(text: str) -> bool:
    """True if ``text`` has the form of a box's id."""
    return _BOX.match(text) is not None


def is_command_id(text: str) -> bool:
    """True if ``text`` has the form of a command id."""
    return _COMMAND.match(text) is not None


def is_minted_command_id(text: str) -> bool:
    """True if ``mint_command_id`` may have made it."""
    return _MINTED_COMMAND.match(text) is not None


def bucket(device: DeviceId) -> str:
    """Two hex digits of a hash of the device id (BLAKE2b): the part of a topic that spreads devices."""
    return hashlib.blake2b(device.encode(), digest_size=1).hexdigest()


def partition(bucket_: str) -> int:
    """The partition 0..15 of a bucket: its value modulo 16."""
    return int(bucket_, 16) % PARTITIONS


def partition_of(device: DeviceId) -> int:
    """The partition that a device's reports come through."""
    return partition(bucket(device))


def buckets_of(partition_: int) -> list[str]:
    """The 16 buckets whose reports a partition owns, in order."""
    return [f"{value:02x}" for value in range(256) if value % PARTITIONS == partition_]
