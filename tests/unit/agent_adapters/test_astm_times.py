"""The times of a message and of its records, however they are written."""

from datetime import UTC, datetime

import pytest

from tests.fixtures.astm import FLAGGED, HEADER, MODEL, ORDER
from tests.fixtures.astm_facts import RECEIVED, at, facts, of


@pytest.mark.parametrize(
    ("record", "when"),
    [
        ("R|1|^^^1|5|x||||F|||20240311080000|20240311080500|", "20240311080500"),
        ("R|1|^^^1|5|x||||F|||20240311080000||", "20240311080000"),
        ("R|1|^^^1|5|x||||F|||||", "20240311081000"),
        ("R|1|^^^1|5|x||||F||||202403110805|", "20240311080500"),
    ],
)
def test_a_result_s_own_time_then_its_order_s(record: str, when: str) -> None:
    assert of(ORDER, record, "C|1|I|72|I").faults[0].at == at(when)


def test_an_offset_of_its_own_comes_before_the_zone() -> None:
    found = of("M|1|SIG|bath.temperature|37|C|20240311080000+0000", model=MODEL)
    assert found.readings[0].at == round(datetime(2024, 3, 11, 8, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("21991122080000", "implausible:time"),
        ("19010101000000", "implausible:time"),
        ("20241322080000", "malformed:time"),
        ("2024031108000", "malformed:time"),
        ("20240311080000+", "malformed:time"),
        ("20240311250000", "malformed:time"),
        ("20240311080000+2500", "implausible:time"),
    ],
)
def test_a_time_that_can_not_be_is_counted_and_the_message_s_taken(time: str, reason: str) -> None:
    found = of(f"M|1|SIG|bath.temperature|37|C|{time}", model=MODEL)
    assert (found.readings[0].at, found.readings[0].quality) == (at("20240311081403"), 1)
    assert found.refused == {reason: 1}


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("20240311080000.123", "2024-03-11T08:00:00.123+08:00"),
        ("20240311080000.1", "2024-03-11T08:00:00.100+08:00"),
        ("20240311080000.123456789", "2024-03-11T08:00:00.123+08:00"),
        ("20240311080000,5", "2024-03-11T08:00:00.500+08:00"),
        ("20240311080000.123+0000", "2024-03-11T08:00:00.123+00:00"),
        ("20240311080000+0800", "2024-03-11T08:00:00+08:00"),
        ("20240311080000+08:00", "2024-03-11T08:00:00+08:00"),
        ("20240311080000+08", "2024-03-11T08:00:00+08:00"),
        ("20240311080000 +0800", "2024-03-11T08:00:00+08:00"),
        ("20240311080000-0330", "2024-03-11T08:00:00-03:30"),
        ("20240311000000Z", "2024-03-11T00:00:00+00:00"),
        ("202403110800", "2024-03-11T08:00:00+08:00"),
        ("202403110800+0900", "2024-03-11T08:00:00+09:00"),
        ("2024-03-11 08:00:00", "2024-03-11T08:00:00+08:00"),
        ("2024-03-11T08:00:00.25Z", "2024-03-11T08:00:00.250+00:00"),
        ("2024/03/11 08:00", "2024-03-11T08:00:00+08:00"),
        ("20240311080060", "2024-03-11T08:00:59+08:00"),
    ],
)
def test_however_a_time_is_written(written: str, when: str) -> None:
    found = of(
        f"M|1|SIG|bath.temperature|37|C|{written}", model=MODEL, header=HEADER.replace("20240311081403", written)
    )
    expected = round(datetime.fromisoformat(when).timestamp() * 1000)
    assert (found.readings[0].at, found.readings[0].quality, found.at) == (expected, 0, expected)
    assert (found.timed, found.dated, found.refused) == (True, True, {})


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("2024031108", "20240311080000"),
        ("20240310", "20240310000000"),
        ("2024031112", "20240311120000"),  # the hour of receipt
        ("20240311", "20240311120000"),  # its day
    ],
)
def test_an_hour_or_a_day_alone_is_its_beginning_or_that_of_receipt_and_uncertain(written: str, when: str) -> None:
    found = of(f"M|1|SIG|bath.temperature|37|C|{written}", model=MODEL)
    assert (found.readings[0].at, found.readings[0].quality) == (at(when), 1)
    assert (found.dated, found.refused) == (False, {})
    assert not of(header=HEADER.replace("20240311081403", written)).timed


def test_without_any_time_it_is_that_of_receipt() -> None:
    found = of("C|1|I|72|I", header=r"H|\^&|||x")
    assert (found.faults[0].at, found.at) == (RECEIVED, RECEIVED)
    assert (found.timed, found.dated) == (False, False)


def test_where_times_are_told() -> None:
    assert (facts(FLAGGED).timed, facts(FLAGGED).dated) == (True, True)
    found = of("C|1|I|72|I")
    assert (found.timed, found.dated) == (True, False)


def test_a_header_with_one_field_more() -> None:
    found = of(header=r"H|\^&|||Indiko^TF^5.02.00|||||||LIS2-A2|Q|1|20240223130000")
    assert found.at == at("20240223130000")
    assert not found.refused
