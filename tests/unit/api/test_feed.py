"""The stream's decisions on values: positions, one client's queue, the beat."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Message

from api.devices.state import LOST_COUNTS
from api.feed.beat import STALLED_S, Ingest, Reason
from api.feed.client import MAX_WAITING, Client, Event, EventStream, frame
from api.feed.facts import CHUNK, Seen, chunks, look, states
from api.feed.log import Row, latest_of
from api.feed.position import MAX_AWAY_MS, Away, Position, decode, encode
from people.roles import Kind
from wire.ids import PARTITIONS

HEAD = Position(xid=900, table=0, row=0)
NOW_MS = 1_795_320_000_000
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def at(xid: int, table: int = 1, row: int = 1) -> Position:
    return Position(xid=xid, table=table, row=row)


# positions ------------------------------------------------------------------------------------------------------------


def test_the_order_is_transaction_then_table_then_row() -> None:
    order = [at(5, 0, 0), at(5, 1, 9), at(5, 2, 1), at(6, 0, 0), at(6, 1, 1)]
    assert sorted(order[n] for n in (3, 1, 4, 0, 2)) == order


@pytest.mark.parametrize("position", [at(5, 0, 0), at(5, 1, 9), at(5, 2, 4)])
def test_the_bound_of_a_table_lets_through_what_comes_after_the_position_and_nothing_else(position: Position) -> None:
    for table in (1, 2):
        for xid in (4, 5, 6):
            for row in (0, 4, 9, 10):
                other = at(xid, table, row)
                assert ((xid, row) > position.below(table)) == (other > position), other


def test_a_position_comes_back_from_its_text() -> None:
    position = at(123, 2, 45)
    assert decode(encode(position, NOW_MS), head=HEAD, now_ms=NOW_MS + 1000) == position


@pytest.mark.parametrize(
    ("last", "away"),
    [
        ("", Away.UNKNOWN),
        ("nonsense", Away.UNKNOWN),
        (f"{NOW_MS}-1-1", Away.UNKNOWN),
        (f"{NOW_MS}-1-1-1\n", Away.UNKNOWN),
        (f"{NOW_MS}-9999999999-1-1", Away.UNKNOWN),
        (f"{NOW_MS}-9999999999999999999-1-1", Away.UNKNOWN),
        (encode(at(5), NOW_MS - MAX_AWAY_MS - 1), Away.TOO_LONG),
        (encode(at(5), NOW_MS - 86_400_000), Away.TOO_LONG),
        (encode(at(5), NOW_MS + MAX_AWAY_MS + 1), Away.TOO_LONG),
    ],
)
def test_what_is_no_position_to_go_on_from(last: str, away: Away) -> None:
    assert decode(last, head=HEAD, now_ms=NOW_MS) is away


def test_of_each_subject_the_last_row_is_told_once() -> None:
    rows = [Row(position=at(1, 1, n), subject=s) for n, s in ((1, "a"), (2, "b"), (3, "a"))]
    same_id_other_table = Row(position=at(1, 2, 1), subject="a")
    told = latest_of([*rows, same_id_other_table])
    assert [(row.position.table, row.position.row, row.subject) for row in told] == [
        (1, 2, "b"),
        (1, 3, "a"),
        (2, 1, "a"),
    ]


# one client -----------------------------------------------------------------------------------------------------------


def event(org: int | None = None, position: Position | None = None) -> Event:
    return Event(name="alert", org=org, data={"zh": b"{}", "en": b"{}"}, position=position)


def client(org: int = 0, after: Position = HEAD) -> Client:
    return Client(account=1, org=org, kind=Kind.DEALER, lang="en", token_id=1, after=after)


def test_each_sees_what_was_read_with_its_own_eyes_and_what_is_nobodys() -> None:
    own, foreign, nobodys = event(7), event(8), event(None)
    assert [client(7).sees(each) for each in (own, foreign, nobodys)] == [True, False, True]
    assert [client(0).sees(each) for each in (event(0), foreign, nobodys)] == [True, False, True]


def test_what_a_client_has_already_is_not_told_again() -> None:
    ahead = client(after=at(1000, 1, 5))
    assert not ahead.sees(event(position=at(1000, 1, 5)))
    assert not ahead.sees(event(position=at(999, 2, 9)))
    assert ahead.sees(event(position=at(1000, 1, 6)))


def is_lost(of: Client) -> bool:
    return of.lost is Away.TOO_SLOW


async def test_a_slow_client_is_bounded_and_told_to_load_again() -> None:
    slow = client()
    for n in range(MAX_WAITING):
        slow.put(event(position=at(1000, 1, n + 1)))
    assert not is_lost(slow)
    for n in range(10_000):
        slow.put(event(position=at(2000, 1, n + 1)))
    assert is_lost(slow)
    assert await slow.next() is None, "what waited is forgotten, not kept"
    slow.begin_again(at(3000))
    slow.put(event(position=at(2500)))
    slow.put(event(position=at(3001)))
    following = await slow.next()
    assert following is not None
    assert following.position == at(3001)


async def test_an_ended_client_takes_nothing_more() -> None:
    ended = client()
    ended.put(event())
    ended.end(Away.SIGNED_OUT)
    ended.put(event())
    assert (await ended.next(), ended.ended) == (None, Away.SIGNED_OUT)


def test_an_event_in_the_streams_format() -> None:
    assert frame("beat", b'{"a":1}') == b'event: beat\ndata: {"a":1}\n\n'
    assert frame("beat", b"{}", "1-2-3-4") == b"id: 1-2-3-4\nevent: beat\ndata: {}\n\n"
    beat = Event(name="beat", org=None, data={"zh": b"{}", "en": b"{}"}, head=at(950))
    assert client().frame(beat, NOW_MS).startswith(b"id: "), "a quiet stream moves on too"
    assert client(after=at(960)).frame(beat, NOW_MS).startswith(b"event: "), "but never back"


# devices --------------------------------------------------------------------------------------------------------------


def seen(**change: object) -> Seen:
    row = {
        "id": 1,
        "uid": "d1",
        "viewers": [0, 1, 7],
        "connected": True,
        "interval_s": 15.0,
        "equipment_connected": None,
        "last_seen": NOW,
        "open_alerts": 0,
        "severity": None,
        "since": None,
        "doubted_since": None,
        "open_tickets": 0,
        "lost_at": None,
    }
    return look(tuple({**row, **change}.values()), None, now=NOW, default_interval_s=15.0)


def test_hearing_a_device_again_is_no_change_of_what_is_shown() -> None:
    assert seen().shown() == seen(last_seen=NOW - timedelta(seconds=10)).shown()
    for change in (
        {"connected": False},
        {"last_seen": NOW - timedelta(seconds=46)},
        {"open_alerts": 1, "severity": "minor"},
        {"open_alerts": 1, "severity": "critical", "since": NOW},
        {"open_tickets": 1},
        {"lost_at": NOW - timedelta(hours=1)},
        {"equipment_connected": False},
        {"doubted_since": NOW - timedelta(hours=1)},
    ):
        assert seen().shown() != seen(**change).shown(), change


def test_many_devices_are_told_in_several_events() -> None:
    told = [states(some, now=NOW, lang="zh") for some in chunks([seen()] * (CHUNK * 2 + 1))]
    assert [data.count(b'"id"') for data in told] == [CHUNK, CHUNK, 1]
    assert "数据是新的".encode() in told[0]


def test_a_device_is_judged_again_only_when_it_can_have_changed() -> None:
    fresh = seen()
    still = NOW + timedelta(seconds=45)
    assert look(fresh.row, fresh, now=still, default_interval_s=15.0) is fresh
    stale = look(fresh.row, fresh, now=still + timedelta(milliseconds=1), default_interval_s=15.0)
    assert (stale.state.fresh.value, stale.until) == (False, None)
    assert look(fresh.row, stale, now=still + timedelta(days=1), default_interval_s=15.0) is stale
    heard = (*fresh.row[:5], still, *fresh.row[6:])
    assert look(heard, stale, now=still, default_interval_s=15.0).state.fresh.value is True


def test_a_lost_fact_is_forgotten_by_time_alone() -> None:
    lost = seen(lost_at=NOW - LOST_COUNTS + timedelta(seconds=10))
    assert lost.state.healthy.value is None
    later = look(lost.row, lost, now=NOW + timedelta(seconds=11), default_interval_s=15.0)
    assert later.state.healthy.value is True


# the beat -------------------------------------------------------------------------------------------------------------

ALL = range(PARTITIONS)


def test_ingest_is_believed_only_once_its_clocks_were_seen_to_move() -> None:
    ingest = Ingest()
    assert ingest.reason(at_s=0.0, read_s=None) is Reason.FEED
    ingest.saw([(n, True, 1000) for n in ALL], at_s=100.0)
    assert ingest.reason(at_s=100.1, read_s=0.1) is Reason.STARTING
    ingest.saw([(n, True, 2500 if n else 1000) for n in ALL], at_s=102.0)
    assert ingest.reason(at_s=102.1, read_s=0.1) is Reason.STARTING, "one of them has not moved yet"
    ingest.saw([(n, True, 4000) for n in ALL], at_s=104.0)
    assert ingest.reason(at_s=104.1, read_s=0.1) is Reason.OK


def test_whatever_stops_is_not_ok() -> None:
    def working() -> Ingest:
        ingest = Ingest()
        ingest.saw([(n, True, 1000) for n in ALL], at_s=0.0)
        ingest.saw([(n, True, 2500) for n in ALL], at_s=2.0)
        return ingest

    assert working().reason(at_s=3.0, read_s=0.1) is Reason.OK
    unread = working()
    assert unread.reason(at_s=14.0, read_s=11.0) is Reason.FEED
    orphaned = working()
    orphaned.saw([(n, n != 3, 4000) for n in ALL], at_s=4.0)
    assert orphaned.reason(at_s=4.0, read_s=0.1) is Reason.UNOWNED
    stalled = working()
    stalled.saw([(n, True, 2500 if n == 5 else 9000) for n in ALL], at_s=13.0)
    assert stalled.reason(at_s=13.0, read_s=0.1) is Reason.STALLED, "one partition is enough"
    assert stalled.behind_s(13.0) == 11.0 > STALLED_S


# the way out ----------------------------------------------------------------------------------------------------------


async def never(_: Client, __: Away) -> list[bytes]:
    raise AssertionError


async def test_a_sleeping_tab_costs_a_bounded_queue_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.client.SEND_S", 0.05)
    asleep, left = client(), list[Client]()

    async def join() -> tuple[Client, list[bytes]]:
        return asleep, [b"first\n\n"]

    async def send(message: Message) -> None:
        if message.get("body") == b"first\n\n":
            await asyncio.Event().wait()  # the tab takes nothing any more

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    stream = EventStream(join=join, reload=never, leave=left.append, now_ms=lambda: NOW_MS)
    sending = asyncio.create_task(stream({"type": "http"}, receive, send))
    for n in range(10_000):
        asleep.put(event(position=at(1000, 1, n + 1)))
    assert len(asleep._waiting) <= MAX_WAITING
    async with asyncio.timeout(5):
        await sending
    assert left == [asleep]


async def test_a_tab_that_wakes_in_time_is_told_to_load_again_and_goes_on() -> None:
    slow, sent = client(), list[bytes]()
    awake = asyncio.Event()

    async def join() -> tuple[Client, list[bytes]]:
        return slow, [b"first\n\n"]

    async def send(message: Message) -> None:
        if message.get("body") == b"first\n\n":
            await awake.wait()
        sent.append(message.get("body", b""))

    async def receive() -> Message:
        while len(sent) < 5:  # noqa: ASYNC110 - the list is what the server sent
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def reload(of: Client, why: Away) -> list[bytes]:
        of.begin_again(at(5000))
        of.put(event(position=at(5001)))
        return [f"reset {why}\n\n".encode()]

    stream = EventStream(join=join, reload=reload, leave=lambda _: None, now_ms=lambda: NOW_MS)
    sending = asyncio.create_task(stream({"type": "http"}, receive, send))
    for n in range(MAX_WAITING + 1):
        slow.put(event(position=at(1000, 1, n + 1)))
    awake.set()
    async with asyncio.timeout(5):
        await sending
    assert sent[2:] == [b"first\n\n", b"reset too-slow\n\n", frame("alert", b"{}", encode(at(5001), NOW_MS))]
