"""How long a job rests, and what may be said of what went wrong."""

import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from steth.jobs.runner import AWAY_S, LONGEST_S, is_away, pause_s, said
from store.errors import StoreError, StoreErrorCode, kind_of


def caught(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301
    except Exception as raised:  # noqa: BLE001
        return raised


def test_a_job_that_goes_well_comes_at_its_time() -> None:
    assert [pause_s(every_s, 0, away=False) for every_s in (0.3, 3600.0)] == [0.3, 3600.0]


def test_a_job_that_fails_comes_ever_more_seldom() -> None:
    assert [pause_s(0.3, failures, away=False) for failures in (1, 2, 3, 4, 5, 99)] == [5, 10, 20, 40, LONGEST_S, 60]
    assert [pause_s(3600.0, failures, away=False) for failures in (1, 2, 99)] == [5, 10, 3600]


@pytest.mark.parametrize("failures", [1, 1000])
def test_what_is_away_is_asked_again_at_once(failures: int) -> None:
    assert (pause_s(0.3, failures, away=True), pause_s(3600.0, failures, away=True)) == (0.3, AWAY_S)


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (errors.AdminShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.ConnectionTimeout(), True),
        (PoolTimeout(), True),
        (ConnectionResetError(), True),
        (errors.TooManyConnections(), True),
        (errors.ReadOnlySqlTransaction(), True),
        (errors.QueryCanceled(), False),
        (errors.DiskFull(), False),
        (TimeoutError(), False),
        (KeyError(), False),
    ],
)
def test_what_is_away_is_told_from_what_is_wrong(error: Exception, away: bool) -> None:
    assert is_away(error) is away


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("ZhangSan"), "KeyError"),
        (errors.UniqueViolation("Key (name)=(ZhangSan) already exists."), "UniqueViolation 23505"),
        (errors.AdminShutdown("cut\nhere"), "AdminShutdown 57P01: cut here"),
        (StoreError(StoreErrorCode.EDITION, "run `steth migrate`"), "StoreError: run `steth migrate`"),
        (ConnectionResetError(104, "reset"), "ConnectionResetError: [Errno 104] reset"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_what_may_be_data_is_never_said(error: Exception, text: str) -> None:
    assert said(error) == text


def test_a_kind_is_a_type_at_a_place_whatever_it_was_about() -> None:
    assert kind_of(caught(KeyError("a"))) == kind_of(caught(KeyError("b")))
    assert kind_of(caught(KeyError("a"))) != kind_of(caught(ValueError("a")))
    assert "ZhangSan" not in kind_of(caught(KeyError("ZhangSan")))
