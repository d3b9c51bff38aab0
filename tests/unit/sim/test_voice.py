import pytest

from sim.voice import FIRST_PATIENCE_S, ClosedLane, Heard, OpenLane
from wire.codec import digest
from wire.commands import Ack
from wire.ids import Epoch
from wire.limits import WINDOW_REPORTS
from wire.report import Numbers
from wire.topics import Lane

EPOCH = Epoch("epoch000000")


def ack(
    seq: int,
    body: bytes = b"",
    *,
    epoch: str = EPOCH,
    back: int | None = None,
    hello: bool = False,
    text: str | None = None,
) -> Ack:
    mark = digest(body).hex() if text is None else text
    return Ack(lane=Lane.BULK, epoch=epoch, seq=seq, digest=mark, now=1, back=back, hello=hello)


def body(number: int) -> bytes:
    return b"report %d" % number


def opened(reports: int = 0) -> ClosedLane:
    lane = ClosedLane(epoch=EPOCH)
    lane.hear(ack(0, epoch="", text="", hello=True), now=0)
    for number in range(1, reports + 1):
        assert lane.room
        assert lane.add(body(number)) == number
    return lane


def sent(lane: ClosedLane, now: float = 0) -> list[Numbers]:
    out = []
    while lane.to_send:
        out.append(lane.next(now=now, now_ms=7)[0])
    return out


def test_nothing_is_sent_before_the_birth_is_answered() -> None:
    lane = ClosedLane(epoch=EPOCH)
    unborn = lane.room
    assert lane.hear(ack(0, epoch="", text="", hello=True), now=0) is Heard.NOTHING
    assert (unborn, lane.room) == (False, True)


def test_a_mark_of_an_earlier_life_is_no_obstacle() -> None:
    lane = ClosedLane(epoch=EPOCH)
    lane.hear(ack(77, b"x", epoch="otherepoch", hello=True), now=0)
    assert lane.room


def test_reports_are_numbered_without_holes_and_say_what_is_held() -> None:
    lane = opened(3)
    assert [(n.seq, n.floor, n.head) for n in sent(lane)] == [(1, 1, 3), (2, 1, 3), (3, 1, 3)]
    assert lane.hear(ack(2, body(2)), now=1) is Heard.PROGRESS
    lane.add(body(4))
    assert [(n.seq, n.floor, n.head) for n in sent(lane)] == [(4, 3, 4)]
    assert (lane.confirmed, lane.unconfirmed) == (2, 2)


def test_the_window_bounds_what_is_unacknowledged() -> None:
    lane = opened(WINDOW_REPORTS)
    full = lane.room
    lane.hear(ack(1, body(1)), now=0)
    assert (full, lane.room) == (False, True)
    big = opened()
    big.add(bytes(256 * 1024))
    assert not big.room


def test_the_server_may_ask_to_go_back_once_per_mark() -> None:
    lane = opened(3)
    sent(lane)
    assert lane.hear(ack(1, body(1), back=2), now=1) is Heard.BACK
    assert [n.seq for n in sent(lane)] == [2, 3]
    assert lane.hear(ack(1, body(1), back=2), now=1) is Heard.NOTHING
    assert not lane.to_send
    assert lane.sent_again == 2


def test_without_progress_everything_held_is_sent_again_ever_later() -> None:
    lane = opened(2)
    sent(lane)
    assert not lane.wake(now=FIRST_PATIENCE_S - 0.1)
    assert lane.wake(now=FIRST_PATIENCE_S)
    assert [n.seq for n in sent(lane)] == [1, 2]
    assert not lane.wake(now=2 * FIRST_PATIENCE_S)
    assert lane.wake(now=3 * FIRST_PATIENCE_S)
    sent(lane)
    lane.hear(ack(2, body(2)), now=20)
    assert not lane.wake(now=1000)


def test_an_acknowledgement_overtakes_what_waits_to_be_sent_again() -> None:
    lane = opened(3)
    sent(lane)
    lane.wake(now=FIRST_PATIENCE_S)
    lane.hear(ack(2, body(2)), now=FIRST_PATIENCE_S)
    assert [n.seq for n in sent(lane)] == [3]


@pytest.mark.parametrize(
    "strange",
    [ack(2, b"not what was sent"), ack(9, b"x"), ack(5, b"x", epoch="otherepoch")],
    ids=["digest", "beyond", "epoch"],
)
def test_a_mark_that_is_not_ours_stops_the_lane(strange: Ack) -> None:
    lane = opened(3)
    sent(lane)
    lane.hear(ack(1, body(1)), now=0)
    assert lane.hear(strange, now=1) is Heard.STRANGER
    assert lane.broken
    assert not lane.room
    assert not lane.wake(now=1000)


def test_a_mark_moved_over_a_gap_has_no_digest_to_compare() -> None:
    lane = opened(3)
    sent(lane)
    assert lane.hear(ack(2, text=""), now=1) is Heard.PROGRESS
    assert lane.unconfirmed == 1


def test_an_open_lane_keeps_nothing_and_says_so() -> None:
    lane = OpenLane(epoch=EPOCH)
    assert [(n.seq, n.floor, n.head, n.sent_ms) for n in (lane.number(now_ms=5), lane.number(now_ms=6))] == [
        (1, 1, 1, 5),
        (2, 2, 2, 6),
    ]
