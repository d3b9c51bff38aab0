"""Dose reports by C-STORE and in a watched folder, and the images of the same exposures beside them."""

import tracemalloc
from pathlib import Path

import pytest
from pydicom import Dataset

from agent.adapters.dicom.folder import FolderWatch
from agent.config.shapes import Folder
from tests.fixtures.dicom import EXPLICIT, IMPLICIT, Tag, Value, image
from tests.fixtures.dicom_peer import Peer, store_command, values
from tests.fixtures.dose import DOSE_REPORT, encoded, event, report, sent
from tests.fixtures.scp import MODEL, serving
from tests.fixtures.scu import associated, away, dataset, store
from tests.fixtures.sink import MemorySink


def stored(port: int, *reports: Dataset, syntax: str = EXPLICIT) -> list[int]:
    with associated(port, DOSE_REPORT, syntaxes=[syntax]) as association:
        return [association.send_c_store(sent(each, syntax=syntax)).Status for each in reports]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
async def test_every_event_is_entered_once_however_often_it_is_sent(syntax: str) -> None:
    sink = MemorySink()
    first, second = event(), event({"113733": ("49", "kV")}, uid="2.25.72")
    async with serving(sink) as scp:
        assert await away(stored, scp.port, report(first), report(first, uid="2.25.8"), syntax=syntax) == [0, 0]
    async with serving(sink) as scp:  # what is remembered beside the outbox is lost
        assert await away(stored, scp.port, report(first, second), syntax=syntax) == [0]
    assert sink.values() == [80.5, 49]
    assert "CANARY" not in repr(sink.entries)
    assert not sink.counts


IMAGE: dict[Tag, Value | None] = {"SOPInstanceUID": "2.25.5", "KVP": "81"}


@pytest.mark.parametrize("change", [{}, {0x00083010: "2.25.71", "SOPInstanceUID": "2.25.6"}])
async def test_an_exposure_that_its_image_told_is_not_told_again(change: dict[Tag, Value | None]) -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        image = dataset({**IMAGE, "ImageAndFluoroscopyAreaDoseProduct": None, **change})
        assert await away(store, scp.port, image) == [0]
        assert await away(stored, scp.port, report(event(images=["2.25.5"]))) == [0]
    assert sink.values() == [81]
    assert sink.values("exposure.dap") == [1.75]  # which the image didn't say


async def test_an_exposure_that_its_report_told_first_is_not_told_again_by_the_image() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        assert await away(stored, scp.port, report(event(images=["2.25.5"]))) == [0]
        assert await away(store, scp.port, dataset(IMAGE)) == [0]
        assert await away(store, scp.port, dataset({"SOPInstanceUID": "2.25.6", "KVP": "82"})) == [0]
    assert sink.values() == [80.5, 82]
    assert sink.values("detector.temperature") == [31.5, 31.5]


async def test_what_the_outbox_does_not_keep_is_sent_again() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        sink.failing = True
        assert await away(stored, scp.port, report()) == [0xA700]
        sink.failing = False
        assert await away(stored, scp.port, report()) == [0]
    assert sink.values() == [80.5]


async def test_a_report_that_is_none_is_refused_and_the_association_goes_on() -> None:
    sink = MemorySink()
    whole = encoded(report())

    def peer(port: int) -> list[int]:
        with Peer(port) as peer:
            peer.associate(DOSE_REPORT)
            statuses = []
            for body in (b"\0" * 40, whole[0x150:-200], b"CANARY" * 100):
                peer.send(values((3, store_command(DOSE_REPORT)), (2, body)))
                statuses.append(peer.status())
            return statuses

    async with serving(sink) as scp:
        assert await away(peer, scp.port) == [0] * 3
        assert await away(stored, scp.port, report()) == [0]
    assert sink.values() == [80.5]
    assert sink.counts == {"dicom:unreadable": 2, "dicom:truncated": 1}


async def test_a_report_without_end_is_bounded() -> None:
    """However much of it comes, no more of it is held than one element."""
    sink = MemorySink()
    head = encoded(report())[0x150:]

    def peer(port: int) -> int:
        with Peer(port) as peer:
            peer.associate(DOSE_REPORT)
            peer.send(values((3, store_command(DOSE_REPORT))))
            for _ in range(60):
                peer.send(values((0, head[:100] + bytes(100_000))))
            peer.send(values((2, b"")))
            return peer.status()

    async with serving(sink) as scp:
        tracemalloc.start()
        assert await away(peer, scp.port) == 0
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4_000_000
    assert sink.entries == []
    assert sink.counts == {"dicom:truncated": 1}


async def test_a_folder_with_images_and_reports(tmp_path: Path) -> None:
    sink = MemorySink()
    (tmp_path / "report.dcm").write_bytes(encoded(report(event(images=["2.25.5"]), event(uid="2.25.72"))))
    (tmp_path / "long.dcm").write_bytes(
        encoded(report(*[event({"113733": ("60", "kV")}, uid=f"2.25.9{number}") for number in range(100)]))
    )
    watch = FolderWatch(config=Folder(path=str(tmp_path)), model=MODEL, sink=sink)
    watch.resume()
    for _ in range(3):
        await watch.turn()
    assert sorted(sink.values()) == [60.0] * 100 + [80.5, 80.5]
    assert not sink.counts


@pytest.mark.parametrize("image_first", [True, False])
async def test_a_restart_in_between_enters_nothing_twice(image_first: bool) -> None:
    sink = MemorySink()
    whole = report(event(images=["2.25.5"]), event(uid="2.25.72", images=["2.25.6"]))
    for image_now in (image_first, not image_first):
        async with serving(sink) as scp:
            sending = away(store, scp.port, dataset(IMAGE)) if image_now else away(stored, scp.port, whole)
            assert await sending == [0]
    assert sorted(sink.values()) == ([80.5, 81] if image_first else [80.5, 80.5])
    assert len(sink.values("exposure.dap")) == 2
    async with serving(sink) as scp:
        assert await away(store, scp.port, dataset({**IMAGE, "SOPInstanceUID": "2.25.6", "KVP": "99"})) == [0]
    assert 99 not in sink.values()
    assert not sink.counts


async def test_of_what_the_outbox_did_not_keep_nothing_is_taken_for_told() -> None:
    sink = MemorySink()
    async with serving(sink) as scp:
        sink.failing = True
        assert await away(stored, scp.port, report(event(images=["2.25.5"]))) == [0xA700]
        sink.failing = False
        assert await away(store, scp.port, dataset(IMAGE)) == [0]
        assert await away(stored, scp.port, report(event(images=["2.25.5"]))) == [0]
    assert sink.values() == [81]


async def test_a_restart_in_a_folder(tmp_path: Path) -> None:
    sink = MemorySink()
    for name, data in (("a.dcm", image(IMAGE)), ("b.dcm", encoded(report(event(images=["2.25.5"]))))):
        (tmp_path / name).write_bytes(data)
        watch = FolderWatch(config=Folder(path=str(tmp_path)), model=MODEL, sink=sink)
        watch.resume()
        for _ in range(2):
            await watch.turn()
    assert sink.values() == [81]
