"""What lines of a log say, by the catalog's patterns."""

from collections import Counter
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.logs.pattern import LineReader, Open, local_time
from agent.adapters.values import Refused
from catalog.load import load
from catalog.model import Continuation, LogFault, LogPattern, LogSignal, Model
from wire.items import UNCERTAIN, Fault, Readings

MODEL = load().models["generic-dr"]
NOW = 1_795_306_500_000  # 2026-11-22 00:15:00 UTC
TS = r"^(?P<ts>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) "
ALARM = LogPattern(
    id="alarm",
    regex=TS + r"E(?P<code>\d+)\b",
    example="2026-11-22 00:14:00 E42 too hot",
    time_format="%Y-%m-%d %H:%M:%S",
    fault=LogFault(state="active", group="code", table={"42": "GEN-KV-01"}),
)
HEAT = LogPattern(
    id="heat",
    regex=TS + r".*heat=(?P<value>\S+)",
    example="2026-11-22 00:14:00 heat=42.5",
    time_format="%Y-%m-%d %H:%M:%S",
    signal=LogSignal(name="tube.heat", group="value", unit="%"),
)
ARCS = LogPattern(
    id="arcs",
    regex=TS + r".*arcs=(?P<value>\d+)",
    example="2026-11-22 00:14:00 arcs=2",
    time_format="%Y-%m-%d %H:%M:%S",
    signal=LogSignal(name="generator.arcs", group="value", unit="1"),
)
STOP = LogPattern(id="stop", regex="^STOP", example="STOP", fault=LogFault(state="event", code="GEN-OK"))


def reader(*patterns: LogPattern, encoding: str | None = None, zone: tzinfo = UTC, model: Model = MODEL) -> LineReader:
    return LineReader(model=model, patterns=patterns, encoding=encoding, zone=zone)


def test_every_example_of_the_catalog_gives_one_item() -> None:
    for pattern in MODEL.log_patterns:
        found = reader(pattern).read(pattern.example.encode(pattern.encoding).split(b"\n"), received=NOW)
        items = [*found.live, *found.bulk]
        assert len(items) == 1, pattern.id
        assert not found.refused, pattern.id


def test_a_code_a_number_and_nothing_of_the_text() -> None:
    lines = [
        b"2026-11-22 00:14:00 E42 patient ZHANG SAN moved",
        b"2026-11-22 00:14:01 heat=42.5 arcs=3 ZHANG SAN",
        b"2026-11-22 00:14:03 heat=43,5",
        b"ZHANG SAN heat=9",
        b"STOP ZHANG SAN",
    ]
    found = reader(ALARM, HEAT, ARCS, STOP).read(lines, received=NOW)
    assert found.live == [
        Fault(at=NOW - 60_000, code="GEN-KV-01", state="active", source="log"),
        Readings(at=NOW - 59_000, metric=["generator.arcs"], value=[3], unit=["1"]),
        Fault(at=NOW, code="GEN-OK", state="event", source="log"),
    ]
    assert found.bulk == [
        Readings(at=NOW - 59_000, metric=["tube.heat"] * 2, value=[42.5, 43.5], dt=[0, 2000], unit=["%", "%"])
    ]
    assert found.refused == Counter()
    assert "ZHANG" not in repr(found)


def test_what_is_no_fact_is_counted() -> None:
    lines = [
        b"2026-11-22 00:14:00 E99",
        b"2026-11-22 00:14:00 heat=hot",
        b"2026-11-22 00:14:00 heat=nan",
        b"2026-13-22 00:14:00 heat=4",
        b"1970-01-01 00:14:00 heat=5",
        b"2026-12-24 00:14:00 heat=6",
    ]
    found = reader(ALARM, HEAT).read(lines, received=NOW)
    assert found.bulk == [
        Readings(at=NOW, metric=["tube.heat"] * 3, value=[4, 5, 6], unit=["%"] * 3, quality=[UNCERTAIN] * 3)
    ]
    assert found.refused == Counter(
        {
            "unknown-code": 1,
            "malformed:tube.heat": 1,
            "not-a-number:tube.heat": 1,
            "malformed:time": 1,
            "implausible:time": 2,
        }
    )


