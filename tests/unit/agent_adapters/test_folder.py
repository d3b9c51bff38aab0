"""The watched folder: what stands still is read once, and nothing in it is ever touched."""

import os
from pathlib import Path

import pytest

from agent.adapters.dicom import folder as watched
from agent.adapters.dicom.folder import FolderWatch
from agent.config.shapes import Folder
from catalog.load import load
from tests.fixtures.dicom import DX, element, image
from tests.fixtures.sink import MemorySink

MODEL = load().models["generic-dr"]


def watch(path: Path, sink: MemorySink) -> FolderWatch:
    adapter = FolderWatch(config=Folder(path=str(path), time_zone="Asia/Shanghai"), model=MODEL, sink=sink)
    adapter.resume()
    return adapter


async def looks(adapter: FolderWatch, times: int = 2) -> None:
    for _ in range(times):
        await adapter.turn()


def put(path: Path, number: int = 1, kind: str = DX) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image({"SOPInstanceUID": f"2.25.{number}", "SOPClassUID": kind}))
    return path


def snapshot(path: Path) -> dict[str, tuple[int, int, int]]:
    found = (each.lstat() for each in path.rglob("*"))
    names = (str(each) for each in path.rglob("*"))
    return {name: (stat.st_size, stat.st_mtime_ns, stat.st_mode) for name, stat in zip(names, found, strict=True)}


def facts(sink: MemorySink) -> int:
    return sum(bool(entry.seen) for entry in sink.entries)


async def test_a_file_is_read_when_it_stood_still(tmp_path: Path) -> None:
    sink = MemorySink()
    adapter = watch(tmp_path, sink)
    whole = image()
    file = tmp_path / "one.dcm"
    for part in (100, 400, len(whole)):  # as a slow copy grows
        file.write_bytes(whole[:part])
        await adapter.turn()
        assert sink.entries == []
    await adapter.turn()
    assert facts(sink) == 1
    assert not sink.counts
    assert "CANARY" not in repr(sink.entries)


async def test_it_is_read_once_and_nothing_is_touched(tmp_path: Path) -> None:
    sink = MemorySink()
    for number in range(5):
        put(tmp_path / f"study{number}" / "deep" / "er" / "image", number)
    before = snapshot(tmp_path)
    adapter = watch(tmp_path, sink)
    await looks(adapter, 4)
    assert facts(sink) == 5
    assert snapshot(tmp_path) == before


async def test_after_a_restart_only_what_is_new_is_read(tmp_path: Path) -> None:
    sink = MemorySink()
    put(tmp_path / "one.dcm", 1)
    await looks(watch(tmp_path, sink))
    assert sink.puts == 2  # the image, and what was read
    put(tmp_path / "two.dcm", 2)
    await looks(watch(tmp_path, sink), 3)
    assert sink.puts == 4
    assert facts(sink) == 2


async def test_a_file_that_was_written_over_is_read_again(tmp_path: Path) -> None:
    sink = MemorySink()
    file = put(tmp_path / "last.dcm", 1)
    adapter = watch(tmp_path, sink)
    await looks(adapter)
    put(file, 2)
    os.utime(file, ns=(1, 10**18))
    await looks(adapter)
    assert facts(sink) == 2


async def test_what_the_outbox_does_not_keep_is_read_again(tmp_path: Path) -> None:
    sink = MemorySink()
    put(tmp_path / "one.dcm", 1)
    adapter = watch(tmp_path, sink)
    sink.failing = True
    await looks(adapter, 3)
    assert sink.entries == []
    sink.failing = False
    await adapter.turn()
    assert facts(sink) == 1


async def test_a_copy_of_an_image_is_recognised(tmp_path: Path) -> None:
    sink = MemorySink()
    put(tmp_path / "one.dcm", 1)
    put(tmp_path / "copy of one.dcm", 1)
    await looks(watch(tmp_path, sink))
    assert facts(sink) == 1


async def test_what_is_no_image_is_skipped_and_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()
    monkeypatch.setattr(watched, "MAX_BYTES", 100_000)
    (tmp_path / "thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 10)
    (tmp_path / "empty").write_bytes(b"")
    put(tmp_path / "report.dcm", 2, kind="1.2.840.10008.5.1.4.1.1.88.33")
    (tmp_path / "giant.dcm").write_bytes(image(pixels=200_000))
    (tmp_path / "cut.dcm").write_bytes(image()[:500])
    await looks(watch(tmp_path, sink), 4)
    await looks(watch(tmp_path, sink), 4)
    assert facts(sink) == 0
    assert sink.counts == {"folder:not-dicom": 2, "folder:oversize": 1, "folder:truncated": 1}
    assert sink.nothing == {"folder:other-storage": 1}


async def test_links_are_not_followed(tmp_path: Path) -> None:
    sink = MemorySink()
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    put(outside / "secret.dcm", 1)
    inside.mkdir()
    (inside / "file.dcm").symlink_to(outside / "secret.dcm")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    await looks(watch(inside, sink), 3)
    assert facts(sink) == 0
    assert sink.counts == {"folder:link": 3}


async def test_depth_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()
    monkeypatch.setattr(watched, "MAX_DEPTH", 2)
    monkeypatch.setattr(watched, "MAX_FILES", 3)
    put(tmp_path / "a" / "b" / "c" / "too-deep.dcm", 1)
    for number in range(5):
        put(tmp_path / f"{number}.dcm", 10 + number)
    await looks(watch(tmp_path, sink), 3)
    assert facts(sink) == 3
    assert sink.counts["folder:too-many-files"] == 1


async def test_a_folder_that_is_not_there_is_counted_once_and_waited_for(tmp_path: Path) -> None:
    sink = MemorySink()
    adapter = watch(tmp_path / "later", sink)
    await looks(adapter, 3)
    assert sink.counts == {"folder:unreadable-folder": 1}
    put(tmp_path / "later" / "one.dcm")
    await looks(adapter)
    assert facts(sink) == 1


async def test_a_header_behind_big_private_groups_is_read(tmp_path: Path) -> None:
    sink = MemorySink()
    data = image()
    blob = element(0x00091010, b"\0" * 500_000, vr="OB")
    at = data.index(element("PatientName", "CANARY^NAME"))
    (tmp_path / "ge.dcm").write_bytes(data[:at] + blob + data[at:])
    await looks(watch(tmp_path, sink))
    assert facts(sink) == 1
    assert DX not in repr(sink.entries)
