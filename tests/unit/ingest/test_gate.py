"""The gate's states, walked: what each message does to a device's mark and session, and what is owed for it."""

from typing import Final

import pytest
from msgspec.structs import replace

from ingest.admit import ACK_REPORTS
from ingest.admitted import Admitted
from ingest.ports import Presence
from tests.unit.ingest.test_admit import HOUR, NOW, Door, beat, numbered
from wire.codec import encode
from wire.commands import Will
from wire.errors import WireErrorCode
from wire.ids import Epoch, mint_device_id, mint_epoch
from wire.items import Birth, Fault, Heartbeat, Inventory, Item, Readings, Reply
from wire.report import HELLO, Numbers, Report
from wire.topics import Lane, up, will

A, B, C = (Epoch(mint_epoch()) for _ in range(3))


def of(epoch: Epoch, seq: int, floor: int = 1) -> Numbers:
    """Of an agent that asks for the time, and whose clock is right."""
    return Numbers(epoch=epoch, seq=seq, floor=floor, head=seq, offset_ms=0, sent_ms=NOW)


def mark(door: Door) -> tuple[str, int, str]:
    found = door.memory.mark
    return ("", 0, "") if found is None else (found.epoch, found.seq, found.previous_epoch)


def lost(out: Admitted[None]) -> list[tuple[str, int, int]]:
    return [(gap.epoch, gap.first, gap.last) for gap in out.gaps]


# epoch, number, floor, which body: its fate, the mark thereafter, whether it is acknowledged at once, sent back, lost
WALK: Final = [
    ((A, 1, 1, "a"), "apply", (A, 1, ""), False, False, []),
    ((A, 1, 1, "a"), "duplicate", (A, 1, ""), False, False, []),
    ((A, 1, 1, "b"), "mismatch", (A, 1, ""), True, False, []),
    ((A, 3, 1, "a"), "beyond", (A, 1, ""), True, True, []),
    ((A, 3, 3, "a"), "apply", (A, 3, ""), False, False, [(A, 2, 2)]),
    ((A, 2, 1, "b"), "duplicate", (A, 3, ""), False, False, []),
    ((A, 9, 6, "a"), "beyond", (A, 5, ""), True, True, [(A, 4, 5)]),
    ((A, 5, 5, "b"), "duplicate", (A, 5, ""), False, False, []),  # never seen, so no other
    ((A, 6, 6, "a"), "apply", (A, 6, ""), False, False, []),
    ((B, 2, 1, "a"), "beyond", (B, 0, A), True, True, []),
    ((B, 1, 1, "a"), "apply", (B, 1, A), False, False, []),
    ((A, 7, 1, "a"), "stale", (B, 1, A), True, False, []),
    ((C, 4, 4, "a"), "apply", (C, 4, B), False, False, [(C, 1, 3)]),
    ((B, 2, 1, "a"), "stale", (C, 4, B), True, False, []),
    ((A, 7, 7, "a"), "apply", (A, 7, C), False, False, [(A, 1, 6)]),  # left long ago: nobody remembers
]


def test_numbers_walk_their_states() -> None:
    door = Door()
    for nth, ((epoch, seq, floor, which), fate, after, urgent, back, gaps) in enumerate(WALK):
        door.memory.refused_back = False
        items: list[Item] = [Readings(at=NOW, metric=["kv"], value=[70 + (which == "b")])]
        out = door.take(Report(at=NOW, items=items), NOW + nth, of(epoch, seq, floor))
        assert (out.fates, mark(door)) == ({fate: 1}, after), nth
        assert (door.uid in out.urgent, door.memory.refused_back, lost(out)) == (urgent, back, gaps), nth
        assert (door.uid in out.works) == (fate == "apply"), nth
        assert door.uid in out.touched, nth
        moved = mark(door) != (WALK[nth - 1][2] if nth else ("", 0, ""))
        assert (door.uid in out.moved) == moved, nth
        assert door.memory.presence.seen_ms == (NOW + nth if moved else door.memory.presence.seen_ms), nth


def test_half_the_window_is_acknowledged_at_once() -> None:
    door = Door()
    urgent = [door.uid in door.take(beat(NOW), NOW, of(A, seq)).urgent for seq in range(1, ACK_REPORTS + 2)]
    assert urgent == [seq >= ACK_REPORTS for seq in range(1, ACK_REPORTS + 2)]


