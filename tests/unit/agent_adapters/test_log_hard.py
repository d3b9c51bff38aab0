"""Logs that break what one expects: enormous ones, NULs, holes, no ends, every encoding, and truncation unseen."""

import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.logs.encodings import is_big_endian
from agent.adapters.logs.file import CHUNK, look, turns
from agent.adapters.logs.lines import MAX_LINE, cut_lines
from agent.adapters.logs.tail import LogTail
from agent.clock import Now
from agent.config.shapes import Log
from catalog.load import load
from tests.fixtures.sink import MemorySink
from wire.items import Fault

MODEL = load().models["generic-dr"]
LATER = Now(wall=1_795_309_200_000, elapsed=0)
TEN_GB = 10_000_000_000


def line(second: int, *, end: str = "\n") -> str:
    return f"2026-11-22 08:{second // 60:02}:{second % 60:02} ALARM GEN-KV-01 SET 张三{end}"


def lines(*seconds: int) -> str:
    return "".join(map(line, seconds))


async def drained(path: Path, sink: MemorySink, **options: Any) -> LogTail:
    """An adapter that starts, as after a restart, and reads all there is."""
    config = Log(path=str(path), time_zone="Asia/Shanghai", **options)
    adapter = LogTail(config=config, model=MODEL, sink=sink, now=lambda: LATER)
    adapter.resume()
    await on(adapter)
    return adapter


async def on(adapter: LogTail) -> int:
    """Read on till nothing is left; the number of turns."""
    count = 1
    while await adapter.turn():
        count += 1
        assert count < 5000
    return count


