"""A log is known by its content: whatever becomes of its name, inode and device, each line is entered exactly once."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.logs.beside import MAX_FILES
from agent.adapters.logs.place import DEEP, HEAD
from tests.fixtures.logs import Hospital, line


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path)


@pytest.mark.parametrize("lines", [1, 3, 400])
@pytest.mark.parametrize("restarts", [False, True])
async def test_another_inode_with_the_same_content_is_the_same_log(
    hospital: Hospital, lines: int, restarts: bool
) -> None:
    hospital.write(lines)
    await hospital.read()
    for _ in range(3):
        before = hospital.log.stat().st_ino
        shutil.copyfile(hospital.log, hospital.folder / "x")
        (hospital.folder / "x").rename(hospital.log)
        assert hospital.log.stat().st_ino != before
        if restarts:
            hospital.restart()
        assert await hospital.read() == hospital.everything
        hospital.write()
        assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


async def test_a_mount_with_another_device_number_is_the_same_log(hospital: Hospital) -> None:
    hospital.write(3)
    await hospital.read()
    key = f"log:{hospital.log}"
    device, *rest = msgspec.msgpack.decode(hospital.sink.positions[key])
    hospital.sink.positions[key] = msgspec.msgpack.encode([device + 1, *rest])
    hospital.write()
    hospital.restart()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


async def test_renamed_before_anything_of_it_was_read(hospital: Hospital) -> None:
    hospital.write(0)
    await hospital.read()
    hospital.write(2)
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(2)
    assert await hospital.read() == hospital.everything


async def test_copied_and_truncated_twice_between_two_looks(hospital: Hospital) -> None:
    hospital.write(0)
    await hospital.read()
    for number in (2, 1):
        hospital.write(2)
        shutil.copyfile(hospital.log, hospital.folder / f"dr.log.{number}")
        os.truncate(hospital.log, 0)
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("tail", ["", " at the bottom of a page of text that is the same in each line" * 4])
async def test_copied_and_truncated_then_grown_beyond_and_beginning_alike(hospital: Hospital, tail: str) -> None:
    banner = "=== DR service log, version 2.1, room 4 ===\n" * 10
    texts = [banner + "".join(f"{line(6 * part + n)[:-1]}{tail}\n" for n in range(6)) for part in range(2)]
    hospital.log.write_text(texts[0][: len(banner) + 3 * (len(line(0)) + len(tail))], encoding="utf-8")
    assert await hospital.read() == [0, 1, 2]
    (hospital.folder / "dr_bak.log").write_text(texts[0], encoding="utf-8")
    hospital.log.write_text(texts[1], encoding="utf-8")
    assert await hospital.read() == list(range(12))
    assert not hospital.sink.counts


async def test_truncated_in_place_unseen_and_without_a_copy_is_counted(hospital: Hospital) -> None:
    hospital.write(2)
    await hospital.read()
    hospital.write()
    hospital.log.write_text("", encoding="utf-8")
    hospital.written = 10
    hospital.write(5)
    assert await hospital.read() == [0, 1, *range(10, 15)]
    assert hospital.sink.counts == {"log:rotated-unread": 1}


async def test_an_empty_new_file_while_the_writer_still_has_the_old_one(hospital: Hospital) -> None:
    """What a rotation does whose writer isn't told of it; and the next rotation gives the old file another name."""
    hospital.write(2)
    await hospital.read()
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(0)
    for restart in (False, True):
        hospital.write(2, to="dr.log.1")
        if restart:
            hospital.restart()
        assert await hospital.read() == hospital.everything
    (hospital.folder / "dr.log.1").rename(hospital.folder / "dr.log.2")
    assert await hospital.read() == hospital.everything
    hospital.write(1, to="dr.log.2")
    assert await hospital.read() == hospital.everything
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("backup", [None, "dr.log~", "dr.log.bak"])
@pytest.mark.parametrize("appended", [0, 2])
@pytest.mark.parametrize("lines", [2, 2000])
async def test_saved_by_an_editor(hospital: Hospital, backup: str | None, appended: int, lines: int) -> None:
    hospital.write(lines)
    await hospital.read()
    text = hospital.log.read_text(encoding="utf-8")
    if backup is None:
        (hospital.folder / "4913").write_text(text, encoding="utf-8")
        (hospital.folder / "4913").rename(hospital.log)
    else:
        hospital.log.rename(hospital.folder / backup)
        hospital.log.write_text(text, encoding="utf-8")
    hospital.write(appended)
    assert await hospital.read() == hospital.everything
    hospital.write()
    hospital.restart()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("appended", [0, 1, 4])
