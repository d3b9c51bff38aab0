"""Where reading a log stands: growth, partial lines, rotation in every way, and kills in between."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.logs.file import CHUNK, look, turns
from agent.adapters.logs.lines import MAX_LINE, cut_lines
from agent.adapters.logs.place import Position, decode_position

LATER = 4e9
"""A time at which every file has settled."""


class Log:
    """A log as the equipment writes it, with strictly growing times of change, and somebody who reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position: Position | None = None
        self.past: tuple[Position, ...] = ()
        self.lost = 0
        self.long = 0
        self._clock = 1_700_000_000

    def write(self, data: bytes, path: Path | None = None) -> None:
        with (path or self.path).open("ab") as stream:
            stream.write(data)
        self.touch(path or self.path)

    def touch(self, path: Path) -> None:
        self._clock += 10
        os.utime(path, (self._clock, self._clock))

    def rename(self, to: str) -> None:
        self.path.rename(self.path.with_name(to))

    def read(self, *, now: float = LATER, encoding: str | None = None) -> list[bytes]:
        """Everything there is, through positions as they are stored."""
        lines: list[bytes] = []
        for _ in range(500):
            turn = look(self.path, self.position, self.past, encoding=encoding, now=now)
            self.position = turn.position and decode_position(turn.position.encode())
            self.past = turn.past
            lines += turn.lines
            self.lost += turn.lost
            self.long += turn.long
            if not turn.more:
                return lines
        raise AssertionError("it never comes to an end")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "dr.log")


def test_a_file_that_is_not_there_yet_is_waited_for(log: Log) -> None:
    assert log.read() == []
    assert log.position is None
    log.write(b"one\n")
    assert log.read() == [b"one"]
    assert log.read() == []


def test_the_last_line_waits_for_its_end(log: Log) -> None:
    log.write(b"one\ntw")
    assert log.read() == [b"one"]
    log.write(b"o")
    assert log.read() == []
    log.write(b"\nthree\r\n")
    assert log.read() == [b"two", b"three\r"]


@pytest.mark.parametrize(
    "name", ["dr.log.1", "dr.log-20261122", "dr.1.log", "dr-20261122_081403.log", "dr.log.2026-11-22"]
)
def test_rotation_by_rename_loses_nothing(log: Log, name: str) -> None:
    log.write(b"1\n2\n")
    assert log.read() == [b"1", b"2"]
    log.write(b"3\n4 without an end")
    log.rename(name)
    log.write(b"5\n")
    assert log.read() == [b"3", b"4 without an end", b"5"]
    assert log.read() == []
    assert log.lost == 0


def test_two_rotations_while_the_agent_was_down(log: Log) -> None:
    log.write(b"0\n", log.path.with_name("dr.log.9"))  # older than what was read: read before, or never meant
    log.write(b"1\n")
    assert log.read() == [b"1"]
    log.write(b"2\n")
    log.rename("dr.log.2")
    log.write(b"3\n")
    log.rename("dr.log.1")
    log.write(b"4\n")
    assert log.read() == [b"2", b"3", b"4"]
    assert log.lost == 0


def test_the_old_file_is_gone_but_a_later_one_is_not(log: Log) -> None:
    log.write(b"1\n")
    assert log.read() == [b"1"]
    log.write(b"lost\n")
    log.path.unlink()
    log.write(b"3\n")
    log.rename("dr.log.1")
    log.write(b"4\n")
    assert log.read() == [b"3", b"4"]
    assert log.lost == 1


def test_a_rotated_file_that_is_still_written_to_is_not_left(log: Log) -> None:
    log.write(b"1\n")
    assert log.read() == [b"1"]
    old = log.path.with_name("dr.log.1")
    log.rename("dr.log.1")
    log.write(b"3\n")
    changed = old.stat().st_mtime
    assert log.read(now=changed + 1) == []
    log.write(b"2\n", old)
    os.utime(old, (changed, changed))
    assert log.read(now=changed + 1) == [b"2"]
    assert log.read(now=changed + 3) == [b"3"]


def test_renamed_and_the_new_file_is_not_there_yet(log: Log) -> None:
    log.write(b"1\n2")
    assert log.read() == [b"1"]
    log.rename("dr.log.1")
    assert log.read() == [b"2"]
    assert log.read() == []
    log.write(b"3\n")
    assert log.read() == [b"3"]
    assert log.lost == 0


def test_truncation_after_everything_was_read(log: Log) -> None:
    log.write(b"one\ntwo\n")
    assert len(log.read()) == 2
    log.path.write_bytes(b"")
    assert log.read() == []
    log.write(b"three\n")
    assert log.read() == [b"three"]


def test_copied_then_truncated(log: Log) -> None:
    log.write(b"one\ntwo\n")
    assert len(log.read()) == 2
    log.write(b"three\nfour")
    copy = log.path.with_name("dr.log.1")
    shutil.copyfile(log.path, copy)
    log.touch(copy)
    log.path.write_bytes(b"five\n")
    log.touch(log.path)
    assert log.read() == [b"three", b"four", b"five"]
    assert log.lost == 0


def test_truncated_and_grown_beyond_where_reading_stood(log: Log) -> None:
    log.write(b"2026-11-22 one\n")
    assert len(log.read()) == 1
    log.path.write_bytes(b"2026-11-23 two\n2026-11-23 three\n")
    log.touch(log.path)
    assert log.read() == [b"2026-11-23 two", b"2026-11-23 three"]


