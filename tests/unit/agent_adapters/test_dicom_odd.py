"""Objects a little beyond the standard, as real equipment writes them: the same facts as of one that keeps to it."""

import tracemalloc
import zlib
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.dicom.elements import INFLATED_LIMIT
from agent.adapters.dicom.image import Extracted
from agent.adapters.dicom.objects import Untold, read_file
from tests.fixtures.dicom import (
    BIG_ENDIAN,
    DEFLATED,
    DX,
    EXPLICIT,
    IMPLICIT,
    REASONS,
    Tag,
    element,
    header,
    image,
    reader,
)

RECEIVED: Final = 1_795_861_000_000
HEAD: Final[dict[Tag, str]] = {
    "SOPClassUID": DX,
    "SOPInstanceUID": "2.25.77",
    "AcquisitionDate": "20261128",
    "AcquisitionTime": "101500",
    "Modality": "DX",
}
TAIL: Final[dict[Tag, str]] = {
    "KVP": "81",
    "ExposureTime": "25",
    "XRayTubeCurrent": "320",
    "DetectorConditionsNominalFlag": "NO",
    "DetectorTemperature": "31.5",
}
FIVE: Final = {
    "tube.voltage": 81,
    "exposure.time": 25,
    "tube.current": 320,
    "detector.nominal": 0,
    "detector.temperature": 31.5,
}
SYNTAXES: Final = (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED)


def written(parts: Iterable[tuple[Tag, str]], syntax: str) -> bytes:
    return b"".join(element(tag, value, syntax=syntax) for tag, value in parts)


def packed(data: bytes, syntax: str) -> bytes:
    if syntax != DEFLATED:
        return data
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def with_middle(middle: bytes, syntax: str = EXPLICIT) -> bytes:
    """Of this transfer syntax, with something between the groups 0008 and 0018."""
    return packed(written(HEAD.items(), syntax) + middle + written(TAIL.items(), syntax), syntax)


def read(data: bytes, syntax: str = EXPLICIT) -> Extracted:
    return header(data, received=RECEIVED, zone=UTC, transfer_syntax=syntax)


def facts(found: Extracted) -> dict[str, float]:
    return {reading.metric: reading.value for reading in found.readings}


class TestOrder:
    @pytest.mark.parametrize("syntax", SYNTAXES)
    def test_a_higher_group_in_front(self, syntax: str) -> None:
        middle = element("InstanceNumber", "1", syntax=syntax) + element("Rows", b"\1\0", syntax=syntax)
        found = read(with_middle(middle, syntax), syntax)
        assert facts(found) == FIVE
        assert found.refused == {"out-of-order": 1}

    @pytest.mark.parametrize("syntax", SYNTAXES)
    def test_everything_behind_the_pixels(self, syntax: str) -> None:
        pixels = element("PixelData", bytes(100_000), vr="OW", syntax=syntax)
        found = read(with_middle(pixels, syntax), syntax)
        assert facts(found) == FIVE
        assert found.refused == {"out-of-order": 1}

    @pytest.mark.parametrize("syntax", SYNTAXES)
    def test_backwards(self, syntax: str) -> None:
        parts = reversed([*HEAD.items(), *TAIL.items()])
        found = read(packed(written(parts, syntax), syntax), syntax)
        assert facts(found) == FIVE
        assert found.refused == {"out-of-order": 1}

    def test_within_a_group(self) -> None:
        parts = [*HEAD.items(), ("XRayTubeCurrent", "320"), ("KVP", "81")]
        assert facts(read(written(parts, EXPLICIT))) == {"tube.voltage": 81, "tube.current": 320}

    def test_encapsulated_pixels_in_front(self) -> None:
        fragments = b"\xfe\xff\0\xe0\0\0\0\0" + b"\xfe\xff\0\xe0\xa0\x86\1\0" + bytes(100_000)
        pixels = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + fragments + b"\xfe\xff\xdd\xe0\0\0\0\0"
        assert facts(read(with_middle(pixels))) == FIVE

    def test_what_is_damaged_behind_takes_nothing_away(self) -> None:
        whole = written([*HEAD.items(), *TAIL.items()], EXPLICIT)
        for damage in (
            b"\xff" * 500,
            element("Rows", b"\1\0") + b"\x40\0",
            b"\x20\0\x10\0SQ\0\0\xff\xff\xff\xff" * 200,
        ):
            assert facts(read(whole + element("InstanceNumber", "1") + damage)) == FIVE

    def test_an_object_in_order_counts_nothing(self) -> None:
        assert not read(with_middle(b"")).refused


