"""Messages put together from any pieces, and records by any delimiters."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.astm.records import (
    MAX_MESSAGE,
    MAX_PARTS,
    MAX_RECORD,
    MAX_VALUE,
    Assembler,
    Delimiters,
    Message,
    Record,
    delimiters,
    records,
)
from agent.errors import AdapterError
from tests.fixtures.astm import END, FLAGGED, HEADER, PATIENT, message

MARKS = Delimiters("|", "\\", "^", "&")


def split(whole: bytes) -> list[bytes]:
    return whole.split(b"\r")[:-1]


class TestAssembler:
    @given(st.integers(1, 200))
    def test_a_message_from_pieces_of_any_size(self, size: int) -> None:
        assembler = Assembler()
        found: list[Message] = []
        for at in range(0, len(FLAGGED), size):
            found += assembler.offer(FLAGGED[at : at + size], last=False)
        assert found == [split(FLAGGED)]
        assert not assembler.refused

    @pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
    def test_records_end_with_cr_lf_or_both(self, end: bytes) -> None:
        assert Assembler().offer(FLAGGED.replace(b"\r", end), last=False) == [split(FLAGGED)]

    def test_a_frame_with_etx_ends_its_record(self) -> None:
        assembler = Assembler()
        found = [each for record in split(FLAGGED) for each in assembler.offer(record, last=True)]
        assert found == [split(FLAGGED)]

    def test_several_messages_in_one_text(self) -> None:
        assert Assembler().offer(FLAGGED + message(), last=True) == [split(FLAGGED), split(message())]

    def test_what_was_offered_can_be_offered_again(self) -> None:
        assembler = Assembler()
        assembler.offer(FLAGGED[:40], last=False)
        for _ in range(3):
            assert assembler.offer(FLAGGED[40:] + b"stray\rH|\\^&\r", last=False) == [split(FLAGGED)]
            assert assembler.refused == {"record-without-header": 1}
            assembler.back()
        assert assembler.offer(FLAGGED[40:], last=False) == [split(FLAGGED)]
        assert not assembler.refused

    def test_a_new_header_drops_a_message_without_end(self) -> None:
        assembler = Assembler()
        assert assembler.offer(f"{HEADER}\r{PATIENT}\r".encode() + FLAGGED, last=False) == [split(FLAGGED)]
        assert assembler.refused == {"message-unfinished": 1}

    def test_what_broke_off_is_dropped(self) -> None:
        assembler = Assembler()
        assembler.offer(f"{HEADER}\r{PATIENT}".encode(), last=False)
        assembler.drop()
        assembler.drop()
        assert assembler.refused == {"message-unfinished": 1}
        assert assembler.offer(FLAGGED, last=False) == [split(FLAGGED)]

    def test_records_without_a_header_are_dropped(self) -> None:
        assembler = Assembler()
        assert assembler.offer(f"{PATIENT}\r{END}\rMSH|^~\\&|x\rHello\rH\rH1\r".encode(), last=False) == []
        assert assembler.refused == {"record-without-header": 6}

    def test_a_text_that_begins_with_l_is_no_terminator(self) -> None:
        assembler = Assembler()
        assert assembler.offer(f"{HEADER}\rLARGE\r".encode(), last=False) == []
        assert len(assembler.offer(b"L\r", last=False)) == 1

    def test_blanks_and_nul_around_records(self) -> None:
        assert Assembler().offer(b"\0 " + FLAGGED.replace(b"\r", b" \r\0\0"), last=False) == [split(FLAGGED)]

    @pytest.mark.parametrize("sent", [b"x" * 4000, b"x" * 4000 + b"\r", b"C|1\r" * 1000])
    def test_an_endless_message_is_dropped_and_the_next_is_read(self, sent: bytes) -> None:
        assembler = Assembler()
        assembler.offer(HEADER.encode() + b"\r", last=False)
        for _ in range(2 * MAX_MESSAGE // 4000):
            assert assembler.offer(sent, last=False) == []
            assert sum(map(len, assembler._records)) + len(assembler._tail) <= MAX_MESSAGE + MAX_RECORD + 4000
        assert assembler.refused["message-oversize"] >= 1
        assert assembler.offer(b"\r" + FLAGGED, last=False) == [split(FLAGGED)]

    def test_the_largest_message_passes(self) -> None:
        record = b"C|1|I|" + b"x" * 994
        whole = FLAGGED.replace(b"\rL|", b"\r" + (record + b"\r") * 990 + b"L|")
        assert MAX_MESSAGE - 10_000 < len(whole) < MAX_MESSAGE
        assert len(Assembler().offer(whole, last=True)) == 1


class TestDelimiters:
    @pytest.mark.parametrize(
        ("header", "found"),
        [
            (r"H|\^&|||x", MARKS),
            ("H|\\\\^&|||x", MARKS),
            ("H|~^\\|||x", Delimiters("|", "~", "^", "\\")),
            ("H!@#$!!", Delimiters("!", "@", "#", "$")),
            (r"H|\^", Delimiters("|", "\\", "^", None)),
            ("H*:;/*", Delimiters("*", ":", ";", "/")),
        ],
    )
    def test_as_a_header_declares_them(self, header: str, found: Delimiters) -> None:
        assert delimiters(header) == found

    @pytest.mark.parametrize("header", ["H|", "H||", "H|^|", "H|^^^|", "H|abcdefgh|", "H"])
    def test_without_them_nothing_can_be_read(self, header: str) -> None:
        with pytest.raises(AdapterError) as caught:
            delimiters(header)
        assert caught.value.reason == "bad-delimiters"


class TestRecord:
    def test_fields_repeats_and_components(self) -> None:
        record = Record(r"R|1|^^^685/\b^c| 22.4 |U/l", MARKS)
        assert (record.kind, record.whole(4), record.whole(9), record.component(3, 4)) == ("R", "22.4", "", "685/")
        assert record.repeats(3) == [["", "", "", "685/"], ["b", "c"]]
        assert record.components(9) == [""]
        assert record.component(3, 9) == ""

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("a&F&b", "a|b"),
            ("&S&&R&&E&", "^\\&"),
            ("a&s&b", "a^b"),
            ("a&H&b&N&c", "abc"),
            ("a&X0d&b", "ab"),
            ("AT&T", "AT&T"),
            ("a&b c&d", "a&b c&d"),
            ("&", "&"),
            ("&&", "&&"),
            ("a&F", "a&F"),
        ],
    )
    def test_escapes(self, written: str, read: str) -> None:
        assert Record(f"C|1|I|{written}", MARKS).whole(4) == read

    def test_an_escaped_delimiter_does_not_part_anything(self) -> None:
        record = Record("C|1|I|72&S&x^text|I", MARKS)
        assert record.components(4) == ["72^x", "text"]

    def test_a_record_of_many_fields_is_cut_off_behind_those_that_are_read(self) -> None:
        record = Record("R" + "|x" * 100_000, MARKS)
        assert record.whole(64) == "x"
        assert record.whole(65) == ""

    def test_a_value_without_end(self) -> None:
        record = Record("C|1|" + "x" * 60_000 + "|" + "&F&" * 20_000, MARKS)
        assert len(record.whole(3)) == MAX_VALUE
        assert set(record.whole(4)) <= {"|", "&"}

    def test_repeats_and_components_without_end(self) -> None:
        record = Record("C|1|" + "a\\" * 30_000 + "|" + "a^" * 30_000, MARKS)
        assert len(record.repeats(3)) == len(record.components(4)) == MAX_PARTS


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "latin-1"])
def test_texts_in_any_encoding_and_bytes_beside_it(encoding: str) -> None:
    # The second byte of the last character is a field's delimiter in GB18030.
    name = "张三\u4e28".encode("gb18030") if encoding == "gb18030" else "Müller".encode(encoding)
    whole = split(message(PATIENT, "C|1|I|72^CLOT|I"))
    whole[1] = b"P|1||" + name + b"\xff\x80|x"
    found = list(records(whole, encoding))
    assert [record.kind for record in found] == ["H", "P", "C", "L"]
    assert found[2].component(4, 1) == "72"


@given(st.lists(st.binary(max_size=60), max_size=12), st.sampled_from(["utf-8", "gb18030", "latin-1"]))
def test_no_message_raises_anything_but_the_room_s_error(parts: list[bytes], encoding: str) -> None:
    for found in Assembler().offer(b"H" + b"\r".join([*parts, b"L"]), last=True):
        with contextlib.suppress(AdapterError):
            for record in records(found, encoding):
                record.repeats(3)
                record.whole(2)
