"""What messages and images that were just sent say of their sender's clock; what becomes of facts near a wrong one."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.adapters.astm.assembler import Assembler
from agent.adapters.astm.entry import Messages
from agent.adapters.dicom.entry import Exposures
from agent.adapters.equipment_clock import CLOCK_CODE
from agent.adapters.hl7.entry import Facts
from agent.adapters.hl7.file import read_file
from agent.adapters.hl7.intake import taken
from agent.adapters.hl7.mllp import Frame
from catalog.allowed import UNCERTAIN_TIME
from catalog.load import load
from tests.fixtures import astm, hl7
from tests.fixtures.dicom import header, image
from tests.fixtures.sink import MemorySink
from wire.items import UNCERTAIN, Fault, Readings, StateChange

SHANGHAI = ZoneInfo("Asia/Shanghai")
RECEIVED = datetime(2026, 11, 22, 12, 0, 1, tzinfo=SHANGHAI)
NOW = int(RECEIVED.timestamp()) * 1000
MODELS = load().models
WRONG = [timedelta(days=-9 * 365), timedelta(days=9 * 365), timedelta(days=30), timedelta(days=-50 * 365)]


def text(time: datetime) -> str:
    return f"{time:%Y%m%d%H%M%S}"


def faults(sink: MemorySink) -> list[Fault]:
    return [item for item in sink.items() if isinstance(item, Fault)]


def of(sink: MemorySink, *codes: str) -> list[Fault]:
    return [fault for fault in faults(sink) if fault.code in codes]


def notified(at: datetime, sent: datetime, id_: str = "7") -> bytes:
    """LAMP_LOW by an analyzer whose messages all say when."""
    return hl7.notification(at=text(at), f7=text(sent), id_=id_).replace(b"20261121180000", text(at).encode())


def ms(time: datetime) -> int:
    return int(time.timestamp()) * 1000


class TestHl7:
    async def hear(self, sink: MemorySink, *messages: bytes) -> None:
        facts = Facts(model=hl7.MODEL, sink=sink)
        for data in messages:
            (each,) = taken(Frame(data, len(data)), model=hl7.MODEL, received=NOW, zone=SHANGHAI)
            assert each.facts is not None
            await facts.put(each.facts, [data[:16]] if each.facts.timed else [])

    @pytest.mark.parametrize("off", WRONG)
    async def test_events_near_a_header_that_can_not_be(self, off: timedelta) -> None:
        sink, time = MemorySink(), RECEIVED + off
        serious = hl7.equipment(level="C", at=text(time), f7=text(time), id_="8")
        await self.hear(sink, notified(time - timedelta(minutes=5), time), serious)
        assert of(sink, CLOCK_CODE) == [Fault(at=NOW, code=CLOCK_CODE, state="active", source="hl7")]
        (lamp,) = of(sink, "PHO-LMP-01")
        level = of(sink, "EQU-ALERT-SERIOUS", "EQU-ALERT-CRITICAL")
        assert (lamp.at, lamp.params) == (NOW, {UNCERTAIN_TIME: 1.0})
        assert {fault.at for fault in level} == {NOW}
        assert all(fault.params == {UNCERTAIN_TIME: 1.0} for fault in level)
        assert {item.at for item in sink.items() if isinstance(item, StateChange)} == {NOW}
        assert sink.counts["hl7:implausible:time"] >= 2

    async def test_a_control_of_a_wrong_clock_is_uncertain(self) -> None:
        sink = MemorySink()
        time = text(RECEIVED - timedelta(days=9 * 365))
        control = hl7.control().replace("20261121180000", time)
        await self.hear(sink, hl7.controls(control, f7=time))
        readings = [item for item in sink.items() if isinstance(item, Readings)]
        assert {item.at for item in readings} == {NOW}
        assert {quality for item in readings for quality in item.quality or [0]} == {UNCERTAIN}

    async def test_an_event_far_from_a_wrong_header_has_its_own_time(self) -> None:
        """The clock was set back since: the event was dated by the right one."""
        sink, own = MemorySink(), RECEIVED - timedelta(hours=3)
        await self.hear(sink, notified(own, RECEIVED - timedelta(days=9 * 365)))
        (lamp,) = of(sink, "PHO-LMP-01")
        assert (lamp.at, lamp.params) == (ms(own), {})

    @pytest.mark.parametrize("waited", [timedelta(0), timedelta(hours=20), timedelta(days=12), timedelta(days=300)])
    async def test_what_waited_to_be_sent_keeps_its_time(self, waited: timedelta) -> None:
        sink, time = MemorySink(), RECEIVED - waited
        await self.hear(sink, notified(time, time))
        (lamp,) = of(sink, "PHO-LMP-01")
        assert of(sink, CLOCK_CODE) == []
        assert (lamp.at, lamp.params) == (ms(time), {})
        assert not sink.counts

    async def test_it_is_over_with_the_next_header_that_is_right(self) -> None:
        sink = MemorySink()
        wrong = RECEIVED - timedelta(days=9 * 365)
        for at in (wrong, wrong, RECEIVED, RECEIVED):  # each with an agent that has just started
            await self.hear(sink, notified(at, at))
        told = [(fault.state, fault.at) for fault in of(sink, CLOCK_CODE)]
        assert told == [("active", NOW), ("cleared", NOW)]

    async def test_without_a_header_s_time_nothing_is_said(self) -> None:
        sink = MemorySink()
        await self.hear(sink, hl7.notification(at=text(RECEIVED), f7=""))
        assert CLOCK_CODE not in {fault.code for fault in faults(sink)}

    def test_a_file_is_no_message_that_was_just_sent(self, tmp_path: Path) -> None:
        old = RECEIVED - timedelta(days=9 * 365)
        path = tmp_path / "trace.hl7"
        path.write_bytes(notified(old, old))
        items = [item for found, _ in read_file(path, model=hl7.MODEL, zone=SHANGHAI) for item in found]
        told = {(item.at, item.code) for item in items if isinstance(item, Fault)}
        assert (ms(old), "PHO-LMP-01") in told
        assert CLOCK_CODE not in {code for _, code in told}


class TestAstm:
    async def hear(self, sink: MemorySink, sent: datetime, *records: str) -> None:
        messages = Messages(model=astm.MODEL, sink=sink, zone=SHANGHAI, encoding="utf-8")
        (message,) = Assembler().offer(astm.message(*records, header=astm.HEADER[:-14] + text(sent)), last=True)
        await messages.enter(message, received=NOW)

    @pytest.mark.parametrize("off", WRONG)
    async def test_events_near_a_header_that_can_not_be(self, off: timedelta) -> None:
        sink, time = MemorySink(), RECEIVED + off
        signal = f"M|1|SIG|bath.temperature|37.1|C|{text(time - timedelta(minutes=3))}"
        await self.hear(sink, time, signal, "C|1|I|LAMP_LOW|I")
        clock, lamp = faults(sink)
        assert clock == Fault(at=NOW, code=CLOCK_CODE, state="active", source="astm")
        assert (lamp.code, lamp.at, lamp.params) == ("PHO-LMP-01", NOW, {UNCERTAIN_TIME: 1.0})
        (readings,) = [item for item in sink.items() if isinstance(item, Readings)]
        assert (readings.at, readings.quality) == (NOW, [UNCERTAIN])

    @pytest.mark.parametrize("waited", [timedelta(seconds=5), timedelta(days=12)])
    async def test_what_waited_to_be_sent_keeps_its_time(self, waited: timedelta) -> None:
        sink, time = MemorySink(), RECEIVED - waited
        await self.hear(sink, time, f"M|1|SIG|bath.temperature|37.1|C|{text(time)}", "C|1|I|LAMP_LOW|I")
        (lamp,) = faults(sink)
        assert (lamp.at, lamp.params) == (ms(time), {})
        assert not sink.counts

    async def test_it_is_over_with_the_next_header_that_is_right(self) -> None:
        sink = MemorySink()
        for days in (0, 9 * 365, 9 * 365, 12, 0, 0):
            await self.hear(sink, RECEIVED - timedelta(days=days), "C|1|I|LAMP_LOW|I")
        told = [fault.state for fault in faults(sink) if fault.code == CLOCK_CODE]
        assert told == ["active", "cleared"]

    async def test_a_message_sent_again_is_recognised_though_its_clock_is_wrong(self) -> None:
        sink = MemorySink()
        for _ in range(2):
            await self.hear(sink, RECEIVED - timedelta(days=9 * 365), "C|1|I|LAMP_LOW|I")
        assert [fault.code for fault in faults(sink)] == [CLOCK_CODE, "PHO-LMP-01"]


class TestDicom:
    async def hear(self, sink: MemorySink, own: datetime, *, sent: bool = True, uid: str = "2.25.7") -> None:
        change: dict[int | str, str | bytes | None] = {
            "SOPInstanceUID": uid,
            "AcquisitionDateTime": None,
            "AcquisitionDate": f"{own:%Y%m%d}",
            "AcquisitionTime": f"{own:%H%M%S}",
        }
        found = header(image(change), received=NOW, zone=SHANGHAI)
        model = MODELS["generic-dr"]
        await Exposures(source="dicom", model=model, sink=sink).put([found], sent=NOW if sent else None)

    async def test_an_image_of_the_future(self) -> None:
        sink = MemorySink()
        await self.hear(sink, RECEIVED + timedelta(days=300))
        assert faults(sink) == [Fault(at=NOW, code=CLOCK_CODE, state="active", source="dicom")]
        readings = [item for item in sink.items() if isinstance(item, Readings)]
        assert {item.at for item in readings} == {NOW}
        await self.hear(sink, RECEIVED - timedelta(days=300), uid="2.25.8")
        assert len(faults(sink)) == 1
        await self.hear(sink, RECEIVED - timedelta(minutes=3), uid="2.25.9")
        assert [fault.state for fault in faults(sink)] == ["active", "cleared"]

    async def test_a_study_of_years_ago_may_come_from_an_archive(self) -> None:
        sink, old = MemorySink(), RECEIVED - timedelta(days=9 * 365)
        await self.hear(sink, old)
        assert faults(sink) == []
        assert {item.at for item in sink.items() if isinstance(item, Readings)} == {ms(old)}

    async def test_what_lies_in_a_folder_says_nothing_of_today(self) -> None:
        sink = MemorySink()
        await self.hear(sink, RECEIVED + timedelta(days=300), sent=False)
        assert faults(sink) == []
