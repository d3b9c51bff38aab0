import base64
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.paging import (
    ById,
    ByName,
    ByPlace,
    ByReading,
    ByTime,
    ByTimeOfAlert,
    ByUrgency,
    ByUrgencyOfAlert,
    decode,
    encode,
    page,
)
from api.http.problems import Problem

NOW = datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC)
KEYS: list[msgspec.Struct] = [
    ById(7),
    ByTime(NOW, 9),
    ByTimeOfAlert(NOW, UUID(int=3)),
    ByReading(NOW, -1, 0),
    ByName("generic-dr"),
    ByUrgency(4, NOW, 9),
    ByUrgencyOfAlert(1, NOW, UUID(int=3)),
    ByPlace(0, "第一人民医院" * 20, "放射科", "😀" * 100, 7),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_cursor_carries_its_key(key: msgspec.Struct) -> None:
    cursor = encode("list", key)
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode("list", cursor, type(key)) == key


def test_no_cursor_is_no_key() -> None:
    assert decode("list", None, ById) is None


def test_a_cursor_of_another_list_or_shape_is_refused() -> None:
    for cursor in (encode("other", ById(7)), encode("list", ByName("x")), encode("list", ByTime(NOW, 1))):
        with pytest.raises(Problem) as refused:
            decode("list", cursor, ById)
        assert (refused.value.status, refused.value.where) == (422, "query.next")


@pytest.mark.parametrize(
    "inside",
    [
        b'["list",[9223372036854775808]]',
        b'["list",[-2]]',
        b'["list",[true]]',
        b'["list",[1,2]]',
        b'["list",{}]',
        b"[" * 9999,
    ],
)
def test_a_made_up_cursor_never_reaches_the_database(inside: bytes) -> None:
    with pytest.raises(Problem):
        decode("list", base64.urlsafe_b64encode(inside).decode().rstrip("="), ById)


def test_a_time_without_a_zone_is_no_key() -> None:
    inside = b'["list",["2026-11-22T04:00:00",1]]'
    with pytest.raises(Problem):
        decode("list", base64.urlsafe_b64encode(inside).decode().rstrip("="), ByTime)


@given(st.text(max_size=60))
def test_garbage_is_a_problem_and_nothing_else(text: str) -> None:
    for kind in (ById, ByTime, ByTimeOfAlert, ByReading, ByName, ByUrgency, ByUrgencyOfAlert, ByPlace):
        with suppress(Problem):
            decode("list", text, kind)


@given(st.binary(max_size=60))
def test_garbage_in_base64_too(packed: bytes) -> None:
    with pytest.raises(Problem):
        decode("list", base64.urlsafe_b64encode(packed).decode().rstrip("=") or "-", ById)


def test_a_page_says_whether_there_is_another() -> None:
    def cut(rows: list[int]) -> tuple[list[int], ById | None]:
        made = page("list", rows, 2, item=lambda row: row * 10, key=ById)
        return made.items, decode("list", made.next, ById)

    assert cut([]) == ([], None)
    assert cut([1, 2]) == ([10, 20], None)
    assert cut([1, 2, 3]) == ([10, 20], ById(2))