@pytest.mark.parametrize("kept", [1, 3, 6])
async def test_an_older_copy_is_restored(hospital: Hospital, kept: int, appended: int, renamed: bool) -> None:
    hospital.write(7)
    await hospital.read()
    copy = "".join(map(line, range(kept)))
    if renamed:
        hospital.log.rename(hospital.folder / "dr.log.broken")
    hospital.log.write_text(copy, encoding="utf-8")
    hospital.write(appended)
    assert await hospital.read() == hospital.everything
    hospital.write()
    hospital.restart()
    assert await hospital.read() == hospital.everything


async def test_an_older_copy_of_a_big_log_ends_between_two_stops(hospital: Hospital) -> None:
    hospital.write(3000)
    await hospital.read()
    data = hospital.log.read_bytes()
    hospital.log.write_bytes(data[: 1234 * len(line(0))])
    assert await hospital.read() == hospital.everything
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert hospital.sink.counts == {"log:older-copy": 1}


async def test_a_file_of_before_the_last_rotation_is_restored(hospital: Hospital) -> None:
    hospital.write(4)
    await hospital.read()
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(4)
    await hospital.read()
    hospital.log.unlink()
    shutil.copyfile(hospital.folder / "dr.log.1", hospital.log)
    assert await hospital.read() == hospital.everything
    hospital.write()
    hospital.restart()
    assert await hospital.read() == hospital.everything
    assert hospital.sink.counts == {"log:older-copy": 1}


async def test_the_first_lines_are_cut_off(hospital: Hospital) -> None:
    """``tail -n 100 dr.log > x && mv x dr.log``, as many a script does to bound a log."""
    hospital.write(500)
    await hospital.read()
    kept = hospital.log.read_bytes()[-100 * len(line(0)) :]
    hospital.log.unlink()
    hospital.log.write_bytes(kept)
    hospital.write(3)
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("edited", [3, 150, 290])
async def test_a_line_in_the_middle_is_taken_out(hospital: Hospital, edited: int) -> None:
    hospital.write(300)
    await hospital.read()
    lines = hospital.log.read_bytes().splitlines(keepends=True)
    hospital.log.write_bytes(b"".join(lines[:edited] + lines[edited + 1 :]))
    assert await hospital.read() == hospital.everything
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


async def test_a_copy_that_somebody_made_is_not_taken_for_a_rotation(hospital: Hospital) -> None:
    hospital.write(3)
    await hospital.read()
    shutil.copyfile(hospital.log, hospital.folder / "dr - Copy.log")
    hospital.write(3)
    await hospital.read()
    shutil.copyfile(hospital.log, hospital.folder / "dr - Copy (2).log")
    hospital.write()
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    shutil.copyfile(hospital.folder / "dr.log.1", hospital.folder / "dr - Copy (3).log")
    hospital.log.rename(hospital.folder / "dr.log.0")
    hospital.write()
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"])
async def test_packed_files_are_counted_and_not_read(hospital: Hospital, head: bytes) -> None:
    hospital.write(3)
    await hospital.read()
    hospital.log.unlink()
    (hospital.folder / "dr.log.1.gz").write_bytes(head + line(0).encode())
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    assert hospital.sink.counts == {"log:rotated-unread": 1, "log:rotated-packed": 1}


async def test_lines_without_a_time_are_not_taken_for_those_of_the_file_before(tmp_path: Path) -> None:
    """The same first line in each file is no sign of a copy if nothing in it can differ."""
    log = Hospital(tmp_path, patterns=("dr-alarm-set",))
    text = "GEN-KV-01 again\n"
    log.log.write_text(text, encoding="utf-8")
    await log.read()
    log.log.rename(tmp_path / "dr.log.1")
    log.log.write_text(text * 2, encoding="utf-8")
    await log.read()
    offsets = [msgspec.msgpack.decode(entry.positions[f"log:{log.log}"])[2] for entry in log.sink.entries]
    assert offsets == [len(text), 2 * len(text)]
    assert len(log.sink.positions[f"log:{log.log}:past"]) > 10


async def test_of_too_many_files_those_last_written_to_are_looked_at(hospital: Hospital) -> None:
    for number in range(MAX_FILES + 20):
        file = hospital.folder / f"dr_{number}.dat"
        file.write_bytes(b"x")
        os.utime(file, (1_000_000_000, 1_000_000_000))
    hospital.write(2)
    await hospital.read()
    hospital.write()
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write()
    assert await hospital.read() == hospital.everything