@pytest.mark.parametrize(
    ("encoding", "big_endian", "line"),
    [
        ("utf-8", False, "\ufeff2026-11-22 00:14:00 过热 heat=42.5\r".encode()),
        ("gb18030", False, "2026-11-22 00:14:00 过热 heat=42.5".encode("gb18030")),
        ("latin-1", False, b"2026-11-22 00:14:00 \xe9 heat=42.5"),
        ("utf-16", False, "\ufeff2026-11-22 00:14:00 过热 heat=42.5\r".encode("utf-16-le")),
        ("utf-16", True, "2026-11-22 00:14:00 过热 heat=42.5".encode("utf-16-be")),
        ("utf-16-le", False, "\ufeff2026-11-22 00:14:00 过热 heat=42.5".encode("utf-16-le")),
        ("utf-16-be", True, "2026-11-22 00:14:00 过热 heat=42.5".encode("utf-16-be")),
    ],
)
def test_encodings(encoding: str, big_endian: bool, line: bytes) -> None:
    found = reader(HEAT, encoding=encoding).read([line], received=NOW, big_endian=big_endian)
    assert found.bulk == [Readings(at=NOW - 60_000, metric=["tube.heat"], value=[42.5], unit=["%"])]
    assert not found.refused


def test_bad_bytes_are_counted_and_the_rest_of_the_line_is_read() -> None:
    found = reader(HEAT).read([b"2026-11-22 00:14:00 \xff\xfe heat=42.5"], received=NOW)
    assert len(found.bulk) == 1
    assert found.refused == Counter({"bad-bytes": 1})


def test_only_the_beginning_of_a_line_is_looked_at() -> None:
    line = b"2026-11-22 00:14:00 " + b"x" * 3000 + b"heat=42.5"
    assert reader(HEAT).read([line], received=NOW).bulk == []


class TestTime:
    def test_a_local_time_is_in_the_configured_zone(self) -> None:
        shanghai = ZoneInfo("Asia/Shanghai")
        assert local_time("2026-11-22 08:14", "%Y-%m-%d %H:%M", received=NOW, zone=shanghai).at == NOW - 60_000

    def test_an_offset_of_the_line_comes_first(self) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        assert local_time("2026-11-22 01:14+0100", "%Y-%m-%d %H:%M%z", received=NOW, zone=zone).at == NOW - 60_000

    def test_without_a_year_it_is_the_last_such_day(self) -> None:
        assert local_time("Nov 22 00:14:00", "%b %d %H:%M:%S", received=NOW, zone=UTC).at == NOW - 60_000
        year = 365 * 86_400_000
        assert local_time("Nov 24 00:15:00", "%b %d %H:%M:%S", received=NOW, zone=UTC).at == NOW + 2 * 86_400_000 - year
        assert local_time("Feb 29 00:15:00", "%b %d %H:%M:%S", received=NOW, zone=UTC).at == 1_709_165_700_000  # 2024

    def test_new_year_s_eve_is_last_year_s_in_january(self) -> None:
        january = 1_798_761_600_000  # 2027-01-01 00:00:00 UTC
        assert local_time("12-31 23:59:59", "%m-%d %H:%M:%S", received=january, zone=UTC).at == january - 1000

    @pytest.mark.parametrize(
        ("text", "time_format", "reason"),
        [("00:14", "%H:%M", "malformed"), ("ZHANG", "%Y-%m-%d", "malformed"), ("Feb 30", "%b %d", "malformed"),
         ("1989-01-01", "%Y-%m-%d", "implausible"), ("2999-01-01", "%Y-%m-%d", "implausible")],
    )  # fmt: skip
    def test_what_is_no_time(self, text: str, time_format: str, reason: str) -> None:
        with pytest.raises(Refused) as caught:
            local_time(text, time_format, received=NOW, zone=UTC)
        assert caught.value.reason == reason
        assert text not in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(
    lines=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.binary(max_size=20).map(lambda tail: b"2026-11-22 00:14:00 E42 heat=" + tail),
            st.from_regex(ALARM.regex + ".{0,20}").map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.from_regex(HEAT.regex).map(lambda text: text.encode("utf-8", "surrogatepass")),
        ),
        max_size=5,
    ),
    encoding=st.sampled_from([None, "utf-8", "gb18030", "latin-1", "utf-16"]),
)
def test_no_bytes_raise(lines: list[bytes], encoding: str | None) -> None:
    found = reader(ALARM, HEAT, ARCS, encoding=encoding).read(lines, received=NOW)
    assert all(isinstance(item, (Fault, Readings)) for item in (*found.live, *found.bulk))


