"""What is kept of a message that can't be taken: that it came, where it is wrong and how; never what was in it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from structlog.testing import capture_logs

from ingest import stats
from ingest.letters import EACH, FOLD, Letter, write_letters
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.codec import JSON, MSGPACK, encode_report
from wire.ids import bucket
from wire.items import Fault
from wire.limits import MAX_BODY
from wire.report import Report
from wire.topics import Lane, up

WORD = "ZhangSanCanary"
NAME = "zhangsancanary"
"""As what has to be of small letters."""
AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def everything(bench: Bench) -> str:
    """Every column of every letter; bytes in hex."""
    return repr(bench.sql("SELECT to_jsonb(d)::text FROM dead_letter d")).lower()


def bodies(content_type: str) -> list[bytes]:
    """A word of a patient's wherever one can stand."""
    pack: Any = msgspec.msgpack.encode if content_type == MSGPACK else lambda each: json.dumps(each).encode()
    at = wall_ms()
    odd: list[Any] = [
        {"at": at, "items": [{"t": WORD, "at": at}]},
        {"at": at, "items": [{"t": "fault", "at": at, "code": WORD + " ", "state": WORD}]},
        {"at": at, "items": [{"t": "fault", "at": at, "code": "E", "state": "event", "params": {WORD: 1, NAME: "\n"}}]},
        {"at": at, "items": [{"t": "inventory", "at": at, "fields": {WORD: WORD, f"{NAME}`$.{NAME}": WORD}}]},
        {"at": at, "items": [{"t": "readings", "at": at, "metric": [WORD], "value": [WORD]}]},
        {"at": WORD, "items": [], "segment": WORD, WORD: WORD},
        {WORD: WORD},
        [WORD],
        WORD,
    ]
    return [*map(pack, odd), pack(odd[0])[:-4], WORD.encode(), WORD.encode() * (MAX_BODY // len(WORD) + 1)]


async def test_no_word_of_a_sender_is_in_a_letter_or_a_line(bench: Bench) -> None:
    """In the body of either encoding, the topic, the numbers, the content type, from devices of ours and others."""
    uid = bench.device()
    sent = 0
    with capture_logs() as lines:
        async with bench.ingest(), Client(bench=bench, uid=uid) as device:
            for content_type in (JSON, MSGPACK):
                for body in bodies(content_type):
                    await device.raw(up(uid, Lane.LIVE), body, None, content_type)
                    await device.raw(f"steth/1/{bucket(uid)}/{NAME}/live", body, None, content_type)
                    sent += 2
            topics = [f"steth/{NAME}/{bucket(uid)}/{uid}/live", f"steth/1/{bucket(uid)}/{WORD}/live"]
            good = encode_report(Report(at=wall_ms(), items=[Fault(at=wall_ms(), code="E", state="event")]))
            for topic in topics:
                await device.raw(topic, good)
            await device.raw(up(uid, Lane.LIVE), good, [("epoch", WORD), ("seq", WORD), ("floor", NAME)])
            await device.raw(up(uid, Lane.LIVE), good, [("epoch", device.epoch), ("seq", WORD), ("floor", "1")])
            await device.raw(up(uid, Lane.LIVE), good, None, f"text/{NAME}")
            sent += len(topics) + 3
            await until(lambda: bench.sql("SELECT 1 FROM dead_letter HAVING sum(count) = %s", sent))
    found = everything(bench)
    assert NAME not in found
    assert WORD.encode().hex() not in found
    assert NAME not in repr(lines).lower()
    assert any(line["event"] == "dead_letter" for line in lines)
    kinds = bench.sql("SELECT DISTINCT content_type FROM dead_letter ORDER BY 1")
    assert {kind for (kind,) in kinds} <= {"", JSON, MSGPACK, "other"}


async def test_what_is_given_up_to_judge_keeps_no_value(bench: Bench) -> None:
    bench.device()
    facts = msgspec.msgpack.encode({"report": {"at": 1, "items": [{"t": "fault", "code": WORD}]}, "numbers": WORD})
    bench.sql("INSERT INTO to_judge (device_id, lane, at, error, facts) SELECT id, 0, now(), '', %s FROM device", facts)
    async with bench.ingest():
        await until(lambda: bench.sql("SELECT 1 FROM dead_letter WHERE code = 'unjudged'"))
    assert bench.sql("SELECT excerpt FROM dead_letter") == [
        ('{report: {at: number, items: [{t: "fault", code: text(14)}]}, numbers: text(14)}',)
    ]
    assert NAME not in everything(bench)


def rubbish(number: int, place: str, body: bytes, *, device: int | None = 1) -> Letter:
    return Letter(
        partition=0,
        device_id=device,
        uid=None,
        lane=Lane(("live", "bulk")[number % 2]),
        numbers=None,
        code=("schema", "syntax", "value")[number % 3],
        place=place,
        detail="d" * 200,
        content_type=JSON,
        body=body,
    )


async def test_rubbish_fills_no_disk_and_is_counted_to_the_last(bench: Bench) -> None:
    """2,000 reports of 256 KiB within an hour, each wrong in another place, of a device of ours, and of another."""
    body = json.dumps({"items": [{f"{number:06}": WORD} for number in range(8_000)]}).encode()[:MAX_BODY]
    size = "SELECT pg_total_relation_size('dead_letter')"
    async with await psycopg.AsyncConnection.connect(bench.database.ingest, autocommit=True) as connection:
        for turn in range(125):  # of 16 each, as many as a batch holds
            some = [
                rubbish(number, f"$.items[{number}].{'value' * 30}", body, device=device)
                for number in range(turn * 16, turn * 16 + 16)
                for device in (1, None)
            ]
            for lane in Lane:
                of_lane = [each for each in some if each.lane is lane]
                async with connection.transaction(), connection.pipeline():
                    await write_letters(connection, of_lane, at=AT + timedelta(seconds=turn * 28))
    ((written,),) = bench.sql(size)
    assert written < 1_000_000
    counted = bench.sql("SELECT device_id, sum(count)::int FROM dead_letter GROUP BY 1 ORDER BY 1")
    assert counted == [(0, 2_000), (1, 2_000)]
    own = bench.sql("SELECT count(*) FROM dead_letter WHERE place <> '' GROUP BY device_id, lane, began")
    assert set(own) == {(EACH,)}
    assert bench.sql("SELECT count(DISTINCT began) FROM dead_letter") == [(timedelta(hours=1) // FOLD,)]


async def test_a_flood_is_told_in_a_few_lines_and_every_number_is_consumed(bench: Bench) -> None:
    """Delivery 12: whatever becomes of its letter, a number is acknowledged."""
    uid = bench.device()
    before = stats.DEAD.labels("syntax")._value.get()
    with capture_logs() as lines:
        async with bench.ingest(), Client(bench=bench, uid=uid) as device:
            for seq in range(1, 201):
                await device.send(seq, body=b"rubbish %d" % seq)
            await device.acked(200)
    rows = bench.sql("SELECT sum(count)::int, count(*) <= 2 FROM dead_letter")  # 2: ten minutes ended meanwhile
    assert rows == [(200, True)]
    assert stats.DEAD.labels("syntax")._value.get() - before == 200
    assert len([line for line in lines if line["event"] == "dead_letter"]) <= 2
