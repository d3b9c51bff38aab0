"""What a batch of messages amounts to, before it is written."""

from collections.abc import Iterable
from typing import Generic

from msgspec import Struct

from ingest.letters import Letter
from ingest.memory import DeviceMemory
from ingest.ports import S, Work
from ingest.refusals import Key, Refused


class Gap(Struct, frozen=True, kw_only=True):
    """Numbers ``first``..``last`` of an epoch that can never come any more (delivery 4)."""

    device_id: int
    epoch: str
    first: int
    last: int


class Admitted(Generic[S]):
    """What a batch of messages amounts to; filled by ``ingest.admit.Gate``.

    ``known``: (device id, digest) of reports without numbers that were taken in the last 24 h; the batch's own join
    them.
    """

    def __init__(self, *, known: Iterable[tuple[int, bytes]] = ()) -> None:
        self.known = set(known)
        self.works: dict[str, Work] = {}
        self.noted: dict[str, Work] = {}
        """Those of ``works`` that hold more than readings and heartbeats."""
        self.again: dict[str, Work] = {}
        """Those of ``works`` with reports that may have been stored under an old number."""
        self.touched: dict[str, DeviceMemory[S]] = {}
        """Devices whose memory was changed: forgotten if the transaction fails."""
        self.moved: dict[str, DeviceMemory[S]] = {}
        """Devices whose mark moved or was newly heard."""
        self.urgent: dict[str, DeviceMemory[S]] = {}
        """Devices to be acknowledged at once."""
        self.hello: dict[str, DeviceMemory[S]] = {}
        """Devices whose birth is to be answered with both marks."""
        self.reached: dict[str, int] = {}
        """Corrected time of the newest report applied, by device."""
        self.begun_again: dict[str, DeviceMemory[S]] = {}
        """Devices whose numbers may have begun again under the same epoch."""
        self.gaps: list[Gap] = []
        self.letters: list[Letter] = []
        self.begun: list[Letter] = []
        """Those of ``letters``, as they were written, that are the first of their kind for some minutes."""
        self.unnumbered: list[tuple[int, bytes]] = []
        """(device id, digest) of a maker's own reports, to be remembered for 24 h."""
        self.refused: dict[Key, Refused] = {}
        """What was refused of devices, by themselves or by our gate."""
        self.fates: dict[str, int] = {}

    def count(self, fate: str) -> None:
        """One more report of this fate."""
        self.fates[fate] = self.fates.get(fate, 0) + 1