@pytest.mark.parametrize(
    ("item", "urgent", "noted"),
    [
        (Readings(at=NOW, metric=["kv"], value=[70]), False, False),
        (Heartbeat(at=NOW), False, False),
        (Inventory(at=NOW, fields={"serial": "1"}), False, True),
        (Fault(at=NOW, code="E", state="event"), True, True),
        (Reply(at=NOW, command="command-1", status="done"), True, True),
    ],
    ids=lambda each: type(each).__name__,
)
def test_for_what_people_wait_is_acknowledged_at_once(item: Item, urgent: bool, noted: bool) -> None:
    door = Door()
    out = door.take(Report(at=NOW, items=[item]), NOW, of(A, 1))
    assert (door.uid in out.urgent, door.uid in out.noted) == (urgent, noted)


def test_what_is_lost_is_told_to_the_judges_once_with_the_next_that_can_be_read() -> None:
    door = Door()
    door.take(beat(NOW), NOW, of(A, 4, 4))
    assert door.memory.gap == 0
    assert door.take(beat(NOW), NOW, of(A, 9, 6)).works == {}
    unreadable = door.take(b"{", NOW, of(A, 7, 7))
    assert (lost(unreadable), door.memory.gap, len(unreadable.letters)) == ([(A, 6, 6)], 2, 1)
    assert [door.told(beat(NOW), NOW, of(A, seq)).gap for seq in (8, 9)] == [2, 0]


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize(("later_ms", "again"), [(-1, False), (0, False), (1, True), (HOUR, True)])
def test_numbers_begun_again_are_known_by_when_the_report_was_made(later_ms: int, again: bool, loaded: bool) -> None:
    door = Door()
    for seq in (1, 2, 3):
        door.take(beat(NOW + seq), NOW, of(A, seq))
    if loaded:  # by another process, which has the corrected time of what was applied, and no more
        door.memory.made, door.memory.reached_ms = None, NOW + 3
    door.memory.must_write = False
    out = door.take(beat(NOW + 3 + later_ms), NOW + HOUR, of(A, 1))
    assert (out.fates, mark(door)) == ({"duplicate": 1}, (A, 3, ""))
    assert (door.uid in out.begun_again, door.uid in out.urgent, door.memory.must_write) == (again, again, again)
    assert [one.numbers and one.numbers.again for work in out.again.values() for one in work.applied] == [True] * again
    assert (door.memory.presence.seen_ms == NOW + HOUR) == again


def test_a_report_again_of_an_epoch_is_marked_for_the_search() -> None:
    door = Door()
    assert door.uid in door.take(beat(NOW), NOW, replace(of(A, 1), again=True)).again
    assert door.uid not in door.take(beat(NOW), NOW, of(A, 2)).again


def birth(epoch: Epoch, boot: int) -> tuple[Report, Numbers]:
    item = Birth(at=NOW, boot=boot, agent="steth-agent/1", model="dr", interval_s=20)
    return Report(at=NOW, items=[item]), of(epoch, HELLO)


@pytest.mark.parametrize(
    ("before", "told", "conflict"),
    [
        (None, True, False),
        ((B, 1, True), False, False),  # the answer was lost
        ((B, 1, False), False, False),  # back after its will, the same life
        ((B, 2, True), True, False),
        ((A, 1, True), True, False),
    ],
)
@pytest.mark.parametrize("left", [False, True])
def test_a_birth_is_answered_every_time_and_told_once(
    before: tuple[Epoch, int, bool] | None, told: bool, conflict: bool, left: bool
) -> None:
    door = Door()
    presence = door.memory.presence
    if before is not None:
        presence.epoch, presence.boot, presence.connected = before
    if left:
        door.take(beat(NOW), NOW, of(B, 1))
        door.take(beat(NOW), NOW, of(A, 1))  # now B is the epoch that was left
        conflict = True
        if before is not None:
            presence.epoch, presence.boot, presence.connected = before
    was, kept = mark(door), replace(presence)
    door.memory.must_write = False
    out = door.take(birth(B, 1)[0], NOW + 5, birth(B, 1)[1])
    assert list(out.hello) == [door.uid]
    assert (out.fates, mark(door)) == ({"birth": 1}, was)
    assert [one.report.items[0] for work in out.works.values() for one in work.applied] == birth(B, 1)[0].items * told
    assert [one.numbers for work in out.works.values() for one in work.applied] == [None] * told
    assert (presence.conflict_ms == NOW + 5) == conflict
    assert (presence.epoch, presence.boot, presence.connected) == (B, 1, True)
    assert presence.seen_ms == NOW + 5
    assert presence.interval_s == (20 if told else kept.interval_s)
    assert presence.agent == ("steth-agent/1" if told else kept.agent)
    assert door.memory.must_write == (conflict or before != (B, 1, True))
    assert (door.memory.echo_ms, door.memory.echoed_at_ms) == (NOW, NOW + 5)


