"""What the gate makes of messages, without broker and database."""

from collections import Counter

import msgspec
import pytest

from ingest.admit import Gate
from ingest.admitted import Admitted
from ingest.fit import Fit
from ingest.latest import Latest
from ingest.memory import DeviceMemory, Memory
from ingest.message import Message
from ingest.metrics import MetricIds
from ingest.ports import Applied, Device, Presence
from ingest.read import read
from ingest.refusals import Key, Refused, note_own
from tests.fixtures.allowed import Anything, possible
from wire.codec import encode_report
from wire.ids import bucket, mint_device_id, mint_epoch, partition
from wire.items import BAD, GOOD, Fault, Heartbeat, Item, Readings
from wire.report import Numbers, Report
from wire.topics import Lane, up

NOW = 1_795_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
ALLOWED = Anything({"kv": possible(0, 150)}, strict=True)


class Door:
    """One device at the gate of the live lane; each message is a batch of its own, as if all had committed."""

    def __init__(self) -> None:
        self.uid = mint_device_id()
        device = Device(
            id=1, uid=self.uid, org_id=1, site_id=1, partition=partition(bucket(self.uid)), model="dr", name="DR"
        )
        self.memory: DeviceMemory[None] = DeviceMemory(
            device=device,
            mark=None,
            reached_ms=None,
            state=None,
            presence=Presence(),
            latest=Latest(),
            backlog=False,
        )
        self._devices: Memory[None] = _Here(self.memory)
        self._gate: Gate[None] = Gate(
            lane=Lane.LIVE, memory=self._devices, clock_ms=lambda _: 0, fit=Fit(allowed=ALLOWED, ids=MetricIds())
        )

    def take(
        self,
        report: Report | bytes,
        received_ms: int,
        numbers: Numbers | None = None,
        topic: str | None = None,
        *,
        refused: str = "",
    ) -> Admitted[None]:
        """``refused``: what the database said against this message when it was tried with others."""
        body = report if isinstance(report, bytes) else encode_report(report)
        topic, properties = topic or up(self.uid, Lane.LIVE), [] if numbers is None else numbers.properties()
        message = Message(
            topic=topic,
            body=body,
            content_type=None,
            properties=properties,
            packet_id=1,
            partition=self.memory.device.partition,
            link=1,
            received_ms=received_ms,
            content=read(topic, body, None, properties),
        )
        out: Admitted[None] = Admitted()
        self._gate.admit([message], out, poison={id(message): refused} if refused else {})
        return out

    def told(self, report: Report, received_ms: int, numbers: Numbers | None = None) -> Applied:
        (work,) = self.take(report, received_ms, numbers).works.values()
        (applied,) = work.applied
        return applied


class _Here(Memory[None]):
    def __init__(self, memory: DeviceMemory[None]) -> None:
        self._one = memory

    def get(self, uid: str) -> DeviceMemory[None] | None:
        return self._one if uid == self._one.device.uid else None


def beat(at: int) -> Report:
    return Report(at=at, items=[Heartbeat(at=at)])


def numbered(seq: int) -> Numbers:
    return Numbers(epoch=mint_epoch(), seq=seq, floor=seq, head=seq)


@pytest.mark.parametrize("offset_ms", [-5 * HOUR, 2 * HOUR, NOW])
def test_rule_16_of_a_client_without_numbers_a_fault_that_arrives_now_is_news_now(offset_ms: int) -> None:
    door = Door()
    for minute in range(4):
        door.take(beat(NOW + minute * MINUTE - offset_ms), NOW + minute * MINUTE + 40)
    at = NOW + 5 * MINUTE
    applied = door.told(Report(at=at - offset_ms, items=[Fault(at=at - offset_ms, code="E", state="event")]), at + 90)
    assert at <= applied.report.items[0].at + applied.offset_ms <= at + 90
    assert door.memory.presence.clock_offset_ms == offset_ms + 40
    assert door.memory.must_write, "kept with its state"


def test_rule_16_what_was_held_back_two_hours_keeps_its_time() -> None:
    door = Door()
    for minute in range(120):
        applied = door.told(beat(NOW - (120 - minute) * MINUTE), NOW + minute * 20)
        assert applied.offset_ms == 0
    door.take(beat(NOW + 3_000), NOW + 3_010)
    assert door.memory.presence.clock_offset_ms == 0


