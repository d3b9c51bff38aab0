"""A message as it came from the broker, and how it is answered."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ingest.read import Read


class Message(Struct, kw_only=True, gc=False):
    """One message as it arrived. ``properties`` None: the packet could not be read, ``body`` is then its raw bytes.
    ``content``: what it says, once a lane took it; None stays for our own probes."""

    topic: str
    body: bytes
    content_type: str | None
    properties: list[tuple[str, str]] | None
    packet_id: int
    partition: int
    link: int
    """Which connection it came on, of all that this process ever had: an acknowledgement belongs to that one only."""
    received_ms: int
    content: Read | None = None


class Answers(Protocol):
    """A partition's way back to the broker, for one lane."""

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK, in the order given. Those of an earlier connection come again anyway."""

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish at QoS 0; lost if the connection is down, which the receiver's timers make good."""


Ways = Mapping[int, Answers]
"""By partition: those of a lane that this process is connected for."""
