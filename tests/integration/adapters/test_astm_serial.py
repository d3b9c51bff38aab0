"""An ASTM analyzer on a serial line: a pair of pseudo-terminals, the real library between them."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.astm import channel
from agent.config.shapes import Astm
from tests.fixtures.astm import (
    ACK,
    ENQ,
    EOT,
    FLAGGED,
    NAK,
    ROCHE,
    Instrument,
    by_records,
    framed,
    message,
    running,
    until,
)
from tests.fixtures.sink import MemorySink
from wire.items import Fault


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    made = Instrument()
    yield made
    made.close()


def codes(sink: MemorySink) -> list[str]:
    return [item.code for item in sink.items() if isinstance(item, Fault)]


@pytest.mark.parametrize(
    "line", [{}, {"baud": 115_200}, {"data_bits": 7, "parity": "even", "stop_bits": 2, "baud": 1200}]
)
async def test_messages_one_after_the_other(instrument: Instrument, line: dict[str, object]) -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, serial=instrument.name, **line):
        for code in (b"72", b"74"):
            await instrument.begin()
            for frame in by_records(FLAGGED.replace(b"|72^", b"|" + code + b"^")):
                assert await instrument.say(frame) == ACK
            instrument.write(EOT)
    assert codes(sink) == ["COBAS-72", "COBAS-74"]
    assert not sink.counts - Counter({"astm:transfer-restarted": 9})


async def test_a_virtual_port_has_no_parity_and_is_used_without(instrument: Instrument) -> None:
    """The system says so only when nothing else of the port is to be changed: not when it is opened first."""
    sink = MemorySink()
    for code in (b"72", b"74"):
        async with running(sink, ROCHE, serial=instrument.name, data_bits=7, parity="even"):
            await instrument.begin()
            for frame in by_records(FLAGGED.replace(b"|72^", b"|" + code + b"^")):
                assert await instrument.say(frame) == ACK
            instrument.write(EOT)
    assert codes(sink) == ["COBAS-72", "COBAS-74"]
    assert sink.counts["astm:port-settings"] == 1


async def test_damage_on_the_line_is_repaired(instrument: Instrument) -> None:
    sink = MemorySink()
    async with running(sink, ROCHE, serial=instrument.name):
        await instrument.begin()
        instrument.write(EOT + b"\xff\x00?")
        await instrument.begin()
        for frame in by_records(FLAGGED):
            assert await instrument.say(frame.replace(b"|", b"\x7f", 1)) == NAK
            assert await instrument.say(frame) == ACK
        # Its power failed within a frame; it comes back and begins anew.
        instrument.write(framed(7, b"C|1|I|74|I\r")[:6])
        assert await instrument.say(ENQ) == ACK
        assert await instrument.say(framed(1, message())) == ACK
        instrument.write(EOT)
        await until(lambda: sink.counts["astm:frame-cut"])
    assert codes(sink) == ["COBAS-72"]


async def test_a_byte_now_and_then(instrument: Instrument) -> None:
    """Bytes that come while nothing waits for them, and while our own waiting ends, are all read."""
    sink = MemorySink()
    async with running(sink, ROCHE, serial=instrument.name):
        await instrument.begin()
        frame = framed(1, FLAGGED)
        for at in range(0, len(frame), 29):
            instrument.write(frame[at : at + 29])
            await asyncio.sleep(0.02)
        assert await instrument.hear() == ACK
    assert codes(sink) == ["COBAS-72"]


async def test_an_answer_of_ours_out_of_turn(instrument: Instrument) -> None:
    async with running(MemorySink(), ROCHE, serial=instrument.name, answer_queries=True):
        await instrument.begin()
        assert await instrument.say(framed(1, message("Q|1|^SID0815||ALL"))) == ACK
        assert await instrument.say(EOT) == ENQ
        frame = framed(1, b"H|\\^&||||||||||P|LIS2-A2\rL|1|I\r")
        assert await instrument.say(ACK, count=len(frame)) == frame
        assert await instrument.say(ACK) == EOT


async def test_a_port_that_is_not_there_yet_is_tried_again(instrument: Instrument, tmp_path: Path) -> None:
    sink = MemorySink()
    name = tmp_path / "ttyUSB0"
    async with running(sink, ROCHE, serial=str(name)):
        await until(lambda: sink.counts["astm:unreachable"])
        name.symlink_to(instrument.name)
        async with asyncio.timeout(20):
            await instrument.begin()


async def test_a_port_that_is_pulled_out_is_counted() -> None:
    sink = MemorySink()
    instrument = Instrument()
    async with running(sink, ROCHE, serial=instrument.name):
        await instrument.begin()
        instrument.close()
        await until(lambda: sink.counts["astm:connection-lost"])


async def test_nothing_waits_for_the_thread_that_waits_at_the_port(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called away for an answer and at the end, and needs no short time limit that wakes it all day."""
    monkeypatch.setattr(channel, "WAIT_S", 3600)
    threads = {thread.ident for thread in threading.enumerate()}
    port = channel.Serial(Astm(serial=instrument.name))
    async with asyncio.timeout(20):
        assert await port.read(0.05) is None
        await port.write(ENQ)
        assert await instrument.hear() == ENQ
        instrument.write(ACK)
        assert await port.read(None) == ACK, "what came meanwhile is not lost"
        assert await port.read(0.05) is None
        await port.close()
        await until(lambda: {thread.ident for thread in threading.enumerate()} <= threads)
