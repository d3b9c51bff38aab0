"""What a block may hold beside one message, over a real connection; and that ``decode`` hears the same of it."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.adapters.hl7.file import read_file
from agent.adapters.hl7.intake import taken
from agent.adapters.hl7.message import Message
from agent.adapters.hl7.mllp import CR, FS, VT, Frame, framed
from agent.adapters.hl7.values import date_time
from agent.clock import Now
from tests.fixtures.hl7 import (
    AT,
    MODEL,
    PATIENT,
    RECEIVED,
    code_of,
    control,
    controls,
    equipment,
    inventory,
    listening,
    message,
    notification,
    peer,
    specimens,
    supply,
)
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Item, Readings

FHS, BHS, BTS, FTS = (f"{name}\r".encode() for name in ("FHS|^~\\&|x", "BHS|^~\\&|x", "BTS|2", "FTS|1"))
ONE, OTHER = notification("ADC_ERR", id_="1"), notification("BATH_TEMP", id_="2")
BATCH = FHS + BHS + ONE + OTHER + BTS + FTS
EMPTY = VT + FS + CR
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


def told(sink: MemorySink) -> list[str]:
    return [item.code for item in sink.items() if isinstance(item, Fault) and item.state == "event"]


class TestBatch:
    @pytest.mark.parametrize(
        "block",
        [
            BATCH,
            BHS + ONE + OTHER + BTS,
            BHS + ONE + BTS + BHS + OTHER + BTS,
            ONE + OTHER,
            ONE + b"\r\n\r\n " + OTHER + b"\n",
            BATCH.replace(b"\r", b"\n"),
            BATCH.replace(b"\r", b"\r\n"),
            b"\xef\xbb\xbf\r\n" + BATCH,
            BATCH.replace(b"^~\\&", b"^~\\\\&"),
        ],
    )
    async def test_each_message_is_kept_and_answered(self, block: bytes, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(block))
            assert [code_of(await analyzer.answer()) for _ in range(2)] == ["AA 1", "AA 2"]
        assert told(sink) == ["PHO-ADC-01", "BTH-TMP-01"]
        assert not sink.counts
        assert not sink.nothing

    async def test_its_envelope_may_be_blocks_of_its_own(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(FHS + BHS))
            assert await analyzer.ask(ONE) == "AA 1"
            assert await analyzer.ask(OTHER) == "AA 2"
            await analyzer.send(framed(BTS) + framed(FTS))
            assert await analyzer.ask(PATIENT) == "AA 7"  # and nothing before it
        assert told(sink) == ["PHO-ADC-01", "BTH-TMP-01"]
        assert sink.nothing == {"hl7:batch-envelope": 3, "hl7:patient-results": 1}

    async def test_each_asks_for_its_own_acknowledgements(self, sink: MemorySink) -> None:
        quiet = notification("ADC_ERR", id_="1", f15="NE", f16="NE")
        both = notification("BATH_TEMP", id_="2", f15="AL", f16="AL")
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(BHS + quiet + both + PATIENT + BTS))
            assert [code_of(await analyzer.answer()) for _ in range(3)] == ["CA 2", "AA 2", "AA 7"]
        assert told(sink) == ["PHO-ADC-01", "BTH-TMP-01"]

    async def test_a_message_that_was_sent_alone_is_a_repeat_in_a_batch(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            assert await analyzer.ask(ONE) == "AA 1"
            await analyzer.send(framed(BATCH))
            assert [code_of(await analyzer.answer()) for _ in range(2)] == ["AA 1", "AA 2"]
        assert told(sink) == ["PHO-ADC-01", "BTH-TMP-01"]

    async def test_one_that_is_none_is_counted_and_the_others_kept(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(ONE + b"MSH|^^^^|x\rPID|1\r" + OTHER))
            assert [code_of(await analyzer.answer()) for _ in range(2)] == ["AA 1", "AA 2"]
        assert sink.counts == {"hl7:bad-delimiters": 1}

    async def test_a_full_disk_is_said_of_each(self, sink: MemorySink) -> None:
        sink.failing = True
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(BATCH))
            assert [code_of(await analyzer.answer()) for _ in range(2)] == ["AE 1", "AE 2"]

    async def test_one_beyond_the_limit_is_rejected_in_what_is_seen_of_it(self, sink: MemorySink) -> None:
        large = ONE + inventory(*[supply()] * 2_000, id_="2")
        async with listening(sink, max_kb=16) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(large))
            assert [code_of(await analyzer.answer()) for _ in range(2)] == ["AR 1", "AR 2"]
        assert sink.counts == {"hl7:oversize": 2}

    async def test_what_stands_in_front_of_a_message_makes_it_none(self, sink: MemorySink) -> None:
        async with listening(sink) as adapter, peer(adapter.port) as analyzer:
            await analyzer.send(framed(b"ZHANG SAN\r" + ONE))
            assert await analyzer.ask(PATIENT) == "AA 7"
        assert sink.counts == {"hl7:not-hl7": 1}


@pytest.mark.parametrize("block", [EMPTY, framed(b"\r"), framed(b"\r\n \0"), VT + FS, b"\r\n", b"\n" + EMPTY + b"\r\n"])
async def test_blocks_of_nothing_keep_a_connection_open(block: bytes, sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as analyzer:
        for _ in range(3):
            await analyzer.send(block * 20)
            assert await analyzer.ask(PATIENT) == "AA 7"
    assert not sink.counts
    assert sink.nothing == {"hl7:patient-results": 3}


async def test_a_flood_of_them_holds_up_nobody(sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as hostile, peer(adapter.port) as honest:
        sending = asyncio.create_task(hostile.send(EMPTY * 200_000))
        assert await honest.ask(PATIENT) == "AA 7"
        await sending


@pytest.mark.parametrize("piece", [b"\r", b"\n ", b" ", b"\0", b"FHS|\r", b"MSH", b"MSH|\r", b"\rMSH|^~\\&|", b"BTS|"])
def test_a_block_of_nothing_but_such_is_taken_apart_in_little_time(piece: bytes) -> None:
    began = time.process_time()
    for front in (b"", ONE):
        data = front + piece * (262_144 // len(piece)) + b"."
        for _ in taken(Frame(data, len(data)), model=MODEL, received=RECEIVED, zone=ZoneInfo("UTC")):
            pass
    assert time.process_time() - began < 4.0


def at(text: str) -> bytes:
    return notification("LAMP_LOW", at=text, f7=text)


LATIN = controls(control("85.5", test="CREA", unit="XX"), f18="").replace(b"XX", "µmol/L".encode("latin-1"))
INPUTS = {
    "twice": framed(ONE) * 2,
    "a repeat that comes late": b"".join(
        framed(equipment(state, id_=id_)) for state, id_ in (("OP", "1"), ("ID", "2"), ("OP", "1"), ("OP", "3"))
    ),
    "twice, and refused": framed(notification("NOBODY")) * 2,
    "batch": framed(BATCH),
    "several": framed(ONE + OTHER),
    "own blocks": framed(FHS + BHS) + framed(ONE) + framed(OTHER) + framed(BTS + FTS),
    "bare batch": BATCH,
    "doubled": framed(ONE.replace(b"\\", b"\\\\")),
    "empty blocks": EMPTY * 8 + framed(ONE),
    "micros": framed(at("20261121180000.123456+0800")),
    "zulu": framed(at("20261121100000Z")),
    "latin-1": framed(LATIN),
    "8859/15": framed(LATIN.replace(b"|2||", b"|2||8859/15")),
    "specimens": framed(specimens()),
    "patient": framed(PATIENT),
    "query": framed(message("QRD|1", type_="QRY^Q02")),
    "other": framed(message("TCC|1", type_="TCU^U10")),
    "nothing": framed(message(type_="EAN^U09")),
    "unknown": framed(notification("ZZZ-01") + inventory(supply("XYZ"))),
    "bad": framed(ONE + b"MSH|^^^^|x\r"),
    "states": framed(equipment("PD", "S")) + framed(equipment("PD", "S", id_="8", at="20261121180001")),
    "cut": framed(ONE) + b"noise" + framed(OTHER) + VT + OTHER[:40],
}


async def heard(content: bytes, at: int = RECEIVED) -> tuple[list[Item], Counter[str]]:
    """What the agent keeps and counts of the bytes of a connection."""
    sink = MemorySink()
    async with listening(sink, now=lambda: Now(wall=at, elapsed=0)) as adapter, peer(adapter.port) as analyzer:
        await analyzer.send(content if VT in content else framed(content))
        analyzer.writer.write_eof()
        await analyzer.closed()
    counts = sink.counts + sink.nothing
    return sink.items(), Counter({reason.removeprefix("hl7:"): times for reason, times in counts.items()})


def decoded(content: bytes, tmp_path: Path, at: int = RECEIVED) -> tuple[list[Item], Counter[str]]:
    """The same of ``decode``."""
    file = tmp_path / "some.hl7"
    file.write_bytes(content)
    os.utime(file, ns=(at * 1_000_000, at * 1_000_000))
    items: list[Item] = []
    counts: Counter[str] = Counter()
    for found, reasons in read_file(file, model=MODEL, zone=SHANGHAI):
        items += found
        counts += reasons
    return items, counts


async def test_who_hears_no_answers_and_hangs_up_is_heard_to_the_end(sink: MemorySink) -> None:
    async with listening(sink) as adapter:
        _, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
        writer.write(b"".join(framed(notification("ADC_ERR", id_=str(at))) for at in range(20)))
        writer.close()
        async with asyncio.timeout(20):
            while len(told(sink)) < 20:  # noqa: ASYNC110  # nothing would set an event
                await asyncio.sleep(0.005)


class TestOnePath:
    @pytest.mark.parametrize("name", INPUTS)
    async def test_decode_hears_what_the_agent_does(self, name: str, tmp_path: Path) -> None:
        items, counts = await heard(INPUTS[name])
        assert items or counts
        assert decoded(INPUTS[name], tmp_path) == (items, counts)

    async def test_so_it_does_of_every_sample(self, shared_data: Path, tmp_path: Path) -> None:
        for file in sorted((shared_data / "hl7").glob("*.hl7")):
            content = file.read_bytes()
            sent = date_time(Message(content).header.text(7), SHANGHAI).at + 1_000
            items, counts = await heard(content, sent)
            assert items or counts
            assert decoded(content, tmp_path, sent) == (items, counts)

    @pytest.mark.parametrize("name", ["micros", "zulu"])
    async def test_times_of_real_senders(self, name: str) -> None:
        items, counts = await heard(INPUTS[name])
        faults = [item for item in items if isinstance(item, Fault) and item.state == "event"]
        assert [fault.at for fault in faults] == [AT + (123 if name == "micros" else 0)]
        assert not counts

    @pytest.mark.parametrize("name", ["latin-1", "8859/15"])
    async def test_a_micro_sign_of_latin_1(self, name: str) -> None:
        items, counts = await heard(INPUTS[name])
        (readings,) = (item for item in items if isinstance(item, Readings))
        assert dict(zip(readings.metric, readings.value, strict=True))["qc.crea.l2.value"] == 85.5
        assert not counts

    async def test_of_a_known_message_without_a_fact_that_it_tells_nothing(self) -> None:
        assert await heard(INPUTS["nothing"]) == ([], Counter({"no-facts": 1}))


async def test_a_refused_code_shows_its_form(sink: MemorySink) -> None:
    async with listening(sink) as adapter, peer(adapter.port) as analyzer:
        assert await analyzer.ask(notification("ZHANG-01")) == "AA 7"
    assert sink.forms == {"hl7:unknown-code": "AAAAA-99"}
