"""The value representations of what is read, and of what the tests write: those of PS3.6, in pydicom."""

from collections.abc import Iterator

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag

from agent.adapters.dicom import image, mpps, report
from agent.adapters.dicom.dictionary import VRS
from tests.fixtures.dicom import FULL, PATIENT, element
from tests.fixtures.dose import event
from tests.fixtures.dose import report as dose_report
from tests.fixtures.mpps import begun, ended
from tests.fixtures.scu import dataset


@pytest.mark.parametrize("tag", sorted(VRS))
def test_each_is_that_of_the_standard(tag: int) -> None:
    assert VRS[tag] == dictionary_VR(tag)


def test_whatever_is_read_has_one() -> None:
    assert VRS.keys() >= image.ALLOWED | mpps.WANTED | report.WANTED | report.FOLLOWED


def _elements(of: Dataset) -> Iterator[tuple[int, str]]:
    for each in of:
        yield int(each.tag), each.VR
        if each.VR == "SQ":
            for item in each.value:
                yield from _elements(item)


@pytest.mark.parametrize(
    "made", [dataset(), begun(), ended(), ended("DISCONTINUED", reason="110501"), dose_report(event(images=["2.25.5"]))]
)
def test_what_the_tests_write_is_written_as_the_standard_says(made: Dataset) -> None:
    found = list(_elements(made))
    assert len(found) > 8
    for tag, vr in found:
        assert vr in dictionary_VR(tag).split(" or "), Tag(tag)


@pytest.mark.parametrize("keyword", [str(each) for each in (*FULL, *PATIENT)])
def test_so_is_each_element_that_is_written_by_hand(keyword: str) -> None:
    written = element(keyword, b"")
    tag = int.from_bytes(written[0:2], "little") << 16 | int.from_bytes(written[2:4], "little")
    assert written[4:6].decode() == dictionary_VR(tag)