@pytest.mark.parametrize(
    "report",
    [
        b"{",
        beat(NOW),
        Report(at=NOW, items=[*birth(A, 1)[0].items, *birth(A, 1)[0].items]),
        Report(at=NOW, items=[*birth(A, 1)[0].items, Heartbeat(at=NOW)]),
    ],
)
def test_what_is_no_birth_has_no_number_0(report: Report | bytes) -> None:
    door = Door()
    out = door.take(report, NOW, of(A, HELLO))
    assert (out.hello, out.works, out.fates) == ({}, {}, {"dead": 1})
    assert [letter.device_id for letter in out.letters] == [1]
    assert door.memory.presence == Presence()


@pytest.mark.parametrize(
    ("epoch", "boot", "connected", "after"),
    [(A, 7, True, False), (A, 7, False, False), (A, 6, True, True), (B, 7, True, True)],
    ids=["its end", "again", "an earlier boot", "another epoch"],
)
def test_only_the_will_of_the_present_session_ends_it(epoch: Epoch, boot: int, connected: bool, after: bool) -> None:
    door = Door()
    presence = door.memory.presence
    presence.epoch, presence.boot, presence.connected = A, 7, connected
    out = door.take(encode(Will(epoch=epoch, boot=boot)), NOW, topic=will(door.uid))
    assert (out.fates, presence.connected) == ({"will": 1}, after)
    changed = connected and not after
    assert (door.memory.must_write, list(out.touched)) == (changed, [door.uid] * changed)
    assert presence.seen_ms == 0, "the broker said it, not the device"


def test_a_will_that_is_none_is_a_letter() -> None:
    door = Door()
    out = door.take(b"gone", NOW, topic=will(door.uid))
    assert [letter.uid for letter in out.letters] == [door.uid]
    assert out.touched == {}


@pytest.mark.parametrize("numbers", [None, of(A, 1)])
def test_whoever_speaks_is_connected_if_it_was_ever_born(numbers: Numbers | None) -> None:
    for epoch, after in ((A, True), ("", False)):
        door = Door()
        door.memory.presence.epoch = epoch
        door.take(beat(NOW), NOW, numbers)
        assert door.memory.presence.connected is after


def test_a_duplicate_moves_nothing_not_even_when_it_was_heard() -> None:
    door = Door()
    door.take(beat(NOW), NOW, of(A, 1))
    door.take(beat(NOW), NOW + HOUR, of(A, 1))
    assert door.memory.presence.seen_ms == NOW, "a broker may send it for weeks"


def test_who_is_none_of_ours_or_retired_gets_a_letter_and_nothing_else() -> None:
    stranger = Door()
    out = stranger.take(beat(NOW), NOW, of(A, 1), topic=up(mint_device_id(), Lane.LIVE))
    retired = Door()
    retired.memory.device = replace(retired.memory.device, retired=True)
    for door, found, device in ((stranger, out, None), (retired, retired.take(beat(NOW), NOW, of(A, 1)), 1)):
        assert [(letter.code, letter.device_id) for letter in found.letters] == [(WireErrorCode.TOPIC, device)]
        assert (found.touched, found.works, mark(door), found.fates) == ({}, {}, ("", 0, ""), {"dead": 1})


def test_what_nothing_can_be_said_of_is_a_letter() -> None:
    door = Door()
    numbers = [replace(of(A, 1), floor=2), replace(of(A, 1), head=0)]
    for out in (door.take(beat(NOW), NOW, each) for each in numbers):
        assert [(letter.code, letter.numbers) for letter in out.letters] == [(WireErrorCode.NUMBERS, None)]
        assert (out.touched, mark(door)) == ({}, ("", 0, ""))


def test_what_the_database_refused_is_a_letter_and_its_number_is_gone() -> None:
    door = Door()
    out = door.take(beat(NOW), NOW, of(A, 1), refused="numeric_value_out_of_range")
    assert [(letter.code, letter.place) for letter in out.letters] == [(WireErrorCode.VALUE, "database")]
    assert (out.fates, mark(door), out.works) == ({"apply": 1, "dead": 1}, (A, 1, ""), {})
    assert door.uid in out.urgent


@pytest.mark.parametrize("numbers", [None, numbered(1)])
def test_a_heartbeat_says_whether_the_equipment_is_reached(numbers: Numbers | None) -> None:
    door = Door()
    for nth, (connected, write) in enumerate([(None, False), (True, True), (True, False), (False, True)]):
        door.memory.must_write = False
        report = Report(at=NOW + nth, items=[Heartbeat(at=NOW + nth, connected=connected)])
        door.take(report, NOW + nth, numbers and replace(numbers, seq=nth + 1, head=9, sent_ms=NOW))
        assert door.memory.presence.equipment_connected is connected
        assert door.memory.must_write is (write or numbers is None)
        assert door.memory.heartbeat["connected"] is connected
