"""When an acknowledgement leaves, and which mark it carries (delivery 10)."""

from collections.abc import Sequence

from ingest.acks import COALESCE_MS, Acks
from ingest.admitted import Admitted
from ingest.latest import Latest
from ingest.memory import DeviceMemory
from ingest.message import Message
from ingest.numbers import Mark
from ingest.ports import Device, Presence
from wire.codec import decode_ack
from wire.commands import Ack
from wire.ids import DeviceId
from wire.topics import Lane, down_filter

UID = DeviceId("d0000000001")


class Clock:
    """The server's clock, as a test sets it."""

    ms = 1_795_000_000_000

    def __call__(self) -> int:
        return self.ms


class Caught:
    """A partition's way back that keeps what would be published."""

    def __init__(self) -> None:
        self.acks: list[Ack] = []

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Nothing waits for it."""

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for topic, body in messages:
            assert topic == down_filter(UID).replace("+", "ack")
            self.acks.append(decode_ack(body))


class Bulk:
    """One device of the bulk lane, and what was committed of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.steady = Clock()
        self.session = Caught()
        self.acks = Acks(lane=Lane.BULK, ways={3: self.session}, wall_ms=self.clock, steady_ms=self.steady)
        device = Device(id=1, uid=UID, org_id=1, site_id=1, partition=3, model="generic-dr", name="DR")
        self.memory: DeviceMemory[None] = DeviceMemory(
            device=device,
            mark=None,
            reached_ms=None,
            state=None,
            presence=Presence(),
            latest=Latest(),
            backlog=False,
        )

    def reach(self, seq: int) -> None:
        """The mark as a batch moves it in memory, before its commit."""
        self.memory.mark = Mark(epoch="epoch0001", seq=seq, digest=bytes([seq]) * 16)

    def commit(self, seq: int, *, urgent: bool = False) -> None:
        """A batch that ended at this number, committed."""
        self.reach(seq)
        admitted: Admitted[None] = Admitted()
        admitted.touched[UID] = self.memory
        if urgent:
            admitted.urgent[UID] = self.memory
        message = Message(
            topic="",
            body=b"",
            content_type=None,
            properties=[],
            packet_id=1,
            partition=3,
            link=1,
            received_ms=self.clock.ms,
        )
        self.acks.after(admitted, [message])

    @property
    def seqs(self) -> list[int]:
        return [ack.seq for ack in self.session.acks]


def test_at_once_then_one_a_second_and_at_once_when_urgent() -> None:
    bulk = Bulk()
    bulk.commit(1)
    assert bulk.seqs == [1]
    bulk.commit(2)
    bulk.commit(3)
    bulk.acks.flush()
    assert bulk.seqs == [1]
    bulk.commit(4, urgent=True)
    assert bulk.seqs == [1, 4]
    bulk.commit(5)
    bulk.steady.ms += COALESCE_MS
    bulk.acks.flush()
    bulk.acks.flush()
    assert bulk.seqs == [1, 4, 5]


def test_a_clock_put_back_an_hour_holds_back_no_acknowledgement() -> None:
    bulk = Bulk()
    bulk.commit(1)
    bulk.commit(2)
    bulk.clock.ms -= 3_600_000
    bulk.steady.ms += COALESCE_MS
    bulk.acks.flush()
    bulk.steady.ms += COALESCE_MS
    bulk.commit(3)
    assert bulk.seqs == [1, 2, 3]


def test_what_was_put_off_carries_the_committed_mark_not_that_of_a_batch_on_its_way() -> None:
    """The next batch has moved the mark in memory and may yet be rolled back: the agent must not delete its report."""
    bulk = Bulk()
    bulk.commit(1)
    bulk.commit(2)
    bulk.reach(3)
    bulk.steady.ms += COALESCE_MS
    bulk.acks.flush()
    assert [(ack.seq, ack.digest) for ack in bulk.session.acks[1:]] == [(2, "02" * 16)]