def seconds(sink: MemorySink) -> list[int]:
    faults = [item for item in sink.items() if isinstance(item, Fault)]
    return [(fault.at - 1_795_305_600_000) // 1000 for fault in faults]


def sparse(path: Path, size: int, text: str = "", *, at: int | None = None) -> None:
    """A file of ``size`` bytes that takes no room on the disk, with a text at its end, or at ``at``."""
    with path.open("wb") as stream:
        stream.truncate(size)
        stream.seek(size - len(text.encode()) if at is None else at)
        stream.write(text.encode())


class TestTenGigabytes:
    async def test_the_first_start_reads_its_end_in_little_time_and_memory(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sparse(path, TEN_GB, "x" * 5_000_000 + "\n" + lines(*range(50)))
        began = time.perf_counter()
        tracemalloc.start()
        await drained(path, sink, first_mb=4)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert time.perf_counter() - began < 10
        assert peak < 4_000_000
        assert seconds(sink) == list(range(50))
        assert sink.counts == {"log:older-unread": 1}

    async def test_its_position_survives(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sparse(path, TEN_GB, lines(0, 1))
        await drained(path, sink, first_mb=0)
        assert seconds(sink) == []
        for second in (2, 3):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line(second))
            await drained(path, sink, first_mb=0)
        assert seconds(sink) == [2, 3]

    async def test_made_in_its_full_size_only_what_is_written_counts(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sparse(path, TEN_GB, lines(0, 1), at=0)
        began = time.perf_counter()
        adapter = await drained(path, sink)
        with path.open("r+b") as stream:
            stream.seek(len(lines(0, 1).encode()))
            stream.write(line(2)[:20].encode())
            stream.flush()
            assert await on(adapter) == 1
            stream.write(line(2)[20:].encode())
        await on(adapter)
        await drained(path, sink)
        assert seconds(sink) == [0, 1, 2]
        assert time.perf_counter() - began < 5


class TestTheFirstStart:
    @pytest.mark.parametrize(
        ("first_mb", "expected"), [(0, []), (0.0003, list(range(94, 100))), (64, list(range(100)))]
    )
    async def test_it_begins_as_far_back_as_it_is_told(
        self, tmp_path: Path, first_mb: float, expected: list[int]
    ) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text(lines(*range(100)), encoding="utf-8")
        await drained(path, sink, first_mb=first_mb)
        assert seconds(sink) == expected
        assert sink.counts == ({} if first_mb == 64 else {"log:older-unread": 1})

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    async def test_within_utf_16_it_begins_with_a_whole_line(self, tmp_path: Path, encoding: Any) -> None:
        path = tmp_path / "dr.log"
        for odd in range(4):
            sink = MemorySink()
            path.write_bytes(lines(*range(10)).encode(encoding))
            await drained(path, sink, encoding=encoding, first_mb=(300 + odd) / 1e6)
            assert seconds(sink) == [7, 8, 9]
            assert set(sink.counts) == {"log:older-unread"}

    async def test_a_line_that_is_being_written_is_not_taken_from_its_middle(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text(lines(0) + line(1)[:30], encoding="utf-8")
        adapter = await drained(path, sink, first_mb=0)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line(1)[30:] + line(2))
        await on(adapter)
        assert seconds(sink) == [2]

    async def test_a_log_that_comes_later_is_read_from_its_beginning(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        adapter = await drained(path, sink, first_mb=0)
        path.write_text(lines(0, 1), encoding="utf-8")
        await on(adapter)
        assert seconds(sink) == [0, 1]

    async def test_after_a_rotation_the_new_file_is_read_whole(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text(lines(0), encoding="utf-8")
        await drained(path, sink, first_mb=0)
        path.rename(tmp_path / "dr.log.1")
        path.write_text(lines(*range(1, 60)), encoding="utf-8")
        await drained(path, sink, first_mb=0)
        assert seconds(sink) == list(range(1, 60))


class TestNuls:
    async def test_the_hole_of_a_writer_that_goes_on_after_a_truncation(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        with path.open("wb") as stream:
            stream.write(lines(*range(600)).encode())
            stream.flush()
            await drained(path, sink)
            (tmp_path / "dr.log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
            stream.write(lines(600, 601).encode())
        assert path.read_bytes().startswith(bytes(1000))
        await drained(path, sink)
        assert seconds(sink) == list(range(602))
        assert not sink.counts

    async def test_a_hole_of_many_turns(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sparse(path, 400 * CHUNK, "\n" + lines(7))
        began = time.process_time()
        await drained(path, sink, first_mb=1000)
        assert seconds(sink) == [7]
        assert time.process_time() - began < 20

    async def test_what_a_power_loss_leaves_at_the_end(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_bytes(lines(0).encode() + line(1)[:25].encode() + bytes(3000))
        adapter = await drained(path, sink)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line(2) + line(3))
        await on(adapter)
        assert seconds(sink) == [0, 2, 3]

    def test_a_nul_ends_a_line_in_one_byte_and_in_two(self) -> None:
        assert cut_lines(b"a\0\0b\nc\0d", newline=b"\n", skipping=False, final=False).lines == [b"a", b"b", b"c"]
        wide = "a\0b\nĀ\0".encode("utf-16-be")
        found = cut_lines(wide, newline=b"\0\n", skipping=False, final=False)
        assert [each.decode("utf-16-be") for each in found.lines] == ["a", "b", "Ā"]
        assert found.used == len(wide)

    def test_a_finished_file_with_nuls_ends(self, tmp_path: Path) -> None:
        path = tmp_path / "dr.log"
        path.write_bytes(b"one\ntwo" + bytes(100_000))
        assert [each for turn in turns(path, encoding=None) for each in turn.lines] == [b"one", b"two"]
        path.write_bytes(bytes(100_000))
        assert [each for turn in turns(path, encoding=None) for each in turn.lines] == []

    async def test_a_rotated_file_with_nuls_at_its_end_is_left(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sparse(path, 100_000, lines(0), at=0)
        adapter = await drained(path, sink)
        path.rename(tmp_path / "dr.log.1")
        path.write_text(lines(1), encoding="utf-8")
        await on(adapter)
        assert seconds(sink) == [0, 1]


class TestWithoutEnd:
    async def test_a_line_without_end_takes_no_memory_and_what_follows_is_read(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_bytes(lines(0).encode() + b"x" * (40 * CHUNK))
        tracemalloc.start()
        adapter = await drained(path, sink)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000
        with path.open("ab") as stream:
            stream.write(b"x" * MAX_LINE + b"\n" + lines(1).encode())
        await on(adapter)
        assert seconds(sink) == [0, 1]
        assert sink.counts == {"log:long-line": 1}


class TestTruncation:
    async def test_grown_beyond_what_was_read_and_beginning_as_before(self, tmp_path: Path) -> None:
        """Unseen between two looks, as while the agent was down: the banner alone would recognise it."""
        path, sink = tmp_path / "dr.log", MemorySink()
        banner = "=== DR log, the same words at the beginning of each file ===\n" * 8
        path.write_text(banner + lines(0, 1), encoding="utf-8")
        await drained(path, sink)
        path.write_text(banner + lines(*range(2, 20)), encoding="utf-8")  # the same inode
        await drained(path, sink)
        assert seconds(sink) == list(range(20))

    async def test_rotated_by_copy_and_by_rename_in_turn(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text(lines(0, 1), encoding="utf-8")
        adapter = await drained(path, sink)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line(2))
        (tmp_path / "dr.log.1").write_bytes(path.read_bytes())
        path.write_text(lines(3), encoding="utf-8")
        await on(adapter)
        path.rename(tmp_path / "dr.log.0")
        path.write_text(lines(4), encoding="utf-8")
        await on(adapter)
        assert seconds(sink) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("big", [True, False])
@pytest.mark.parametrize("named", [True, False])
async def test_utf_16_with_and_without_its_mark(tmp_path: Path, mark: bool, big: bool, named: bool) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    codec = "utf-16-be" if big else "utf-16-le"
    path.write_bytes((("\ufeff" if mark else "") + lines(0)).encode(codec))
    adapter = await drained(path, sink, encoding=codec if named else "utf-16")
    with path.open("ab") as stream:
        stream.write(line(1, end="\r\n").encode(codec)[:-1])
        stream.flush()
        await on(adapter)
        stream.write(line(1, end="\r\n").encode(codec)[-1:])
    await on(adapter)
    assert seconds(sink) == [0, 1]
    assert not sink.counts


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_chinese_words_beside_the_code(tmp_path: Path, encoding: Any) -> None:
    path, sink = tmp_path / "dr.log", MemorySink()
    text = "".join(f"{line(second)[:-1]} 高压发生器故障，患者李四 𠮷\r\n" for second in range(40))
    path.write_bytes(text.encode(encoding))
    await drained(path, sink, encoding=encoding)
    assert seconds(sink) == list(range(40))
    assert not sink.counts
    kept = repr((sink.entries, sink.positions))
    assert "李四" not in kept
    assert repr("李四".encode(encoding))[2:-1] not in kept


def test_the_order_of_bytes_by_where_the_zeros_stand() -> None:
    assert is_big_endian("utf-16-be", b"")
    assert not is_big_endian("utf-16-le", b"\xfe\xff")
    assert not is_big_endian("utf-16", b"")
    assert not is_big_endian(None, b"\0a\0b")


class TestContinuation:
    BLOCK = ("2026-11-22 08:00:05 ERROR exposure of 张三 aborted\n", "  Module: generator\n", "  Code: GEN-KV-01\n")

    @pytest.mark.parametrize("stopped", [1, 2, 3])
    async def test_a_code_in_a_following_line_through_a_restart(self, tmp_path: Path, stopped: int) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text(lines(0) + "".join(self.BLOCK[:stopped]), encoding="utf-8")
        await drained(path, sink)
        with path.open("a", encoding="utf-8") as stream:
            stream.write("".join(self.BLOCK[stopped:]) + lines(6))
        await drained(path, sink)
        assert seconds(sink) == [0, 5, 6]
        assert "张三" not in repr((sink.entries, sink.positions))
        assert "张三".encode() not in b"".join(sink.positions.values())

    async def test_what_the_outbox_does_not_take_waits_for_its_continuation_again(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        path.write_text("".join(self.BLOCK[:2]), encoding="utf-8")
        adapter = await drained(path, sink)
        sink.failing = True
        with path.open("a", encoding="utf-8") as stream:
            stream.write(self.BLOCK[2])
        assert not await adapter.turn()
        sink.failing = False
        await on(adapter)
        assert seconds(sink) == [5]

    async def test_a_damaged_memory_of_what_waits_is_none(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "dr.log", MemorySink()
        sink.positions[f"log:{path}:waiting"] = b"\xc1torn"
        path.write_text("".join(self.BLOCK), encoding="utf-8")
        await drained(path, sink)
        assert seconds(sink) == [5]


def test_one_look_reads_no_more_than_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "dr.log"
    path.write_bytes(b"short\n" * CHUNK)
    turn = look(path, None, encoding=None, now=4e9)
    assert turn.more
    assert sum(len(each) + 1 for each in turn.lines) <= CHUNK
