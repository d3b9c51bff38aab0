"""Records by any delimiters."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.records import (
    MAX_PARTS,
    MAX_VALUE,
    Delimiters,
    Record,
    delimiters,
    records,
)
from agent.errors import AdapterError
from tests.fixtures.astm import PATIENT, message

MARKS = Delimiters("|", "\\", "^", "&")


def split(whole: bytes) -> list[bytes]:
    return whole.split(b"\r")[:-1]


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
        assert delimiters(header.encode()) == found

    @pytest.mark.parametrize("header", ["H|", "H||", "H|^|", "H|^^^|", "H|abcdefgh|", "H|\\é|", "H"])
    def test_without_them_nothing_can_be_read(self, header: str) -> None:
        with pytest.raises(AdapterError) as caught:
            delimiters(header.encode())
        assert caught.value.reason == "bad-delimiters"


class TestRecord:
    def test_a_letter_may_be_small(self) -> None:
        assert Record("c|1|I|72|I", MARKS, "utf-8").kind == "C"

    def test_fields_repeats_and_components(self) -> None:
        record = Record(r"R|1|^^^685/\b^c| 22.4 |U/l", MARKS, "utf-8")
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
        assert Record(f"C|1|I|{written}", MARKS, "utf-8").whole(4) == read

    def test_an_escaped_delimiter_does_not_part_anything(self) -> None:
        record = Record("C|1|I|72&S&x^text|I", MARKS, "utf-8")
        assert record.components(4) == ["72^x", "text"]

    def test_a_record_of_many_fields_is_cut_off_behind_those_that_are_read(self) -> None:
        record = Record("R" + "|x" * 100_000, MARKS, "utf-8")
        assert record.whole(64) == "x"
        assert record.whole(65) == ""

    def test_a_value_without_end(self) -> None:
        record = Record("C|1|" + "x" * 60_000 + "|" + "&F&" * 20_000, MARKS, "utf-8")
        assert len(record.whole(3)) == MAX_VALUE
        assert set(record.whole(4)) <= {"|", "&"}

    def test_repeats_and_components_without_end(self) -> None:
        record = Record("C|1|" + "a\\" * 30_000 + "|" + "a^" * 30_000, MARKS, "utf-8")
        assert len(record.repeats(3)) == len(record.components(4)) == MAX_PARTS


def test_a_text_in_another_encoding_than_the_line_s_hides_no_delimiter_and_makes_none() -> None:
    whole = split(message(PATIENT, "C|1|I|72|I"))
    whole[2] = "C|1|I|72^\u4e28\u5f20\u4e09|I".encode("gb18030")  # the first ends like a field
    assert list(records(whole, "utf-8"))[2].component(5, 1) == "I"


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
    with contextlib.suppress(AdapterError):
        for record in records([b"H" + b"".join(parts[:1]), *parts], encoding):
            record.repeats(3)
            record.whole(2)
