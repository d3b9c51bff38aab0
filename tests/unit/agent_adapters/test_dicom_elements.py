"""The walk over a data set: held against pydicom, and against bytes that no DICOM writer made."""

import zlib
from datetime import UTC

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, Sequence
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from agent.adapters.dicom.elements import elements_of
from agent.adapters.dicom.image import ALLOWED
from agent.adapters.dicom.walk import MAX_DEPTH, MAX_ELEMENTS
from agent.errors import AdapterError
from tests.fixtures.dicom import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, data_set, element, header, image

SYNTAXES = (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED)
KVP = 0x00180060
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), max_size=16)


def leaf(tag: int, vr: str, value: object) -> DataElement:
    return DataElement(tag, vr, value)


@st.composite
def datasets(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """Texts, private blocks and nested sequences of both kinds of length, below and around what we read."""
    made = Dataset()
    for tag in draw(st.lists(st.sampled_from([0x00080050, 0x00100010, KVP, 0x0018700A, 0x00181000]), unique=True)):
        made.add(leaf(tag, "LO", draw(TEXT)))
    for tag in draw(st.lists(st.sampled_from([0x00091010, 0x00111020]), unique=True)):
        made.add(leaf(tag, draw(st.sampled_from(["UN", "OB"])), draw(st.binary(max_size=20)) + b""))
    if depth:
        for tag in draw(st.lists(st.sampled_from([0x00081140, 0x00082112, 0x00189346]), unique=True)):
            items = draw(st.lists(datasets(depth - 1), max_size=3))
            for item in items:
                item.is_undefined_length_sequence_item = draw(st.booleans())
            nested = leaf(tag, "SQ", Sequence(items))
            nested.is_undefined_length = draw(st.booleans())
            made.add(nested)
    return made


def encoded(made: Dataset, syntax: str) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = syntax != BIG_ENDIAN
    buffer.is_implicit_VR = syntax == IMPLICIT
    write_dataset(buffer, made)
    plain = buffer.getvalue()
    if syntax != DEFLATED:
        return plain
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(made=datasets(), syntax=st.sampled_from(SYNTAXES))
def test_it_finds_what_pydicom_wrote(made: Dataset, syntax: str) -> None:
    wanted = {KVP, 0x0018700A, 0x00181000}
    made[0x00080016] = leaf(0x00080016, "UI", UID("1.2.3"))
    found = elements_of(encoded(made, syntax), wanted | {0x00080016}, transfer_syntax=syntax)
    expected = {tag: str(made[tag].value) for tag in wanted if tag in made}
    texts = {tag: raw.value.decode("ascii").rstrip(" ") for tag, raw in found.items() if tag in wanted}
    assert texts == {tag: value.rstrip(" ") for tag, value in expected.items()}


def test_elements_inside_a_sequence_are_not_taken() -> None:
    inner = Dataset()
    inner.add(leaf(KVP, "DS", "99"))
    made = Dataset()
    made.add(leaf(0x00081140, "SQ", Sequence([inner])))
    made[0x00081140].is_undefined_length = True
    inner.is_undefined_length_sequence_item = True
    made.add(leaf(KVP, "DS", "80"))
    for syntax in SYNTAXES:
        assert elements_of(encoded(made, syntax), {KVP}, transfer_syntax=syntax)[KVP].value == b"80"


def test_nothing_beside_the_list_comes_out() -> None:
    found = elements_of(image(), ALLOWED)
    assert found.keys() <= ALLOWED
    description = 0x00187006  # read to find a reason in it, and never said
    assert b"CANARY" not in b"".join(raw.value for tag, raw in found.items() if tag != description)


def test_what_follows_the_groups_that_are_read_stays_unread() -> None:
    header = data_set({"SOPClassUID": "1.2.3", "KVP": "80"})
    garbage = element("Rows", b"\1\0") + b"\xff" * 1000
    assert elements_of(header + garbage, {KVP}, transfer_syntax=EXPLICIT)[KVP].value == b"80"


def test_a_value_without_end_is_not_kept() -> None:
    found = elements_of(data_set({"KVP": "8" * 5000}), {KVP}, transfer_syntax=EXPLICIT)
    assert (found[KVP].value, found[KVP].oversize) == (b"", True)


@pytest.mark.parametrize("cut_at", [133, 140, 200, 300, 420])
def test_a_file_that_ends_within_its_header_is_refused(cut_at: int) -> None:
    with pytest.raises(AdapterError, match="send or copy it again") as caught:
        elements_of(image()[:cut_at], ALLOWED)
    assert caught.value.reason == "truncated"


def test_a_file_that_ends_within_its_pixels_is_read() -> None:
    whole = image(pixels=5000)
    assert elements_of(whole[:-4000], ALLOWED) == elements_of(whole, ALLOWED)


def test_more_elements_than_anybody_writes_are_refused() -> None:
    many = element(0x00091010, b"", vr="LO") * (MAX_ELEMENTS + 1)
    with pytest.raises(AdapterError) as caught:
        elements_of(data_set({"SOPClassUID": "1.2.3"}) + many + element("KVP", "80"), ALLOWED)
    assert caught.value.reason == "header-too-long"


def test_a_deflated_bomb_is_inflated_no_further_than_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(element(0x00091010, bytes(400 * 1024 * 1024), vr="OB")) + packer.flush()
    assert len(bomb) < 500_000
    with pytest.raises(AdapterError) as caught:
        elements_of(bomb, ALLOWED, transfer_syntax=DEFLATED)
    assert caught.value.reason == "header-too-long"


def test_a_damaged_deflated_data_set_is_refused() -> None:
    with pytest.raises(AdapterError) as caught:
        elements_of(b"\xff\xff\xff\xff", ALLOWED, transfer_syntax=DEFLATED)
    assert caught.value.reason == "unreadable"


def test_a_nest_without_bottom_is_refused_and_a_deep_one_is_not() -> None:
    def nest(depth: int) -> bytes:
        opening = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
        closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        return opening * depth + closing * depth + element("KVP", "80")

    assert KVP in elements_of(nest(MAX_DEPTH // 2), {KVP}, transfer_syntax=EXPLICIT)
    with pytest.raises(AdapterError, match="nested"):
        elements_of(nest(100_000), {KVP}, transfer_syntax=EXPLICIT)


@pytest.mark.parametrize("data", [b"", b"\0", bytes(132), b"PK\3\4" + bytes(500), b"#!/bin/sh\n" * 50])
def test_what_is_no_dicom_is_said_so(data: bytes) -> None:
    with pytest.raises(AdapterError) as caught:
        elements_of(data, ALLOWED)
    assert caught.value.reason == "not-dicom"


SEEDS = [image(syntax=syntax) for syntax in SYNTAXES]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An image with a few bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=6))
    return bytes(data)


def outcome(data: bytes, syntax: str | None = None) -> str:
    """What came out of it, or the error's reason and text; anything else it raises fails the test."""
    try:
        return repr(header(data, received=1_795_306_500_000, zone=UTC, transfer_syntax=syntax))
    except AdapterError as error:
        return f"{error.reason}: {error}"


PARTS = st.binary(max_size=200).map(lambda tail: bytes(128) + b"DICM" + tail)


@settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(damaged(), st.binary(max_size=400), PARTS))
@example(data=bytes(128) + b"DICM" + b"\x02\0\x10\0UI\x40\0")
def test_no_bytes_raise_anything_but_the_adapter_s_error(data: bytes) -> None:
    assert "CANARY" not in outcome(data)


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=300), syntax=st.sampled_from([*SYNTAXES, "ZHANG^SAN", ""]))
def test_nor_does_any_data_set_of_the_network(data: bytes, syntax: str) -> None:
    known = ("not-dicom", "unreadable", "truncated", "header-too-long", "other-storage", "Extracted")
    assert outcome(data, syntax).startswith(known)
