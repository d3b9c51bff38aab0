"""Messages as segments: declared delimiters, escapes, encodings, and what is no message."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.hl7.message import MAX_SEGMENTS, Message, Segment
from agent.errors import AdapterError
from tests.fixtures.hl7 import equipment, message
from tests.fixtures.hl7_library import fields_of

HEADER = b"MSH|^~\\&|A|B|||20261121||ESU^U01|1|P|2.5.1"


def one(data: bytes, name: str = "EQU") -> Segment:
    (segment,) = Message(data).named(name)
    return segment


def test_the_header_counts_its_separator() -> None:
    read = Message(message(type_="EAN^U09^EAN_U09", id_="4711", f16="2", f18="ASCII"))
    assert [read.header.text(number) for number in (3, 4, 7, 11, 12, 16, 18)] == [
        "BS-480", "LAB", "20261121180001", "P", "2.5.1", "2", "ASCII",
    ]  # fmt: skip
    assert (read.type, read.header.text(9, 2), read.header.text(9, 3)) == ("EAN", "U09", "EAN_U09")
    assert (read.control_id, read.codec) == ("4711", "ascii")


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
def test_any_end_of_a_segment(end: bytes) -> None:
    data = message("EQU|1||OP", "NDS|1").replace(b"\r", end)
    assert one(data).text(3) == "OP"
    assert one(data, "NDS").text(1) == "1"


def test_repetitions_components_and_what_is_not_there() -> None:
    segment = one(message("EQU|a^b&c^d~e^f||OP^Normal||"))
    assert [segment.text(1, part) for part in (1, 2, 3, 4)] == ["a", "b&c", "d", ""]
    assert (segment.text(2), segment.text(3, 2), segment.text(5), segment.text(25)) == ("", "Normal", "", "")


def test_two_quotes_say_that_there_is_nothing() -> None:
    assert one(message('EQU|""||""^x')).text(3) == ""


def test_declared_delimiters_are_used() -> None:
    data = message(r"EQU|a^b|20261121180000|O\F\P\S\\R\\T\\E\\X41\|")
    other = data.decode().translate(str.maketrans("|^~\\&", "#:*!$")).encode()
    for each, marks in ((data, "|^~&\\"), (other, "#:*$!")):
        segment = one(each)
        assert (segment.text(1), segment.text(1, 2)) == ("a", "b")
        assert segment.text(3) == "O" + marks[0] + "P" + marks[1:] + marks[4] + "X41" + marks[4]


def test_a_header_that_declares_few_delimiters() -> None:
    read = Message(b"MSH|^|a^b||||||ESU^U01|1\rEQU|x~y||OP^z")
    assert [segment.text(1) for segment in read.named("EQU")] == ["x~y"]
    assert [segment.text(1, 2) for segment in read.named("EQU")] == [""]


@pytest.mark.parametrize(
    "spelled", ["^~\\&", "^~\\\\&", "^~\\&#", "^~\\\\&#", "^~\\&amp;", "^^~~\\\\&&", " ^~\\& ", ""]
)
def test_the_recommended_delimiters_however_they_are_spelled(spelled: str) -> None:
    read = Message(f"MSH|{spelled}|a^b||||||ESU^U01|1\rEQU|x^y&z~w||OP".encode())
    assert read.delimiters == ("|", "^", "~", "\\", "&")
    assert read.type == "ESU"
    (segment,) = read.named("EQU")
    assert [segment.text(1), segment.text(1, 2), segment.text(3)] == ["x", "y&z", "OP"]
    assert segment.words(1) == ["x", "y", "z"]


def test_a_sender_that_doubles_its_escapes_does_so_everywhere() -> None:
    data = message("EQU|a\\F\\b\\E\\c||OP").replace(b"\\", b"\\\\")
    assert one(data).text(1) == "a|b\\c"
    assert one(data.replace(b"\\\\", b"\\")).text(1) == "a|b\\c"


def test_the_escape_may_be_left_out_between_the_others() -> None:
    read = Message(b"MSH|^~&|a||||||ESU^U01|1\rEQU|x^y&z~w")
    assert read.delimiters == ("|", "^", "~", "", "&")
    assert one(b"MSH|^~\\|a||||||ESU^U01|1\rEQU|x&y~w\\F\\").text(1) == "x&y"


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ("GB 18030-2000", "葡萄糖".encode("gb18030")),
        ("GBK", "葡萄糖".encode("gb18030")),
        ("", "葡萄糖".encode("gb18030")),
        ("ASCII", "葡萄糖".encode("gb18030")),
        ("NOBODY KNOWS", "葡萄糖".encode("gb18030")),
        ("UNICODE UTF-8", "葡萄糖".encode()),
        ("UNICODE", "葡萄糖".encode()),
        ("", "葡萄糖".encode()),
        ("GB 18030-2000~UNICODE", "葡萄糖".encode("gb18030")),
    ],
)
def test_chinese_in_whatever_encoding(declared: str, data: bytes) -> None:
    sent = message("EQU|XX||OP", f18=declared).replace(b"XX", data)
    assert one(sent).text(1) == "葡萄糖"
    assert one(sent).text(3) == "OP"


def test_a_delimiter_that_is_half_of_a_character_parts_nothing() -> None:
    """Second bytes of GB 18030 reach from 0x40 to 0xFE: bar, caret, tilde and backslash are among them."""
    hard = bytes([0x81, 0x7C, 0x81, 0x5E, 0x81, 0x7E, 0x81, 0x5C])
    for declared in ("GB 18030-2000", ""):
        sent = message("EQU|XX^b|20261121180000|OP", f3="YY", f18=declared).replace(b"XX", hard).replace(b"YY", hard)
        assert one(sent).text(3) == "OP"
        assert one(sent).text(1) == hard.decode("gb18030")
        assert Message(sent).type == "ESU"


def test_bytes_of_no_encoding_cost_nothing_but_themselves() -> None:
    sent = message("EQU|XX|20261121180000|OP", f18="UNICODE UTF-8").replace(b"XX", b"\xff\x80\xfe")
    assert one(sent).text(3) == "OP"
    assert one(sent).text(1) == "ÿ\x80þ"


@pytest.mark.parametrize(
    "declared",
    [
        *("", "ASCII", "8859/1", "8859/15", "8859-15", "ISO-8859-1", "ISO 8859/9", "ISO_IR 100", "UNICODE UTF-8"),
        *("WINDOWS-1252", "GB 18030-2000", "BIG-5", "KS X 1001", "UNICODE UTF-16", "CNS 11643-1992", "8859/99", "?"),
    ],
)
@pytest.mark.parametrize(
    "micro", ["µ".encode("latin-1"), "µ".encode(), "μ".encode(), "μ".encode("gb18030"), b"\\XB5\\"]
)
def test_a_unit_is_read_whatever_is_declared(declared: str, micro: bytes) -> None:
    sent = message("OBR|85.5|XXmol/L|OP", f18=declared).replace(b"XX", micro)
    assert one(sent, "OBR").text(1) == "85.5"
    assert one(sent, "OBR").text(3) == "OP"
    assert {"µmol/L", "μmol/L"} & set(one(sent, "OBR").spellings(2))


@pytest.mark.parametrize("word", ["10³", "37°", "µ", "Größé", "Réf. à 37 °C, créée"])
def test_no_delimiter_is_half_of_a_letter_of_latin_1(word: str) -> None:
    sent = message("EQU|XX|20261121180000|XX^XX|OP").replace(b"XX", word.encode("latin-1"))
    assert (one(sent).text(1), one(sent).text(3), one(sent).text(4)) == (word, word, "OP")


def test_each_line_of_a_message_may_be_in_an_encoding_of_its_own() -> None:
    sent = message("EQU|AA", "NDS|BB", "INV|CC").replace(b"AA", "葡萄糖".encode("gb18030"))
    sent = sent.replace(b"BB", "µ".encode("latin-1")).replace(b"CC", "葡萄糖".encode())
    assert [one(sent, name).text(1) for name in ("EQU", "NDS", "INV")] == ["葡萄糖", "µ", "葡萄糖"]


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        *(("BIG-5", "big5"), ("KS X 1001", "euc_kr"), ("8859/5", "iso8859-5"), ("SHIFT_JIS", "shift_jis")),
        *(("~ISO IR87", "iso2022_jp_2"), ("ISO IR14~ISO IR87", "iso2022_jp_2"), ("UNICODE", "utf-8")),
    ],
)
def test_table_0211(declared: str, codec: str) -> None:
    word = {"euc_kr": "포도당", "iso8859-5": "Глюкоза"}.get(codec, "功能表")  # its second bytes are delimiters in Big5
    sent = message("EQU|XX^b||OP", f18=declared).replace(b"XX", word.encode(codec))
    assert (one(sent).text(1), one(sent).text(1, 2), one(sent).text(3)) == (word, "b", "OP")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MSH",
        b"MSH|^~\\",
        b"PID|1|2|3|4|5",
        b"BHS|^~\\&|x|y|z",
        b'{"a": 1}  ',
        b"\x16\x03\x01\x02\x00",
        b"\0" * 99,
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(AdapterError) as raised:
        Message(data)
    assert raised.value.reason == "not-hl7"


@pytest.mark.parametrize("marks", ["|^^\\&", "MABCD", "1^~\\&", " ^~\\&", "|^~\\\xe9", "|^~\\&#%", "|^~ &", "|abcd"])
def test_delimiters_that_part_nothing(marks: str) -> None:
    with pytest.raises(AdapterError) as raised:
        Message(f"MSH{marks}{marks[0]}x{marks[0]}y{marks[0]}ESU{marks[0]}1\r".encode("latin-1"))
    assert raised.value.reason == "bad-delimiters"


def test_a_fifth_delimiter_of_newer_versions() -> None:
    assert one(HEADER.replace(b"&", b"&#") + b"\rEQU|1||OP").text(3) == "OP"


def test_a_mark_in_front_of_the_file_is_overlooked() -> None:
    assert Message(b"\xef\xbb\xbf\r\n" + equipment()).type == "ESU"


def test_names_of_segments_are_whole() -> None:
    read = Message(message("EQUX|1", "EQU", "EQU|2"))
    assert [segment.text(1) for segment in read.named("EQU")] == ["", "2"]


@pytest.mark.parametrize("line", ["PID|1", "pid|1", "  PID|1", "PID", "\xa0PID|1", "\ufeffPID|1", "\x00PID|1"])
def test_a_segment_about_a_person_is_found_however_it_is_written(line: str) -> None:
    assert Message(message(line)).any_of(frozenset({"PID"}))


FIELDS = st.lists(st.text("ab1^~&. ", max_size=12), min_size=1, max_size=20)


@given(st.lists(FIELDS, min_size=1, max_size=5))
def test_it_reads_as_another_reader_does(lines: list[list[str]]) -> None:
    data = message(*("|".join(["ZXX", *fields]) for fields in lines))
    for segment, theirs in zip(Message(data).named("ZXX"), fields_of(data, "ZXX"), strict=True):
        for number, field in enumerate(theirs[1:], 1):
            parts = [*field.split("~")[0].split("^"), "", ""]
            assert [segment.text(number, part) for part in (1, 2, 3)] == [part.strip() for part in parts[:3]]


@given(st.binary(max_size=300))
def test_whatever_follows_a_header_is_a_message_or_a_typed_error(tail: bytes) -> None:
    for start in (b"", b"MSH", b"MSH|^~\\&", HEADER, HEADER + b"\rEQU|"):
        try:
            read = Message(start + tail)
        except AdapterError:
            continue
        for name in ("MSH", "EQU", "NDS"):
            for segment in read.named(name):
                assert [segment.text(number, part) for number in (0, 1, 9, 25) for part in (1, 2, 9)]


def test_more_segments_than_any_message_has_are_left_out() -> None:
    most = Message(HEADER + b"\rNTE" * (MAX_SEGMENTS - 1) + b"\r")
    assert not most.cut
    more = Message(HEADER + b"\rNTE" * MAX_SEGMENTS + b"\rPID|1")
    assert more.cut
    assert len(list(more.named("NTE"))) == MAX_SEGMENTS - 1


@pytest.mark.parametrize(
    "piece", [b"|", b"^", b"~", b"&", b"\\", b"\\F\\", b"\\XB5\\", b"\r", b"EQU\r", b"\xff", b"\xb5m"]
)
def test_a_message_of_nothing_but_delimiters_is_read_in_little_time(piece: bytes) -> None:
    """The library of that name takes seconds and a thousand times the memory for the first of these."""
    data = HEADER + b"\rEQU|" + piece * (262_144 // len(piece))
    began = time.process_time()
    for segment in Message(data).named("EQU"):
        segment.text(1)
        segment.text(19, 2)
        segment.words(1)
        segment.repetitions(1)
        list(segment.spellings(1))
    assert time.process_time() - began < 1.0