class TestRepresentation:
    @pytest.mark.parametrize("vr", [b"  ", b"??", b"QQ", b"--", b"\0\0", b"ob", b"U ", b"ZZ"])
    @pytest.mark.parametrize("value", [b"ABCD", b"", b"A" * 300])
    def test_unknown_with_a_length_of_two_bytes(self, vr: bytes, value: bytes) -> None:
        middle = b"\x09\0\x01\x10" + vr + len(value).to_bytes(2, "little") + value
        found = read(with_middle(middle))
        assert facts(found) == FIVE
        assert not found.refused

    @pytest.mark.parametrize("value", [b"ABCD", b"A" * 70_000])
    def test_unknown_with_a_length_of_four_bytes_as_the_standard_says(self, value: bytes) -> None:
        middle = b"\x09\0\x01\x10QQ\0\0" + len(value).to_bytes(4, "little") + value
        assert facts(read(with_middle(middle))) == FIVE

    @pytest.mark.parametrize("value", [b"ABCD", b"", b"A" * 0x2020, b"A" * 0x200A])
    def test_none_at_all_within_explicit(self, value: bytes) -> None:
        """Some writers switch to implicit for a private block, and a length may look like blanks."""
        middle = b"\x09\0\x01\x10" + len(value).to_bytes(4, "little") + value
        assert facts(read(with_middle(middle))) == FIVE

    @pytest.mark.parametrize("vr", [b"  ", b"??", b"\0\0", b"UN"])
    def test_of_what_is_read_it_is_that_of_the_dictionary(self, vr: bytes) -> None:
        length = b"\0\0\2\0\0\0" if vr == b"UN" else b"\2\0"
        tail = b"\x18\0\x60\0" + vr + length + b"81"
        assert facts(read(written(HEAD.items(), EXPLICIT) + tail)) == {"tube.voltage": 81}

    @pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.3.46.670589.33.1.4.1", "ZHANG^SAN"])
    @pytest.mark.parametrize("encoded", [EXPLICIT, IMPLICIT])
    def test_a_maker_s_own_transfer_syntax_is_what_its_first_element_says(self, syntax: str, encoded: str) -> None:
        assert facts(read(with_middle(b"", encoded), syntax)) == FIVE


class TestLongValues:
    SIZE: Final = 5_000_000

    def private(self, syntax: str) -> bytes:
        return element(0x00091010, b"\x5a" * self.SIZE, vr="OB", syntax=syntax)

    @pytest.mark.parametrize("syntax", SYNTAXES)
    def test_a_private_value_in_front_is_skipped_by_its_length(self, syntax: str) -> None:
        found = read(with_middle(self.private(syntax), syntax), syntax)
        assert facts(found) == FIVE
        assert not found.refused

    @pytest.mark.parametrize("vr", [b"UN", b"SQ"])
    @pytest.mark.parametrize("ended", [False, True])
    def test_a_private_sequence_without_a_length(self, vr: bytes, ended: bool) -> None:
        """UN without a length is implicit within (PS3.5 6.2.2)."""
        inner = element(0x00091010, b"\x5a" * self.SIZE, vr="OB", syntax=IMPLICIT if vr == b"UN" else EXPLICIT)
        length = b"\xff\xff\xff\xff" if ended else len(inner).to_bytes(4, "little")
        item = b"\xfe\xff\0\xe0" + length + inner + (b"\xfe\xff\x0d\xe0\0\0\0\0" if ended else b"")
        middle = b"\x09\0\x01\x10" + vr + b"\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
        assert facts(read(with_middle(middle))) == FIVE

    @pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, DEFLATED])
    def test_nothing_of_it_is_held(self, syntax: str) -> None:
        data = with_middle(self.private(syntax), syntax)
        reading = reader(zone=UTC, transfer_syntax=syntax)
        tracemalloc.start()
        for at in range(0, len(data), 16_384):
            reading.feed(data[at : at + 16_384])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert facts(reading.facts(RECEIVED)[0]) == FIVE
        assert peak < 1_000_000

    def test_in_a_file_it_is_not_even_read(self, tmp_path: Path) -> None:
        """A hole of many gigabytes in front, which a file system keeps for nothing."""
        size = 3_000_000_000
        head = image()[: image().index(b"\x18\0\x60\0DS")]
        (tmp_path / "sparse.dcm").write_bytes(
            head + element(0x00091010, b"", vr="OB")[:-4] + size.to_bytes(4, "little")
        )
        with (tmp_path / "sparse.dcm").open("r+b") as file:
            file.seek(size, 2)
            file.write(written(TAIL.items(), EXPLICIT))
        (found,) = read_file(tmp_path / "sparse.dcm", zone=UTC, reasons=REASONS)
        assert facts(found) == FIVE

    def test_a_deflated_data_set_is_looked_at_up_to_a_bound(self) -> None:
        middle = element(0x00091010, bytes(INFLATED_LIMIT), vr="OB")
        with pytest.raises(Exception, match="longer than") as caught:
            read(with_middle(middle, DEFLATED), DEFLATED)
        assert getattr(caught.value, "reason", "") == "header-too-long"


