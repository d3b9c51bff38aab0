"""What of a message is news: lanes, inventory, and messages that were heard before."""

import asyncio
from zoneinfo import ZoneInfo

import pytest

from agent.adapters.astm.assembler import Assembler
from agent.adapters.astm.entry import Messages, Told, mark
from agent.adapters.astm.reading import Extracted, read
from agent.adapters.astm.records import Message
from agent.adapters.port import Entry
from agent.errors import OutboxError
from catalog.model import Model
from tests.fixtures.astm import CONTROL, FLAGGED, HEADER, MODEL, ORDER, PATIENT, ROCHE, message
from tests.fixtures.sink import MemorySink
from wire.items import Fault, Inventory, Readings

RECEIVED = 1_720_000_000_000
HOUR = 3_600_000
SIGNALS = message(
    "M|1|SIG|bath.temperature|37.1|C|20240311080000",
    "M|2|SIG|bath.temperature|37.2|C|20240311080100",
    "M|3|SIG|tests.total|4711||20240311080100",
)


ZONE = ZoneInfo("Asia/Shanghai")


def parsed(whole: bytes) -> tuple[Message, Extracted]:
    (found,) = Assembler().offer(whole, last=True)
    return found, read(found.records, model=ROCHE, received=RECEIVED, zone=ZONE, encoding="utf-8")


def messages_of(sink: MemorySink, model: Model = ROCHE) -> Messages:
    return Messages(model=model, sink=sink, zone=ZONE, encoding="utf-8")


def put(messages: Messages, *texts: bytes, received: int = RECEIVED) -> None:
    """Enter the messages of frames, and what their transfer's end leaves."""
    assembler = Assembler()
    found = [each for text in texts for each in assembler.offer(text, last=True)]
    for each in (*found, *assembler.ended()):
        asyncio.run(messages.enter(each, received=received))


def test_each_fact_travels_in_its_lane_and_readings_share_columns() -> None:
    entry = Told(model=MODEL).entry(parsed(SIGNALS)[1])
    first, *rest = entry.live
    assert rest == []
    assert isinstance(first, Readings)
    assert (first.metric, first.value) == (["bath.temperature"] * 2, [37.1, 37.2])
    assert (first.dt, first.unit, first.quality) == ([0, 60_000], ["Cel"] * 2, None)
    assert [type(item) for item in entry.bulk] == [Readings, Inventory]


def test_columns_are_cut_before_a_report_gets_too_large() -> None:
    whole = message(*["M|1|SIG|bath.temperature|37.1|C|20240311080000"] * 1200)
    live = Told(model=MODEL).entry(parsed(whole)[1]).live
    assert [len(item.metric) for item in live if isinstance(item, Readings)] == [500, 500, 200]


def test_an_inventory_is_told_when_it_changes() -> None:
    sink = MemorySink()
    messages = messages_of(sink)
    put(messages, FLAGGED)
    put(messages, FLAGGED.replace(b"|72^", b"|74^"))
    put(messages, FLAGGED.replace(b"|72^", b"|93^").replace(b"1.2|", b"1.3|"))
    assert [[type(item) for item in entry.bulk] for entry in sink.entries] == [[Inventory], [], [Inventory]]


def test_an_inventory_that_was_not_kept_is_told_again() -> None:
    sink = MemorySink()
    messages = messages_of(sink)
    sink.failing = True
    with pytest.raises(OutboxError):
        put(messages, FLAGGED)
    sink.failing = False
    put(messages, FLAGGED)
    assert [type(item) for item in sink.items()] == [Fault, Inventory]


NAMELESS = HEADER.replace("^1.2", "")


@pytest.mark.parametrize(
    ("records", "about"),
    [
        ((PATIENT, ORDER, "R|1|^^^685/|22|U/l"), "patient-results"),
        ((PATIENT, ORDER, "R|1|^^^685/|22|U/l||A||F", "C|1|I|0|I"), "patient-results"),
        ((ORDER,), "patient-results"),
        (("Q|1|^SID0815||ALL",), "query"),
        ((), "no-facts"),
        (("M|1|XYZ|1",), "no-facts"),
        (("C|1|I|a word of the staff|G",), "no-facts"),
    ],
)
def test_a_message_without_anything_of_ours_writes_nothing_and_is_counted(records: tuple[str, ...], about: str) -> None:
    sink = MemorySink()
    put(messages_of(sink), message(*records, header=NAMELESS))
    assert sink.puts == 0
    assert sink.nothing == {f"astm:{about}": 1}
    assert not sink.counts


def test_what_is_refused_is_counted_with_its_form_and_not_as_untold_too() -> None:
    sink = MemorySink()
    put(messages_of(sink), message("C|1|I|BTH-TMP-01|I", "M|1|SIG|bath temp|1|C", header=NAMELESS))
    assert sink.counts == {"astm:unknown-code": 1, "astm:unknown-signal": 1}
    assert sink.forms == {"astm:unknown-code": "AAA-AAA-99", "astm:unknown-signal": "aaaa aaaa"}
    assert not sink.nothing


def test_no_inventory_that_is_told_already_hides_that_nothing_was() -> None:
    sink = MemorySink()
    messages = messages_of(sink)
    for _ in range(2):
        put(messages, message(PATIENT))
    assert (sink.puts, sink.nothing) == (1, {"astm:patient-results": 1})


def test_what_was_refused_is_counted_once_however_often_it_is_sent() -> None:
    sink = MemorySink()
    messages = messages_of(sink)
    for _ in range(3):
        put(messages, FLAGGED.replace(b"L|1", b"M|1|SIG|nope|1|%|\rL|1"))
    assert sink.counts == {"astm:unknown-signal": 1}
    assert len(sink.entries) == 1