BLOCK = LogPattern(
    id="block",
    regex=TS + "ERROR$",
    continuation=Continuation(regex=r"^ +code=(?P<code>\d+)$", within=3),
    example="2026-11-22 00:14:00 ERROR\n code=42",
    time_format="%Y-%m-%d %H:%M:%S",
    fault=LogFault(state="active", group="code", table={"42": "GEN-KV-01", "43": "GEN-KV-02"}),
)
WARM = LogPattern(
    id="warm",
    regex="^value (?P<value>.+)$",
    continuation=Continuation(regex=TS + "above$", within=2),
    example="value 42.5\n2026-11-22 00:14:00 above",
    time_format="%Y-%m-%d %H:%M:%S",
    signal=LogSignal(name="tube.heat", group="value", unit="%"),
)
ERROR = b"2026-11-22 00:14:00 ERROR"


class TestContinuation:
    def test_a_code_in_a_following_line_at_the_first_line_s_time(self) -> None:
        found = reader(BLOCK).read([ERROR, b" patient ZHANG SAN", b" code=42", b" code=43"], received=NOW)
        assert found.live == [Fault(at=NOW - 60_000, code="GEN-KV-01", state="active", source="log")]
        assert (found.open, found.refused) == ((), Counter())

    def test_a_value_in_front_and_the_time_behind(self) -> None:
        found = reader(WARM).read([b"value 42.5", b"2026-11-22 00:14:00 above"], received=NOW)
        assert found.bulk == [Readings(at=NOW - 60_000, metric=["tube.heat"], value=[42.5], unit=["%"])]

    @pytest.mark.parametrize("cut", [1, 2, 3])
    def test_it_may_come_in_a_later_turn_and_after_a_restart(self, cut: int) -> None:
        lines = [ERROR, b" ZHANG SAN", b"", b" code=42"]
        first = reader(BLOCK).read(lines[:cut], received=NOW)
        assert first.open == (Open("block", 4 - cut, NOW - 60_000),)
        assert "ZHANG" not in repr(first)
        second = reader(BLOCK).read(lines[cut:], received=NOW + 5000, waiting=first.open)
        assert [fault.at for fault in second.live if isinstance(fault, Fault)] == [NOW - 60_000]
        assert second.open == ()

    def test_what_does_not_come_within_its_lines_is_counted(self) -> None:
        found = reader(BLOCK).read([ERROR, b" a", b" b", b" c", b" code=42"], received=NOW)
        assert (found.live, found.open, found.refused) == ([], (), Counter({"unfinished": 1}))

    def test_the_same_beginning_again_begins_anew(self) -> None:
        again = b"2026-11-22 00:14:30 ERROR"
        found = reader(BLOCK).read([ERROR, b" a", b" b", again, b" a", b" b", b" code=42"], received=NOW)
        assert [fault.at for fault in found.live if isinstance(fault, Fault)] == [NOW - 30_000]
        assert found.refused == Counter({"unfinished": 1})

    def test_two_patterns_wait_side_by_side(self) -> None:
        lines = [ERROR, b"value 42.5", b" code=42", b"2026-11-22 00:14:00 above"]
        found = reader(BLOCK, WARM, ALARM).read(lines, received=NOW)
        assert (len(found.live), len(found.bulk), found.refused) == (1, 1, Counter())

    def test_only_what_the_table_holds_and_numbers_leave(self) -> None:
        lines = [ERROR, b" code=44", b"value ZHANG SAN", b"2026-11-22 00:14:00 above"]
        found = reader(BLOCK, WARM).read(lines, received=NOW)
        assert (found.live, found.bulk, found.open) == ([], [], ())
        assert found.refused == Counter({"unknown-code": 1, "malformed:tube.heat": 1})

    def test_a_time_that_is_none_leaves_the_time_of_receipt(self) -> None:
        found = reader(WARM).read([b"value 42.5", b"2026-22-22 00:14:00 above"], received=NOW)
        (item,) = found.bulk
        assert isinstance(item, Readings)
        assert (item.at, item.quality) == (NOW, [UNCERTAIN])

    def test_a_pattern_that_is_no_longer_there_waits_for_nothing(self) -> None:
        found = reader(ALARM).read([b" code=42"], received=NOW, waiting=(Open("block", 2, NOW),))
        assert found.live == []
