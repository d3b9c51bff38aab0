"""MLLP: however the bytes are cut, the same messages come out, and no more is held than one of them."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.hl7.mllp import CR, FS, HEAD, VT, Deframer, Frame, framed

LIMIT = 8192
MESSAGES = st.lists(st.binary(max_size=60).map(lambda b: b.replace(VT, b"").replace(FS, b"")), max_size=6)


def deframer() -> Deframer:
    return Deframer(limit=LIMIT)


def data_of(frames: list[Frame]) -> list[bytes]:
    return [frame.data for frame in frames]


@given(MESSAGES, st.data())
def test_whatever_way_the_stream_is_cut(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(framed(each) for each in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    found = deframer()
    frames = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in found.feed(stream[start:end])
    ]
    assert data_of(frames) == messages
    assert all(frame.whole for frame in frames)
    assert not found.refused
    assert not found.inside


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_nothing_it_is_fed_raises(chunks: list[bytes]) -> None:
    found = deframer()
    for chunk in chunks:
        found.feed(chunk)


def test_an_end_without_its_carriage_return_is_an_end() -> None:
    found = deframer()
    assert data_of(found.feed(VT + b"one" + FS)) == [b"one"]
    assert data_of(found.feed(VT + b"two" + FS + CR)) == [b"two"]
    assert not found.refused


@pytest.mark.parametrize("filling", [b"\r\n", b"\0", b" \t\r"])
def test_filling_between_messages_is_no_garbage(filling: bytes) -> None:
    found = deframer()
    assert data_of(found.feed(filling + framed(b"one") + filling + framed(b"two") + filling)) == [b"one", b"two"]
    assert not found.refused


def test_garbage_is_counted_once_a_run_and_measured() -> None:
    found = deframer()
    assert found.feed(b"GET / HTTP/1.1\r\n") == []
    assert found.feed(b"Host: x\r\n") == []
    assert found.refused == {"garbage": 1}
    assert found.noise == len("GET / HTTP/1.1") + len("Host: x")
    assert data_of(found.feed(framed(b"one"))) == [b"one"]
    assert found.noise == 0
    found.feed(b"more")
    assert found.refused == {"garbage": 2}


def test_a_message_that_begins_within_another_replaces_it() -> None:
    found = deframer()
    assert data_of(found.feed(VT + b"\rMSH|half" + VT + b"MSH|anew" + framed(b"whole"))) == [b"whole"]
    assert found.refused == {"cut-frame": 1}


@pytest.mark.parametrize(
    ("stream", "refused"),
    [
        (VT + b"MSH|half", {"cut-frame": 1}),
        (VT + b"\x02\x01" + VT + b"\xc3", {"garbage": 2}),
        (framed(b"whole") + b"MSH|^~\\&|bare\r", {"garbage": 1, "not-mllp": 1}),
        (b"MSH|^~\\&|bare\r" + framed(b"whole") + b"\r\n", {"garbage": 1, "not-mllp": 1}),
        (b"GET / HTTP/1.0\r\n\r\n", {"garbage": 1}),
    ],
)
def test_what_was_no_block_is_a_message_lost_or_anything(stream: bytes, refused: dict[str, int]) -> None:
    found = deframer()
    found.feed(stream)
    found.end()
    assert found.refused == refused


class TestTooLarge:
    def test_its_size_and_its_beginning_are_told(self) -> None:
        found = deframer()
        sent = b"MSH" + b"x" * (LIMIT - 2)
        (frame,) = found.feed(framed(sent))
        assert frame == Frame(sent[:HEAD], LIMIT + 1)
        assert not frame.whole
        assert data_of(found.feed(framed(b"next"))) == [b"next"]

    def test_the_limit_itself_is_taken(self) -> None:
        (frame,) = deframer().feed(framed(b"x" * LIMIT))
        assert frame.whole

    @pytest.mark.parametrize("chunk", [1000, 7000, 65_536])
    def test_no_more_is_held_than_the_limit(self, chunk: int) -> None:
        found = deframer()
        found.feed(VT)
        for _ in range(20_000_000 // chunk):
            assert found.feed(b"x" * chunk) == []
        assert sys.getsizeof(found._data) < 2 * LIMIT
        (frame,) = found.feed(FS + CR)
        assert frame.data == b"x" * HEAD
        assert frame.size == 20_000_000 // chunk * chunk
