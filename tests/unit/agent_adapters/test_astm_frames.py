"""Frames and control characters in a stream, whole, cut, damaged and hostile."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.frames import (
    ACK,
    ENQ,
    EOT,
    MAX_FRAME,
    MAX_TEXT,
    Control,
    Cut,
    Damaged,
    Frame,
    Noise,
    Scanner,
    Token,
    frames,
)
from tests.fixtures.astm import FLAGGED, by_records, by_size, framed, session


def tokens_of(scanner: Scanner, *, ended: bool = False) -> list[Token]:
    found: list[Token] = []
    while (token := scanner.next(ended=ended)) is not None:
        found.append(token)
    return found


def tokens(*pieces: bytes, ended: bool = False) -> list[Token]:
    scanner = Scanner()
    found: list[Token] = []
    for piece in pieces:
        scanner.push(piece)
        found += tokens_of(scanner)
    return found + (tokens_of(scanner, ended=True) if ended else [])


def test_the_checksum_of_the_roche_manual_s_example() -> None:
    assert tokens(b"\x021Test\x03D4\r\n") == [Frame(1, b"Test", last=True)]


def test_a_session_is_its_controls_and_frames() -> None:
    found = tokens(session(by_records(FLAGGED)))
    assert found[0] == Control(ENQ)
    assert found[-1] == Control(EOT)
    assert [token.number for token in found[1:-1] if isinstance(token, Frame)] == [1, 2, 3, 4, 5, 6]
    assert b"".join(token.text for token in found[1:-1] if isinstance(token, Frame)) == FLAGGED


@given(st.lists(st.integers(1, 40), max_size=60))
def test_however_it_is_cut_into_pieces(sizes: list[int]) -> None:
    whole = session(by_size(FLAGGED, 50))
    pieces, at = [], 0
    for size in sizes:
        pieces.append(whole[at : at + size])
        at += size
    found = tokens(*pieces, whole[at:])
    assert [token for token in found if not isinstance(token, Noise)] == tokens(whole)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (framed(1, b"C|1|I|75", checksum=b"00"), [Damaged("bad-checksum", text=True)]),
        (framed(1, b"a", checksum=b"00"), [Damaged("bad-checksum", text=False)]),
        (framed(1, b"a", checksum=b"zz"), [Damaged("bad-checksum", text=False), Noise(b"zz\r\n")]),
        (b"\x021Test\x03d4\r\n", [Frame(1, b"Test", last=True)]),
        (b"\x021Test\x03D4\n", [Frame(1, b"Test", last=True)]),
        (b"\x021Test\x03D4\r\x05", [Frame(1, b"Test", last=True), Control(ENQ)]),
        (b"\x021Test\x03D4\x04", [Frame(1, b"Test", last=True), Control(EOT)]),
        (b"\x029Test\x03DC\r\n", [Frame(9, b"Test", last=True)]),
        (b"\x02C|1\x03F3\r\n", [Frame(None, b"C|1", last=True)]),
        (b"\x02CC1\x03BA\r\n", [Damaged("bad-frame-number", text=False)]),
        (b"\x021Test\x03\r\n", [Damaged("no-checksum", text=False), Noise(b"\r\n")]),
        (b"\x02\x0303\r\n", [Damaged("bad-frame-number", text=False)]),
        (framed(3, b""), [Frame(3, b"", last=True)]),
        (b"\x021Te\x021Test\x03D4\r\n", [Cut(), Frame(1, b"Test", last=True)]),
        (b"\x021Te\x05", [Cut(), Control(ENQ)]),
        (b"\x021Te\x04", [Cut(), Control(EOT)]),
        (b"\x021Test\x03\x04", [Damaged("bad-checksum", text=False), Control(EOT)]),
        (b"\x021Test\x03D\x04", [Damaged("bad-checksum", text=False), Noise(b"D"), Control(EOT)]),
        (b"hello\x06", [Noise(b"hello"), Control(ACK)]),
        (b"", []),
    ],
)
def test_what_real_senders_do(sent: bytes, found: list[Token]) -> None:
    assert tokens(sent) == found


@pytest.mark.parametrize("left_out", [1, 2])
def test_a_frame_without_its_line_end_waits_and_is_taken_at_the_end(left_out: int) -> None:
    scanner = Scanner()
    scanner.push(framed(1, b"Test")[:-left_out])
    found = tokens_of(scanner), scanner.unended
    assert found == ([], True)
    found = tokens_of(scanner, ended=True), scanner.unended
    assert found == ([Frame(1, b"Test", last=True)], False)


def test_an_incomplete_frame_is_nothing_even_at_the_end() -> None:
    assert tokens(b"\x021Te", ended=True) == []
    assert tokens(b"\x021Test\x03D", ended=True) == [Damaged("bad-checksum", text=False), Noise(b"D")]


def test_the_longest_frame_passes_and_a_longer_one_does_not() -> None:
    assert tokens(framed(1, b"x" * (MAX_FRAME - 1))) == [Frame(1, b"x" * (MAX_FRAME - 1), last=True)]
    assert tokens(framed(1, b"x" * MAX_FRAME)) == [Damaged("oversize-frame", text=True)]


def test_an_endless_frame_is_not_held() -> None:
    scanner = Scanner()
    scanner.push(b"\2")
    for _ in range(200):
        scanner.push(b"x" * 4096)
        assert tokens_of(scanner) == []
        assert len(scanner._buffer) <= MAX_FRAME
    scanner.push(b"\x0300\r\n\5")
    assert tokens_of(scanner) == [Damaged("oversize-frame", text=False), Control(ENQ)]


TESTED = Frame(1, b"Test", last=True)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"\x021Test\x03\r\n\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x03\r\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x03\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x03\x021Test\x03\r\n", [TESTED, TESTED]),
        (b"\x021Test\x03D4\r\n\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x0300\r\n\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x03??\r\n\4", [TESTED, Control(EOT)]),
        (b"\x021Test\x03?\r\n\4", [TESTED, Control(EOT)]),
        (b"\x021Te\x17\r\n\4", [Frame(1, b"Te", last=False), Control(EOT)]),
    ],
)
def test_frames_whose_checksum_is_not_looked_at(sent: bytes, found: list[Token]) -> None:
    scanner = Scanner(checksum=False)
    seen: list[Token] = []
    for byte in sent:
        scanner.push(bytes([byte]))
        seen += tokens_of(scanner)
    assert [token for token in seen if not isinstance(token, Noise)] == found


@pytest.mark.parametrize("sent", [b"\x021Test\x03", b"\x021Test\x030", b"\x021Test\x03\r"])
def test_without_a_checksum_a_frame_is_whole_at_its_etx_once_nothing_more_comes(sent: bytes) -> None:
    scanner = Scanner(checksum=False)
    scanner.push(sent)
    assert scanner.next() is None
    assert scanner.unended
    assert scanner.next(ended=True) == TESTED


def test_a_reset_forgets_the_open_frame_only() -> None:
    scanner = Scanner()
    scanner.push(b"\x021Te")
    assert scanner.next() is None
    scanner.reset()
    scanner.push(b"\5")
    assert scanner.next() == Control(ENQ)


def test_our_own_frames_are_of_the_old_size_and_numbered_from_1_modulo_8() -> None:
    sent = frames(b"y" * (MAX_TEXT * 9 + 1))
    found = tokens(b"".join(sent))
    assert [(token.number, len(token.text), token.last) for token in found if isinstance(token, Frame)] == [
        *((number % 8, MAX_TEXT, False) for number in range(1, 10)),
        (2, 1, True),
    ]
    assert sent[0] == framed(1, b"y" * MAX_TEXT, last=False)


@given(st.binary(max_size=400))
def test_nothing_is_raised_and_every_byte_is_accounted_for(data: bytes) -> None:
    scanner = Scanner()
    scanner.push(data)
    while scanner.next(ended=True) is not None:
        pass
    assert not scanner._buffer or scanner.open


def test_a_random_stream_of_control_characters_is_linear() -> None:
    rng = random.Random(1)
    data = bytes(rng.choice((2, 3, 4, 5, 6, 0x15, 0x17, 0x31)) for _ in range(200_000))
    assert len(tokens(data)) > 50_000