FLAG, WARM = b"C|1|I|72^CLOT FOUND|I\r", b"C|2|I|74|I\r"
BEGUN = FLAGGED.removesuffix(b"L|1|N\r")
LATER = BEGUN.replace(b"081403", b"081500")
"""The same, sent again with a header written anew."""


class TestUnfinished:
    """What was entered of a message without its end, and comes again, or goes on."""

    def test_it_is_entered_and_what_comes_again_from_the_beginning_is_entered_once(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        put(messages, BEGUN)
        assert codes(sink) == ["COBAS-72"]
        put(messages, LATER + WARM + b"L|1|N\r")
        assert codes(sink) == ["COBAS-72", "COBAS-74"]
        put(messages, LATER + WARM + b"L|1|N\r")
        put(messages, LATER)
        assert codes(sink) == ["COBAS-72", "COBAS-74"]

    def test_with_nothing_behind_it_the_message_is_a_repeat(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        for sent in (BEGUN, FLAGGED, FLAGGED, LATER + b"L|1|N\r", BEGUN):
            put(messages, sent)
        assert codes(sink) == ["COBAS-72"]
        assert not sink.nothing

    def test_another_life_of_the_agent_knows_it(self) -> None:
        sink = MemorySink()
        put(messages_of(sink), BEGUN)
        put(messages_of(sink), LATER + WARM + b"L|1|N\r")
        assert codes(sink) == ["COBAS-72", "COBAS-74"]

    def test_another_that_begins_otherwise_is_news(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        put(messages, BEGUN)
        put(messages, BEGUN.replace(b"SID0815", b"SID0816") + WARM)
        assert codes(sink) == ["COBAS-72", "COBAS-72", "COBAS-74"]

    def test_a_header_s_time_counts_where_no_record_tells_one(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        for header in (HEADER, HEADER.replace("081403", "081500")):
            put(messages, f"{header}\r".encode() + FLAG)
        assert codes(sink) == ["COBAS-72", "COBAS-72"]

    def test_what_goes_on_in_the_next_transfer_is_told_with_its_order_s_time(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        assembler = Assembler()
        for text in (BEGUN, WARM, b"L|1|N\r"):
            for each in (*assembler.offer(text, last=True), *assembler.ended()):
                asyncio.run(messages.enter(each, received=RECEIVED))
        first, second = [item for item in sink.items() if isinstance(item, Fault)]
        assert (first.code, second.code) == ("COBAS-72", "COBAS-74")
        assert first.at == second.at
        assert not sink.nothing

    def test_nothing_is_remembered_of_what_was_not_kept(self) -> None:
        sink = MemorySink()
        messages = messages_of(sink)
        sink.failing = True
        with pytest.raises(OutboxError):
            put(messages, BEGUN)
        sink.failing = False
        put(messages, FLAGGED)
        assert codes(sink) == ["COBAS-72"]


def codes(sink: MemorySink) -> list[str]:
    return [item.code for item in sink.items() if isinstance(item, Fault)]


class TestMark:
    def marked(self, whole: bytes, received: int = RECEIVED, key: bytes = b"k") -> bytes:
        found, facts = parsed(whole)
        return mark(found.records, timed=facts.timed, dated=facts.dated, received=received, key=key)

    def test_the_same_message_is_known_whenever_it_comes_again(self) -> None:
        assert self.marked(FLAGGED) == self.marked(FLAGGED, RECEIVED + 1000 * HOUR)
        assert len(self.marked(FLAGGED)) == 16

    @pytest.mark.parametrize("change", [(b"0815", b"0816"), (b"081000", b"081001"), (b"|72^", b"|73^")])
    def test_another_is_not(self, change: tuple[bytes, bytes]) -> None:
        assert self.marked(FLAGGED) != self.marked(FLAGGED.replace(*change))

    def test_a_header_written_anew_makes_no_new_message_of_records_that_tell_their_times(self) -> None:
        assert self.marked(FLAGGED) == self.marked(FLAGGED.replace(b"081403", b"091403"))
        assert self.marked(FLAGGED) == self.marked(FLAGGED.replace(b"&|||", b"&|78||"))

    def test_a_header_s_time_counts_where_no_other_is_told(self) -> None:
        sent = message("C|1|I|72|I")
        assert self.marked(sent) == self.marked(sent, RECEIVED + HOUR)
        assert self.marked(sent) != self.marked(sent.replace(b"081403", b"091403"))

    def test_it_says_nothing_without_the_key(self) -> None:
        assert self.marked(FLAGGED) != self.marked(FLAGGED, key=b"other")

    def test_a_message_without_any_time_is_news_in_another_hour(self) -> None:
        timeless = message("C|1|I|72|I", header=r"H|\^&|||x")
        begins = RECEIVED // HOUR * HOUR
        assert self.marked(timeless, begins) == self.marked(timeless, begins + HOUR - 1)
        assert self.marked(timeless, begins) != self.marked(timeless, begins + HOUR)


async def test_one_message_after_the_other_whatever_connection_they_came_by() -> None:
    class Slow(MemorySink):
        inside = 0

        async def aput(self, entry: Entry) -> bool:
            self.inside += 1
            assert self.inside == 1
            await asyncio.sleep(0.001)
            self.inside -= 1
            return await super().aput(entry)

    sink = Slow()
    messages = messages_of(sink, MODEL)
    control = message(CONTROL, "R|1|^^^GLU|5.3|mmol/L|||||||20240311080500")
    found = [parsed(whole)[0] for whole in (FLAGGED, control, SIGNALS)]
    await asyncio.gather(*(messages.enter(each, received=RECEIVED) for each in found))
    assert len(sink.entries) == 3
    assert sum(isinstance(item, Inventory) for item in sink.items()) == 1
