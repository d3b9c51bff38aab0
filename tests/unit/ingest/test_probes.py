"""The clock of a partition, which measures silence: it advances only while the way through the broker works."""

from typing import Any, cast

from ingest.message import Message
from ingest.service import PROBE_LEAP_MS, Ingest
from ingest.transact import Ownership
from tests.fixtures.allowed import Anything
from wire.topics import Lane, probe

PARTITION = 3


class Clocked:
    """A process that owns one partition, and no broker or database: what it needs of them isn't asked for here."""

    def __init__(self) -> None:
        none = cast("Any", None)
        self._ingest: Ingest[None] = Ingest(
            name="ours", pool=none, endpoint=none, engine=none, opened=none, stages=[], wall_ms=lambda: 0,
            allowed=Anything({}),
        )  # fmt: skip
        self._held = self._ingest.owned[PARTITION] = Ownership(partition=PARTITION, generation=1, clock_ms=0)

    def back(self, sent: object, *, link: int = 1, name: str = "ours") -> int:
        """The clock after this probe came back."""
        topic, body = probe(PARTITION, Lane.LIVE), f"{name} {sent}".encode()
        self._ingest._on_probe(
            Message(
                topic=topic, body=body, content_type=None, properties=[], packet_id=1,
                partition=PARTITION, link=link, received_ms=0,
            )
        )  # fmt: skip
        return self._held.clock_ms


def test_delivery_15_it_advances_between_two_probes_of_one_connection() -> None:
    clock = Clocked()
    assert [clock.back(sent) for sent in (1_000, 2_000, 3_500)] == [0, 1_000, 2_500]


def test_delivery_15_it_stands_while_nothing_comes_through() -> None:
    clock = Clocked()
    assert [clock.back(sent) for sent in (1_000, 2_000)] == [0, 1_000]
    assert clock.back(3_600_000, link=2) == 1_000, "connected again after an hour"
    assert clock.back(3_601_000, link=2) == 2_000


def test_it_never_leaps_nor_goes_back() -> None:
    clock = Clocked()
    assert [clock.back(sent) for sent in (1_000, 1_000_000)] == [0, PROBE_LEAP_MS]
    assert clock.back(2_000) == PROBE_LEAP_MS


def test_what_another_process_sent_is_none_of_its_probes() -> None:
    clock = Clocked()
    assert clock.back(1_000) == 0
    assert [clock.back(2_000, name="another"), clock.back("soon")] == [0, 0]
    assert clock.back(2_500) == 1_500
