"""What real analyzers do beside the standard, each over TCP, over a serial line and out of a file: the same comes of
it, and what was acknowledged is told or counted."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from agent.adapters.astm import line, link, session
from agent.adapters.astm.file import read_file
from agent.adapters.astm.states import State
from agent.config.shapes import Astm
from tests.fixtures.astm import (
    ACK,
    ENQ,
    EOT,
    HEADER,
    MODEL,
    NAK,
    PATIENT,
    Analyzer,
    Instrument,
    by_records,
    framed,
    message,
    running,
    until,
)
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Item, Readings

LOOPBACK = "127.0.0.1:0"
RECORDS = (
    HEADER,
    "C|1|I|LAMP_LOW|I",
    "M|1|SIG|bath.temperature|37.1|C|20240311080000",
    "C|2|I|BATH_LEVEL|I",
    "L|1|N",
)
TEXTS = tuple(f"{record}\r".encode() for record in RECORDS)
ALL = ["PHO-LMP-01", "BTH-LVL-01"]
SEEN = (*ALL, 37.1)


def numbered(numbers: str, texts: tuple[bytes, ...] = TEXTS) -> list[bytes]:
    """A frame for each text, numbered one after the other as the digits say."""
    return [_frame(number.encode() + text + b"\3") for number, text in zip(cycle(numbers), texts, strict=False)]


def _frame(body: bytes) -> bytes:
    return b"\2" + body + b"%02X\r\n" % (sum(body) % 256)


def unsummed(frames: list[bytes], instead: bytes) -> list[bytes]:
    """Frames with something else for their checksum, CR and LF."""
    return [frame[:-4] + instead for frame in frames]


def bare(*, last: bool) -> list[bytes]:
    """A frame for each record, without its CR."""
    texts = [record.encode() for record in RECORDS]
    return [framed(at, text, last=last or at == len(texts)) for at, text in enumerate(texts, 1)]


class Habit(NamedTuple):
    """``sent``: frames and transfers of frames, each of which is answered ACK. ``counts``: what is counted."""

    sent: list[list[bytes]]
    config: Mapping[str, Any] = MappingProxyType({})
    counts: Mapping[str, int] = MappingProxyType({})


NO_L = {"no-terminator": 1}
HABITS = {
    "as the standard asks": Habit([by_records(message(*RECORDS[1:-1]))]),
    "always 1": Habit([numbered("1")]),
    "always 0": Habit([numbered("0")]),
    "from 0": Habit([numbered("01234567")]),
    "from 0, then 1 again": Habit([[*numbered("0", TEXTS[:1]), *numbered("1234567", TEXTS[1:])]]),
    "1 to 7 without 0": Habit([numbered("5671234")]),
    "on over the transfers": Habit([numbered("6701", TEXTS[:2]), numbered("0123", TEXTS[2:])], counts=NO_L),
    "0, 1 and 0 again": Habit([numbered("01")]),
    "8 and 9": Habit([numbered("78901")]),
    "no numbers": Habit([[_frame(text + b"\3") for text in TEXTS]]),
    "any numbers": Habit([numbered("14725")], counts={"frame-number-jumped": 4}),
    "no terminator": Habit([numbered("1234567", TEXTS[:-1])], counts=NO_L),
    "no terminator, a header instead": Habit(
        [numbered("1234567", (*TEXTS[:-1], *(f"{record}\r".encode() for record in (HEADER, "L|1|N"))))], counts=NO_L
    ),
    "no terminator, a transfer for each record": Habit(
        [numbered("1", (text,)) for text in TEXTS], counts={"no-terminator": 4}
    ),
    "ETB for each record, the last too": Habit([[framed(at, text, last=False) for at, text in enumerate(TEXTS, 1)]]),
    "no CR, ETX": Habit([bare(last=True)]),
    "no CR, ETB": Habit([bare(last=False)]),
    "no CR, ETB, as set": Habit([bare(last=False)], {"record_per_frame": True}),
    "no CR, ETB, no terminator": Habit([bare(last=False)[:-1]], counts=NO_L),
    "small letters": Habit([numbered("1234567", tuple(text[:1].lower() + text[1:] for text in TEXTS))]),
    "the mark of UTF-8 before the header": Habit([numbered("1234567", (b"\xef\xbb\xbf" + TEXTS[0], *TEXTS[1:]))]),
    "a blank behind the number": Habit([numbered("1234567", tuple(b" " + text for text in TEXTS))]),
    "LF for CR": Habit([numbered("1234567", tuple(text.replace(b"\r", b"\n") for text in TEXTS))]),
    "no checksum": Habit([unsummed(numbered("1234567"), b"\r\n")], {"checksum": False}),
    "no checksum, CR alone": Habit([unsummed(numbered("1234567"), b"\r")], {"checksum": False}),
    "a checksum of 00": Habit([unsummed(numbered("1234567"), b"00\r\n")], {"checksum": False}),
    "a checksum that is no number": Habit([unsummed(numbered("1234567"), b"??\r\n")], {"checksum": False}),
    "no checksum, no CR": Habit([unsummed(bare(last=False), b"\r\n")], {"checksum": False}),
    "terminator twice": Habit([numbered("1234567", (*TEXTS, TEXTS[-1]))]),
    "something behind the terminator": Habit([numbered("1234567", (*TEXTS, b"M|1|end\r"))], counts=NO_L),
}


def told(items: list[Item]) -> tuple[Any, ...]:
    faults = [item.code for item in items if isinstance(item, Fault) for _ in range(item.count)]
    readings = [item for item in items if isinstance(item, Readings)]
    return (*faults, *(value for item in readings for value in item.value))


def decoded(file: Path, **config: Any) -> tuple[list[Item], Counter[str]]:
    items: list[Item] = []
    counts: Counter[str] = Counter()
    for found, refused in read_file(file, model=MODEL, zone=ZoneInfo("Asia/Shanghai"), encoding="utf-8", **config):
        items += found
        counts += refused
    return items, counts


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    made = Instrument()
    yield made
    made.close()


@pytest.mark.parametrize("name", HABITS)
async def test_over_tcp(name: str) -> None:
    habit, sink = HABITS[name], MemorySink()
    async with running(sink, listen=LOOPBACK, **habit.config) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        for transfer in habit.sent:
            assert await analyzer.say(ENQ) == ACK
            for frame in transfer:
                assert await analyzer.say(frame) == ACK
            analyzer.tell(EOT)
        assert await analyzer.say(ENQ) == ACK  # what came before it is entered
        analyzer.tell(EOT)
        await analyzer.close()
    assert Counter(told(sink.items())) == Counter(SEEN)
    assert sink.counts == {f"astm:{reason}": count for reason, count in habit.counts.items()}


@pytest.mark.parametrize("name", HABITS)
async def test_over_a_serial_line(name: str, instrument: Instrument) -> None:
    habit, sink = HABITS[name], MemorySink()
    async with running(sink, serial=instrument.name, **habit.config):
        await instrument.begin()
        instrument.write(EOT)
        for transfer in habit.sent:
            assert await instrument.say(ENQ) == ACK
            for frame in transfer:
                assert await instrument.say(frame) == ACK
            instrument.write(EOT)
        assert await instrument.say(ENQ) == ACK
    assert Counter(told(sink.items())) == Counter(SEEN)
    counts = Counter({f"astm:{reason}": count for reason, count in habit.counts.items()})
    assert sink.counts - Counter({"astm:transfer-restarted": 9}) == counts


@pytest.mark.parametrize("name", HABITS)
def test_out_of_a_file(name: str, tmp_path: Path) -> None:
    habit = HABITS[name]
    file = tmp_path / "habit.astm"
    file.write_bytes(b"".join(ENQ + b"".join(transfer) + EOT for transfer in habit.sent))
    items, counts = decoded(file, **habit.config)
    assert Counter(told(items)) == Counter(SEEN)
    assert counts == habit.counts


@pytest.mark.parametrize("end", ["eot", "enq", "hang-up", "new header", "silence"])
@pytest.mark.parametrize("last", [True, False])
async def test_however_a_message_without_its_terminator_stops_what_was_acknowledged_is_told(
    end: str, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if end == "silence":
        monkeypatch.setitem(link._PATIENCE, State.RECEIVING, 100)
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for at, text in enumerate(TEXTS[:-1], 1):
            assert await analyzer.say(framed(at, text, last=last)) == ACK
        match end:
            case "eot":
                analyzer.tell(EOT)
            case "enq":
                assert await analyzer.say(ENQ) == ACK
            case "new header":
                assert await analyzer.say(framed(5, HEADER.replace("|P|", "|Q|").encode() + b"\r")) == ACK
            case "hang-up":
                await analyzer.close()
            case _:
                pass  # silence
        await until(lambda: sink.entries)
        await analyzer.close()
    assert Counter(told(sink.items())) == Counter(SEEN)
    assert sink.counts["astm:no-terminator"] + sink.counts["astm:message-unfinished"] >= 1


async def test_what_a_sender_that_gave_up_a_frame_had_acknowledged_is_told_once_though_it_sends_all_again() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for frame in numbered("1234567", TEXTS[:3]):
            assert await analyzer.say(frame) == ACK
        for _ in range(6):
            assert await analyzer.say(framed(4, TEXTS[3], checksum=b"00")) == NAK
        analyzer.tell(EOT)
        await until(lambda: sink.entries)
        assert told(sink.items()) == ("PHO-LMP-01", 37.1)
        assert set(await analyzer.send(message(*RECORDS[1:-1]))) == {ACK}
        await analyzer.close()
    assert Counter(told(sink.items())) == Counter(SEEN)
    assert sink.counts == {
        "astm:bad-checksum": 5,
        "astm:checksum-never-right": 1,
        "astm:transfer-abandoned": 1,
        "astm:message-unfinished": 1,
    }


async def test_a_record_that_was_cut_off_is_counted_and_never_read() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        assert await analyzer.say(framed(1, TEXTS[0])) == ACK
        assert await analyzer.say(framed(2, b"M|1|SIG|bath.temperature|3", last=False)) == ACK
        await analyzer.close()
        await until(lambda: sink.counts["astm:record-cut"])
    assert told(sink.items()) == ()


@pytest.mark.parametrize("text", [PATIENT.encode() + b"\r", b"Hello\r", b"R 1 2 3", b"H||||x\r"])
async def test_a_frame_that_belongs_to_no_message_is_not_acknowledged(text: bytes) -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for _ in range(6):
            assert await analyzer.say(framed(1, text)) == NAK
        analyzer.tell(EOT)
        assert set(await analyzer.send(message(*RECORDS[1:-1]))) == {ACK}
        await analyzer.close()
    assert Counter(told(sink.items())) == Counter(SEEN)
    assert sum(sink.counts.values()) == 7  # and that the transfer was given up


async def test_what_can_be_read_in_two_ways_is_counted_until_the_line_s_setting_decides() -> None:
    texts = [HEADER.encode(), b"C|1|I|LAMP_LOW|I|" + b"x" * 200, b"C|2|I|BATH_LEVEL|I", b"L|1|N"]
    for setting, codes in ((None, []), (True, ALL)):
        sink = MemorySink()
        async with running(sink, listen=LOOPBACK, record_per_frame=setting) as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            assert await analyzer.say(ENQ) == ACK
            for at, text in enumerate(texts, 1):
                assert await analyzer.say(framed(at, text, last=at == 4)) == ACK
            analyzer.tell(EOT)
            assert await analyzer.say(ENQ) == ACK
            await analyzer.close()
        assert list(told(sink.items())) == codes
        assert bool(codes) != bool(sink.counts + sink.nothing)


async def test_who_hears_no_answers_and_hangs_up_is_heard_to_the_end() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        analyzer.tell(ENQ + b"".join(numbered("1234567")) + EOT)
        await analyzer.close()
        await until(lambda: sink.entries)
    assert Counter(told(sink.items())) == Counter(SEEN)


async def test_a_setting_that_would_lose_all_of_a_message_is_answered_nak() -> None:
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK, record_per_frame=False) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        assert [await analyzer.say(frame) for frame in bare(last=False)] == [ACK, NAK, NAK, NAK, NAK]
        await analyzer.close()
    assert sink.counts["astm:record-unclear"] == 4


class TestWithoutTheLink:
    @pytest.mark.parametrize("end", [b"", b"\r"])
    async def test_records_without_a_terminator_are_told_when_the_analyzer_hangs_up(
        self, end: bytes, tmp_path: Path
    ) -> None:
        sent = b"".join(TEXTS[:-1])[:-1] + end
        sink = MemorySink()
        async with running(sink, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            analyzer.tell(sent)
            await analyzer.close()
            await until(lambda: sink.entries)
        file = tmp_path / "bare.astm"
        file.write_bytes(sent)
        for items, counts in ((sink.items(), sink.counts), decoded(file)):
            assert Counter(told(items)) == Counter(SEEN)
            assert sum(counts.values()) == 1

    async def test_or_when_it_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(line, "FRAME_MS", 50)
        sink = MemorySink()
        async with running(sink, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            analyzer.tell(b"".join(TEXTS[:-2]))
            await until(lambda: sink.entries)
            analyzer.tell(b"".join(TEXTS[-2:]))
            await until(lambda: len(sink.entries) == 2)
            await analyzer.close()
        assert Counter(told(sink.items())) == Counter(SEEN)

    async def test_or_with_an_eot(self) -> None:
        sink = MemorySink()
        async with running(sink, listen=LOOPBACK, framing="none") as adapter:
            analyzer = await Analyzer.connect(adapter.port)
            analyzer.tell(ENQ + b"".join(numbered("1", TEXTS[:-1])) + EOT)
            await until(lambda: sink.entries)
            await analyzer.close()
        assert Counter(told(sink.items())) == Counter(SEEN)


async def test_the_outbox_is_waited_for_where_nothing_can_be_refused_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """All frames are acknowledged, and the message has no terminator: at its EOT it is too late for a NAK."""
    monkeypatch.setattr(session, "RETRY_S", 0.01)
    monkeypatch.setattr(session, "KEEPING_S", 0.0)
    sink = MemorySink()
    async with running(sink, listen=LOOPBACK) as adapter:
        analyzer = await Analyzer.connect(adapter.port)
        assert await analyzer.say(ENQ) == ACK
        for frame in numbered("1234567", TEXTS[:-1]):
            assert await analyzer.say(frame) == ACK
        sink.failing = True
        analyzer.tell(EOT + ENQ)
        await until(lambda: sink.puts >= 3)
        answer = asyncio.create_task(analyzer.hear())
        done, _ = await asyncio.wait([answer], timeout=0.1)
        assert not done
        sink.failing = False
        assert await answer == ACK
        await analyzer.close()
    assert Counter(told(sink.items())) == Counter(SEEN)


def test_each_setting_is_a_setting() -> None:
    assert {key for habit in HABITS.values() for key in habit.config} <= set(Astm.__struct_fields__)
