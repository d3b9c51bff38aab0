"""Pure decisions: the state of a device, languages, conditions, times."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.episode import Condition
from api.alerts.lists import CONDITIONS as LISTED
from api.alerts.shapes import Condition as ShownCondition
from api.devices.state import WORDS, Judged, Known, Reason, judge
from api.http.conditions import etag, require_match
from api.http.language import Reader, preferred
from api.http.problems import STATUS, Problem, ProblemCode
from api.http.rights import ROUTES, methods_of
from api.http.shapes import NamedId, moment, of_row
from catalog.load import load
from catalog.model import SEVERITIES, Lang
from people.names import clean_name

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


def known(
    *,
    age_s: float | None = 5,
    connected: bool = True,
    worst: str | None = None,
    interval_s: float = 15.0,
    lost_h: float | None = None,
    reached: bool | None = None,
    doubted_h: float | None = None,
) -> Known:
    return Known(
        connected=connected,
        last_seen=None if age_s is None else NOW - timedelta(seconds=age_s),
        interval_s=interval_s,
        worst_severity=worst,
        worst_since=None if worst is None else NOW - timedelta(hours=1),
        lost_at=None if lost_h is None else NOW - timedelta(hours=lost_h),
        equipment_connected=reached,
        doubted_since=None if doubted_h is None else NOW - timedelta(hours=doubted_h),
    )


@pytest.mark.parametrize(
    ("what", "connected", "fresh", "healthy"),
    [
        (known(), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(connected=False), (False, Reason.SESSION_ENDED), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (
            known(connected=False, interval_s=0.0),
            (None, Reason.NO_SESSION),
            (True, Reason.RECENT),
            (True, Reason.NO_ALERTS),
        ),
        (known(age_s=45), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(age_s=46), (True, Reason.SESSION), (False, Reason.LATE), (None, Reason.STALE)),
        (known(age_s=46, interval_s=0), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(worst="minor"), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.ONLY_MINOR)),
        (known(worst="major"), (True, Reason.SESSION), (True, Reason.RECENT), (False, Reason.ALERTS)),
        (known(worst="critical", age_s=999), (True, Reason.SESSION), (False, Reason.LATE), (False, Reason.ALERTS)),
        (known(worst="minor", age_s=999), (True, Reason.SESSION), (False, Reason.LATE), (None, Reason.STALE)),
        (known(age_s=None), (None, Reason.NEVER_SEEN), (None, Reason.NEVER_SEEN), (None, Reason.NEVER_SEEN)),
        (
            known(age_s=None, worst="major"),
            (None, Reason.NEVER_SEEN),
            (None, Reason.NEVER_SEEN),
            (False, Reason.ALERTS),
        ),
        (known(lost_h=24), (True, Reason.SESSION), (True, Reason.RECENT), (None, Reason.REFUSED)),
        (known(lost_h=24.1), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(lost_h=1, worst="minor"), (True, Reason.SESSION), (True, Reason.RECENT), (None, Reason.REFUSED)),
        (known(lost_h=1, worst="major"), (True, Reason.SESSION), (True, Reason.RECENT), (False, Reason.ALERTS)),
        (known(lost_h=1, age_s=46), (True, Reason.SESSION), (False, Reason.LATE), (None, Reason.STALE)),
        (known(reached=True), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(reached=False), (True, Reason.SESSION), (True, Reason.RECENT), (None, Reason.OUT_OF_REACH)),
        (known(reached=False, age_s=46), (True, Reason.SESSION), (False, Reason.LATE), (None, Reason.STALE)),
        (
            known(reached=False, doubted_h=1, worst="major"),
            (True, Reason.SESSION),
            (True, Reason.RECENT),
            (False, Reason.ALERTS),
        ),
        (known(doubted_h=1, worst="minor"), (True, Reason.SESSION), (True, Reason.RECENT), (None, Reason.DOUBTED)),
        (known(age_s=-30), (True, Reason.SESSION), (True, Reason.RECENT), (True, Reason.NO_ALERTS)),
        (known(age_s=-3600), (True, Reason.SESSION), (False, Reason.LATE), (None, Reason.STALE)),
    ],
)
def test_connected_fresh_and_healthy_never_mix(
    what: Known,
    connected: tuple[bool | None, Reason],
    fresh: tuple[bool | None, Reason],
    healthy: tuple[bool | None, Reason],
) -> None:
    state = judge(what, now=NOW, default_interval_s=20)

    def said(judged: Judged) -> tuple[bool | None, Reason]:
        return judged.value, judged.reason

    assert (said(state.connected), said(state.fresh), said(state.healthy)) == (connected, fresh, healthy)


def test_a_device_is_never_called_healthy_on_old_data() -> None:
    for age_s, connected, worst in product((0, 60, 9999), (True, False), (None, *SEVERITIES)):
        state = judge(known(age_s=age_s, connected=connected, worst=worst), now=NOW, default_interval_s=15)
        if state.healthy.value:
            assert state.fresh.value
            assert worst not in {"critical", "major"}


def test_a_device_is_never_called_healthy_while_something_makes_it_doubtful() -> None:
    for reached, doubted_h, worst in product((True, False, None), (None, 0, 99), (None, *SEVERITIES)):
        state = judge(known(reached=reached, doubted_h=doubted_h, worst=worst), now=NOW, default_interval_s=15)
        if state.healthy.value:
            assert reached is not False
            assert doubted_h is None


def test_every_reason_has_its_words() -> None:
    assert set(WORDS) == set(Reason)


def test_the_api_has_every_condition_and_every_open_one_is_listed_as_open() -> None:
    assert set(get_args(ShownCondition)) == {*Condition}
    assert set().union(*map(set, LISTED.values())) == {*Condition}


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "zh"),
        ("en", "en"),
        ("EN-gb, zh;q=0.9", "en"),
        ("zh-Hans-CN", "zh"),
        ("fr, de;q=0.9, en;q=0.1", "en"),
        ("en;q=0.3, zh;q=0.4", "zh"),
        ("en;q=0, fr", "zh"),
        ("en;q=x", "zh"),
        ("en;level=1", "en"),
        ("*", "zh"),
        (";;,,q=1", "zh"),
    ],
)
def test_the_language_a_reader_prefers(header: str, lang: str) -> None:
    assert preferred(header, "zh") == lang


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header: str) -> None:
    assert preferred(header, "en") in {"zh", "en"}


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("zh", "前服务商 将状态由“已接单”改为“已到场”"),
        ("en", "the dealer before moved it from accepted to on site"),
    ],
)
def test_who_of_the_dealer_before_did_something_is_said_without_a_name(lang: Lang, said: str) -> None:
    masked = {"who": "", "note": "", "old": "accepted", "new": "on-site"}
    reader = Reader(catalog=load(), lang=lang)
    assert reader.words("ticket.state", masked) == said
    assert reader.words("ticket.state", {**masked, "who": "wang.li"}).startswith("wang.li ")


@pytest.mark.parametrize("header", ['"3"', '"1", "3"', "*", ' "3" ', 'W/"3", "3"'])
def test_what_matches(header: str) -> None:
    require_match(header, 3)
    assert etag(3) == '"3"'


@pytest.mark.parametrize("header", ['"4"', 'W/"3"', "3", "", '"33"', '"3', "**", '"*"'])
def test_what_does_not_match(header: str) -> None:
    with pytest.raises(Problem) as refused:
        require_match(header, 3)
    assert refused.value.code is ProblemCode.CHANGED_MEANWHILE


def test_without_a_header_nothing_is_changed() -> None:
    with pytest.raises(Problem) as refused:
        require_match(None, 3)
    assert refused.value.status == 428


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T04:00:00Z",
        "2026-11-22t04:00:00.000z",
        "2026-11-22 04:00:00Z",
        "2026-11-22T12:00:00+08:00",
        "2026-11-22T12:00:00 08:00",
        "2026-11-21T20:00:00-08:00",
        "2026-11-22T04:00:00.000000000Z",
        "2026-11-22T04:00:00.0000009999999999999999Z",
        "2026-11-22T03:59:60Z",
        "2026-11-22T11:59:60.0+08:00",
        "1795320000000",
        pytest.param(1795320000000, id="milliseconds as a number"),
    ],
)
def test_times_as_people_and_programs_write_them(text: object) -> None:
    assert moment(text) == NOW


@given(st.text("0123456789", min_size=1, max_size=40))
def test_a_fraction_of_any_number_of_digits_is_kept_to_the_microsecond(digits: str) -> None:
    assert moment(f"2026-11-22T04:00:00.{digits}Z") == NOW + timedelta(microseconds=int(digits.ljust(6, "0")[:6]))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("第一人民医院", "第一人民医院"),
        (" 第一\u3000人民  医院\u00a0", "第一 人民 医院"),
        ("Hôpital", "Hôpital"),
        ("Ho\u0302pital", "Hôpital"),
        ("\u1112\u1161\u11ab병원", "한병원"),
    ],
)
def test_names_that_look_alike_are_one(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_time_means_the_same_in_every_zone(naive: datetime, minutes: int) -> None:
    zoned = naive.replace(tzinfo=UTC)
    assert moment(zoned.astimezone(timezone(timedelta(minutes=minutes))).isoformat()) == zoned
    whole = zoned.replace(microsecond=naive.microsecond // 1000 * 1000)
    assert moment(str(round(whole.timestamp()) * 1000 if not whole.microsecond else _ms(whole))) == whole


def _ms(whole: datetime) -> int:
    return (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(st.text(max_size=40))
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert moment(text).tzinfo is UTC


def test_every_code_has_a_status_of_its_class() -> None:
    assert set(STATUS) == set(ProblemCode)
    assert all(400 <= status < 600 and title for status, title in STATUS.values())


def test_methods_of_a_path() -> None:
    assert methods_of("/devices/d1") == ["GET", "PATCH"]
    assert methods_of("/devices") == ["GET", "POST"]
    assert methods_of("/devices/d1/x") == []
    for method, template in ROUTES:
        assert method in methods_of(template.replace("{id}", "7").replace("{number}", "WX1"))


def test_a_column_goes_into_an_answer_by_its_name() -> None:
    row = {"id": 3, "name": "never shown", "else": 1}
    assert of_row(NamedId, row, name="shown") == NamedId(id=3, name="shown")
