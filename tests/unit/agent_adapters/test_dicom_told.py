"""What is remembered of exposures: bounded, over restarts, and never against the object that told it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.dicom.image import NUMBERS
from agent.adapters.dicom.report import METRICS as MEASURED
from agent.adapters.dicom.told import MARKS, METRICS, PARTS, Told
from agent.adapters.port import Entry
from tests.fixtures.sink import MemorySink

IMAGE, REPORT, EXPOSURE = b"i" * 16, b"r" * 16, b"e" * 16


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


def kept(sink: MemorySink, told: Told, exposure: list[bytes], metrics: list[str], seen: bytes) -> None:
    sink.put(Entry(positions=told.add(exposure, metrics, seen=seen)))


def test_whatever_an_exposure_has_can_be_remembered() -> None:
    assert set(METRICS) == {number.metric for number in NUMBERS} | {"exposure.aborted", "detector.nominal"}
    assert set(METRICS) >= set(MEASURED.values())
    assert len(METRICS) <= 32


def test_what_one_object_told_another_knows_after_a_restart_too() -> None:
    sink = MemorySink()
    kept(sink, Told(sink=sink, name="dicom"), [IMAGE, EXPOSURE], ["tube.voltage", "detector.nominal"], IMAGE)
    for _ in range(2):
        told = Told(sink=sink, name="dicom")
        assert told.of([REPORT, EXPOSURE], seen=REPORT) == {"tube.voltage", "detector.nominal"}
        assert told.of([REPORT], seen=REPORT) == set()


def test_an_object_is_not_told_by_itself() -> None:
    sink = MemorySink()
    told = Told(sink=sink, name="dicom")
    told.add([IMAGE, EXPOSURE], ["tube.voltage"], seen=IMAGE)  # and not committed
    assert told.of([IMAGE, EXPOSURE], seen=IMAGE) == set()
    assert not sink.positions


def test_what_is_not_of_the_exposure_is_not_remembered() -> None:
    told = Told(sink=MemorySink(), name="dicom")
    assert told.add([IMAGE], ["dicom.values_refused"], seen=IMAGE) == {}


def test_the_same_object_again_takes_no_room() -> None:
    told = Told(sink=MemorySink(), name="dicom")
    assert told.add([IMAGE], ["tube.voltage"], seen=IMAGE)
    assert told.add([IMAGE], ["tube.voltage"], seen=IMAGE) == {}
    assert told.add([IMAGE], ["tube.current"], seen=IMAGE)


def test_the_newest_are_remembered_and_what_they_take_is_bounded() -> None:
    sink = MemorySink()
    told = Told(sink=sink, name="dicom")
    last = 3 * PARTS * MARKS + 7
    for number in range(last):
        positions = told.add([key(number)], ["tube.voltage"], seen=key(number + 1))
        assert len(positions) == 1
        sink.put(Entry(positions=positions))
    assert len(sink.positions) == PARTS
    assert max(map(len, sink.positions.values())) <= 1100
    again = Told(sink=sink, name="dicom")
    for each in (told, again):
        assert each.of([key(last - 1)], seen=IMAGE) == {"tube.voltage"}
        assert each.of([key(last - (PARTS - 1) * MARKS)], seen=IMAGE) == {"tube.voltage"}
        assert each.of([key(0)], seen=IMAGE) == set()


def test_two_sources_do_not_share_their_marks() -> None:
    sink = MemorySink()
    kept(sink, Told(sink=sink, name="dicom"), [EXPOSURE], ["tube.voltage"], IMAGE)
    assert Told(sink=sink, name="folder").of([EXPOSURE], seen=REPORT) == set()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=PARTS))
def test_whatever_is_on_the_disk_is_read(parts: list[bytes]) -> None:
    sink = MemorySink()
    sink.positions = {f"dicom:told:{number}": part for number, part in enumerate(parts)}
    told = Told(sink=sink, name="dicom")
    kept(sink, told, [EXPOSURE], ["tube.voltage"], IMAGE)
    assert told.of([EXPOSURE], seen=REPORT) == {"tube.voltage"}
