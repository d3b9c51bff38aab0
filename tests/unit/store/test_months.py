from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from store.partitions import Month, months

TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_months_of_a_span_over_the_new_year() -> None:
    found = months(first=datetime(2026, 11, 30, tzinfo=UTC), last=datetime(2027, 2, 1, tzinfo=UTC))
    assert [month.of_table("reading") for month in found] == [
        "reading_2026_11",
        "reading_2026_12",
        "reading_2027_01",
        "reading_2027_02",
    ]


def test_a_month_is_utc_wherever_the_time_was_taken() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert Month.of(datetime(2026, 12, 1, 7, 59, tzinfo=shanghai)) == Month(2026, 11)
    assert Month.of(datetime(2026, 12, 1, 8, 0, tzinfo=shanghai)) == Month(2026, 12)


@given(TIMES)
def test_a_time_lies_in_its_month_and_months_touch(time: datetime) -> None:
    month = Month.of(time)
    assert month.begin <= time < month.next.begin
    assert timedelta(days=28) <= month.next.begin - month.begin <= timedelta(days=31)