@settings(deadline=None, max_examples=100)
@given(
    syntax=st.sampled_from([*SYNTAXES, None]),
    cuts=st.lists(st.integers(0, 1500), max_size=8),
)
def test_however_it_is_cut_into_pieces_it_says_the_same(syntax: str | None, cuts: list[int]) -> None:
    data = image() if syntax is None else with_middle(element(0x00091010, b"x" * 600, vr="OB", syntax=syntax), syntax)
    reading = reader(zone=UTC, transfer_syntax=syntax)
    at = 0
    for cut in (*sorted(cuts), len(data)):
        reading.feed(data[at:cut])
        at = max(at, cut)
    (found,) = reading.facts(RECEIVED)
    assert found == header(data, received=RECEIVED, zone=UTC, transfer_syntax=syntax)


def test_byte_by_byte() -> None:
    data = with_middle(b"\x09\0\x01\x10??\4\0ABCD")
    reading = reader(zone=UTC, transfer_syntax=EXPLICIT)
    for at in range(len(data)):
        reading.feed(data[at : at + 1])
    assert facts(reading.facts(RECEIVED)[0]) == FIVE


def test_an_image_that_tells_nothing_is_not_silently_nothing() -> None:
    with pytest.raises(Untold) as caught:
        read(written(HEAD.items(), EXPLICIT))
    assert caught.value.reason == "no-facts"


class TestTimes:
    @pytest.mark.parametrize(
        ("time", "ms"),
        [("101500.123456", 123), ("101500.1234567", 123), ("101500.123456789", 123), ("101500.9999999", 1000),
         ("101500.1", 100), ("101500.", 0), ("101500,123", 123), ("10:15:00.1234567", 123)],
    )  # fmt: skip
    def test_any_number_of_fraction_digits(self, time: str, ms: int) -> None:
        found = read(written([*HEAD.items(), *TAIL.items()], EXPLICIT).replace(
            element("AcquisitionTime", "101500"), element("AcquisitionTime", time)))  # fmt: skip
        assert found.at == 1_795_860_900_000 + ms
        assert not found.refused

    @pytest.mark.parametrize(
        "moment",
        ["20261128101500.1234567", "20261128101500.123456789+0000", "20261128181500.1234567+0800",
         "2026-11-28T10:15:00.1234567Z", "2026-11-28 10:15:00.123"],
    )  # fmt: skip
    def test_of_a_date_and_time_too(self, moment: str) -> None:
        parts = {**HEAD, "AcquisitionDateTime": moment, **TAIL}
        found = read(written(parts.items(), EXPLICIT))
        assert found.at == 1_795_860_900_123
        assert "malformed:time" not in found.refused

    @pytest.mark.parametrize("date", ["20261128", "2026.11.28", "2026-11-28", "2026/11/28"])
    def test_a_date_with_signs_between(self, date: str) -> None:
        parts = {**HEAD, **TAIL, "AcquisitionDate": date}
        assert read(written(parts.items(), EXPLICIT)).at == 1_795_860_900_000


class TestKind:
    def test_a_directory_of_a_medium_is_another_storage(self) -> None:
        """DICOMDIR, which exports put beside the images, has no SOP class but in its meta information (PS3.10 8)."""
        entries = element(0x00041130, "STUDY", vr="CS") + element(0x00041220, b"", vr="SQ")
        with pytest.raises(Untold) as caught:
            header(media("1.2.840.10008.1.3.10") + entries, received=RECEIVED, zone=UTC)
        assert caught.value.reason == "other-storage"

    def test_what_the_meta_information_says_counts_where_the_object_is_silent(self) -> None:
        parts = [(tag, value) for tag, value in [*HEAD.items(), *TAIL.items()] if tag != "SOPClassUID"]
        found = header(media(DX) + written(parts, EXPLICIT), received=RECEIVED, zone=UTC)
        assert facts(found) == FIVE


def media(kind: str) -> bytes:
    """Preamble and meta information of a file."""
    return bytes(128) + b"DICM" + element("MediaStorageSOPClassUID", kind) + element("TransferSyntaxUID", EXPLICIT)


class TestDeflated:
    def test_with_the_head_of_zlib(self) -> None:
        data = zlib.compress(with_middle(b""))
        for size in (1, 7, len(data)):
            reading = reader(zone=UTC, transfer_syntax=DEFLATED)
            for at in range(0, len(data), size):
                reading.feed(data[at : at + size])
            assert facts(reading.facts(RECEIVED)[0]) == FIVE

    def test_what_stands_behind_its_end_is_not_held(self) -> None:
        reading = reader(zone=UTC, transfer_syntax=DEFLATED)
        reading.feed(with_middle(b"", DEFLATED))
        tracemalloc.start()
        for _ in range(200):
            reading.feed(bytes(65_536))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000
        assert facts(reading.facts(RECEIVED)[0]) == FIVE