def test_a_client_that_asks_for_the_time_has_a_clock_of_its_own_measure() -> None:
    door = Door()
    for second in range(0, 30, 5):
        door.take(beat(NOW + second * 1000 - HOUR), NOW + second * 1000)
    assert door.memory.presence.clock_offset_ms == HOUR
    assert door.told(beat(NOW + MINUTE - HOUR), NOW + MINUTE, numbered(1)).offset_ms == HOUR, "it only counts"
    assert door.memory.presence.clock_offset_ms == HOUR
    asks = msgspec.structs.replace(numbered(2), sent_ms=NOW + MINUTE - HOUR)
    assert door.told(beat(NOW + MINUTE - HOUR + 1), NOW + MINUTE, asks).offset_ms == 0
    assert door.memory.presence.clock_offset_ms is None


def test_what_is_on_no_list_is_counted_and_kept_nowhere_as_often_as_it_comes() -> None:
    door = Door()
    readings = Readings(at=NOW, metric=["zhang", "kv", "kv", "kv", "li"], value=[1, 200, 70, 1_200_000, 2])
    body = encode_report(Report(at=NOW, items=[readings]))
    for _ in range(2):  # a transaction that failed comes again
        out = door.take(body, NOW)
        (item,) = next(iter(out.works.values())).applied[0].report.items
        assert item == Readings(at=NOW, metric=["kv", "kv"], value=[200, 70], quality=[BAD, GOOD])
        assert not out.letters
        assert {key[1:]: row.told.count for key, row in out.refused.items()} == {
            ("refused", "server", "unknown-metric"): 2,
            ("refused", "server", "out-of-range"): 1,
        }
        out.known.clear()


@pytest.mark.parametrize("numbers", [None, numbered(1)])
def test_a_report_of_which_nothing_may_be_kept_counts_as_heard(numbers: Numbers | None) -> None:
    door = Door()
    out = door.take(Report(at=NOW, items=[Readings(at=NOW, metric=["zhang"], value=[1])]), NOW, numbers)
    assert [work.applied for work in out.works.values()] == ([] if numbers else [[]])
    assert (out.fates, out.letters) == ({"apply": 1}, [])
    assert door.memory.presence.seen_ms == NOW
    assert [row.told.count for row in out.refused.values()] == [1]
    again = door.take(Report(at=NOW, items=[Readings(at=NOW, metric=["zhang"], value=[1])]), NOW, numbers)
    if numbers is not None:
        assert again.fates == {"duplicate": 1}
        assert not again.refused


def test_rows_of_one_batch_add_up() -> None:
    rows: dict[Key, Refused] = {}
    device = Door().memory.device
    note_own(rows, device, Counter({"unknown-code": 2}), now_ms=NOW)
    note_own(rows, device, Counter({"unknown-code": 1, "unknown-state": 4}), now_ms=NOW + 5)
    assert [(row.told.reason, row.told.count, row.since_ms, row.last_ms) for row in rows.values()] == [
        ("unknown-code", 3, NOW, NOW + 5),
        ("unknown-state", 4, NOW + 5, NOW + 5),
    ]


def test_a_report_of_which_nothing_is_good_is_one_letter_and_no_work() -> None:
    door = Door()
    out = door.take(b'{"at":1,"items":[{"t":"readings","at":1,"metric":["a"],"value":[null]}]}', NOW, numbered(1))
    assert not out.works
    assert (out.fates, [letter.code for letter in out.letters]) == ({"apply": 1, "dead": 1}, ["value"])
    assert door.memory.mark is not None
    assert door.memory.mark.seq == 1


def test_good_items_of_every_kind_go_through_untouched() -> None:
    items: list[Item] = [Fault(at=NOW, code="E", state="event"), Readings(at=NOW, metric=["kv"], value=[70])]
    report = Report(at=NOW, items=items)
    door = Door()
    for applied in (door.told(report, NOW), door.told(report, NOW, numbered(1))):
        assert applied.report == msgspec.json.decode(encode_report(report), type=Report)