async def test_a_time_of_writing_that_is_ahead_holds_nothing_up(hospital: Hospital) -> None:
    """A share whose clock is another one, or a clock that was set back."""
    hospital.write()
    await hospital.read()
    hospital.write()
    os.utime(hospital.log, (5_000_000_000, 5_000_000_000))
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write()
    assert await hospital.read() == hospital.everything


@pytest.mark.parametrize("size", [HEAD - 1, HEAD, HEAD + 1, DEEP])
async def test_around_the_size_of_the_fingerprint(hospital: Hospital, size: int) -> None:
    hospital.log.write_text("x" * (size - 1) + "\n", encoding="utf-8")
    await hospital.read()
    shutil.copyfile(hospital.log, hospital.folder / "x")
    (hospital.folder / "x").rename(hospital.log)
    hospital.write(2)
    assert await hospital.read() == hospital.everything
    assert not hospital.sink.counts


class TestTheFormerVersion:
    """It kept ``[device, inode, offset, head size, head, skipping, size, modified, mark]`` and no files left."""

    async def former(self, hospital: Hospital) -> None:
        key = f"log:{hospital.log}"
        hospital.sink.positions[key] = msgspec.msgpack.encode(msgspec.msgpack.decode(hospital.sink.positions[key])[:9])
        del hospital.sink.positions[f"{key}:past"]
        hospital.restart()

    @pytest.mark.parametrize("lines", [1, 500])
    @pytest.mark.parametrize("what", ["nothing", "copied", "renamed", "copytruncated"])
    async def test_its_position_is_understood(self, hospital: Hospital, what: str, lines: int) -> None:
        hospital.write(lines)
        await hospital.read()
        hospital.sink.positions.setdefault(f"log:{hospital.log}:past", b"")
        await self.former(hospital)
        hospital.write()
        if what == "copied":
            shutil.copyfile(hospital.log, hospital.folder / "x")
            (hospital.folder / "x").rename(hospital.log)
        elif what == "renamed":
            hospital.log.rename(hospital.folder / "dr.log.old")
        elif what == "copytruncated":
            shutil.copyfile(hospital.log, hospital.folder / "dr.log.1")
            os.truncate(hospital.log, 0)
        hospital.write()
        assert await hospital.read() == hospital.everything
        assert not hospital.sink.counts


async def test_an_idle_log_costs_nothing_but_stat(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital.write(3)
    hospital.log.rename(hospital.folder / "dr.log.1")
    hospital.write(3)
    for _ in range(2):
        await hospital.read()
    puts = hospital.sink.puts

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        patch.setattr(os, "scandir", refuse)
        for _ in range(5):
            assert not await hospital.agent.turn()
    assert hospital.sink.puts == puts
    hospital.write()
    assert await hospital.read() == [3, 4, 5, 6]


STEPS = ("write", "write", "read", "rename", "copytruncate", "replace", "restart", "restore", "editor", "empty", "late")


@settings(deadline=None, max_examples=150)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=30))
async def test_whatever_happens_to_the_file_each_line_is_entered_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    hospital = Hospital(tmp_path_factory.mktemp("log"))
    hospital.write(2)
    await hospital.read()
    names = iter(f"dr_202611{1 + number // 24:02}_{number % 24:02}0000.log" for number in range(100))
    last: str | None = None
    for step in steps:
        match step:
            case "write":
                hospital.write()
            case "read":
                await hospital.read()
            case "restart":
                hospital.restart()
            case "rename":
                last = next(names) if hospital.log.stat().st_size else None
                hospital.log.rename(hospital.folder / (last or next(names)))
                hospital.write(0)
            case "copytruncate":
                last = None
                shutil.copyfile(hospital.log, hospital.folder / next(names))
                os.truncate(hospital.log, 0)
            case "replace":
                shutil.copyfile(hospital.log, hospital.folder / "x")
                (hospital.folder / "x").rename(hospital.log)
            case "editor":
                shutil.copyfile(hospital.log, hospital.folder / "x")
                hospital.log.rename(hospital.folder / "dr.log~")
                (hospital.folder / "x").rename(hospital.log)
                await hospital.read()  # later its backup can't be told from what was rotated
            case "restore":
                # what would be lost with the file is read first; the copy ends with any of its lines
                await hospital.read()
                lines = hospital.log.read_text(encoding="utf-8").splitlines(keepends=True)
                hospital.log.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
                await hospital.read()
            case "empty":
                await hospital.read()
                os.truncate(hospital.log, 0)
            case _:  # the writer still has the file that was rotated
                await hospital.read()
                hospital.write(to=last)
                await hospital.read()
    hospital.write()
    assert await hospital.read() == hospital.everything