def test_an_inode_that_is_used_again_is_another_file(log: Log) -> None:
    log.write(b"one\n")
    log.read()
    assert log.position is not None
    stat = log.path.stat()
    log.path.write_bytes(b"uno\ndue\n")  # same inode and longer, as after unlink and create
    log.touch(log.path)
    assert log.path.stat().st_ino == stat.st_ino
    assert log.read() == [b"uno", b"due"]


def test_a_line_beyond_the_bound_is_skipped_and_counted(log: Log) -> None:
    log.write(b"a\n" + b"x" * (MAX_LINE + 1) + b"\nb\n" + b"y" * (3 * CHUNK) + b"\nc\n")
    assert log.read() == [b"a", b"b", b"c"]
    assert log.long == 2


def test_a_long_line_that_grows_slowly_is_counted_once(log: Log) -> None:
    lines: list[bytes] = []
    for _ in range(8):
        log.write(b"x" * (MAX_LINE // 2))
        lines += log.read()
    log.write(b"\nnext\n")
    assert lines + log.read() == [b"next"]
    assert log.long == 1


def test_a_big_log_is_read_in_bounded_turns_in_order(log: Log) -> None:
    written = [f"line {number} {'x' * 90}".encode() for number in range(20_000)]
    log.write(b"\n".join(written) + b"\n")
    turn = look(log.path, None, encoding=None, now=LATER)
    assert turn.more
    assert turn.position is not None
    assert turn.position.offset <= CHUNK
    assert log.read() == written


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-16-le", b""), ("utf-16-be", b"")],
)
def test_utf_16_is_cut_between_characters(log: Log, encoding: str, mark: bytes) -> None:
    # 上 is 0A4E or 4E0A, ਊ is 0A0A: their bytes hold a line end that is none
    log.write(mark + "一上ਊ\n二".encode(encoding))
    first = log.read(encoding="utf-16")
    assert [line.decode(encoding).lstrip("\ufeff") for line in first] == ["一上ਊ"]
    log.write("三上\n".encode(encoding))
    turn = look(log.path, log.position, encoding="utf-16", now=LATER)
    assert [line.decode(encoding) for line in turn.lines] == ["二三上"]
    assert turn.big_endian == (encoding == "utf-16-be")


def test_lines_are_at_the_latest_as_old_as_the_file(log: Log) -> None:
    log.write(b"one\n")
    changed = log.path.stat().st_mtime
    assert look(log.path, None, encoding=None, now=changed + 5000).written == int(changed * 1000)
    assert look(log.path, None, encoding=None, now=changed - 5).written == int((changed - 5) * 1000)


def test_a_position_that_is_none_is_read_from_the_start() -> None:
    assert decode_position(None) is None
    assert decode_position(b"") is None
    assert decode_position(b"\x93\1\2\3") is None


def test_a_finished_file_from_end_to_end(log: Log) -> None:
    log.write(b"one\n" + b"x" * (2 * CHUNK) + b"\ntwo")
    found = list(turns(log.path, encoding=None))
    assert [line for turn in found for line in turn.lines] == [b"one", b"two"]
    assert sum(turn.long for turn in found) == 1
    log.path.write_bytes(b"")
    assert [turn.lines for turn in turns(log.path, encoding=None)] == [[]]


@settings(deadline=None)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6), wide=st.booleans())
def test_however_it_arrives_the_lines_are_the_same(data: bytes, cuts: list[int], wide: bool) -> None:
    newline = b"\n\0" if wide else b"\n"
    whole = cut_lines(data, newline=newline, skipping=False, final=True)
    lines: list[bytes] = []
    start = 0
    for end in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        cut = cut_lines(data[start:end], newline=newline, skipping=False, final=end == len(data))
        lines += cut.lines
        start += cut.used
    assert start == whole.used == len(data)
    assert lines == whole.lines


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.sampled_from(["write", "partial", "rename", "copytruncate", "read", "read"]), min_size=3, max_size=25
    )
)
def test_whatever_rotates_when_no_line_is_lost_or_read_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    log = Log(tmp_path_factory.mktemp("log") / "dr.log")
    written: list[bytes] = []
    read: list[bytes] = []
    rotations = 0
    log.write(b"first\n")
    written.append(b"first")
    read += log.read()
    open_line = False
    for step in steps:
        number = f"{len(written)}".encode()
        if step == "write":
            log.write((b"" if open_line else number) + b"\n")
            if not open_line:
                written.append(number)
            open_line = False
        elif step == "partial" and not open_line and log.path.exists():
            log.write(number)
            written.append(number)
            open_line = True
        elif step in {"rename", "copytruncate"}:
            # one rotation by copy between two looks: after two, the copies can't be told from one another
            if step == "copytruncate":
                read += log.read()
            rotations += 1
            rotated = log.path.with_name(f"dr.log.{100 - rotations}")
            if step == "rename":
                log.path.rename(rotated)
                log.write(b"")
            else:
                shutil.copyfile(log.path, rotated)
                log.touch(rotated)
                log.path.write_bytes(b"")
                log.touch(log.path)
                read += log.read()
            open_line = False
        elif step == "read":
            read += log.read()
    log.write(b"\nlast\n")
    read += log.read()
    assert [line for line in read if line] == [*written, b"last"]
