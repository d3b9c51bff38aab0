from random import Random

import msgspec
import pytest

from desk.telling.letters import Letter
from desk.telling.plan import MESSAGES, SINGLY, Patience, Row, fate, next_message
from desk.telling.reasons import RefusedError, TellingError, TooFastError
from tests.unit.desk.test_letters import letter

NOW = 1_795_312_800_000


class Fixed(Random):
    """Chance that isn't one."""

    def __init__(self, share: float) -> None:
        super().__init__(0)
        self._share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self._share


def row(id_: int = 1, *, attempts: int = 0, refused: int = 0, waited_s: int = 60) -> Row:
    return Row(
        id=id_,
        ticket_id=id_,
        org_id=1,
        attempts=attempts,
        refused=refused,
        at_ms=NOW - waited_s * 1000,
        letter=letter(number=str(id_)),
    )


def at(*sites: int) -> list[tuple[Row, Letter]]:
    """A due letter for each of these sites, in order."""
    return [(row(n), letter(number=str(n), site_id=site)) for n, site in enumerate(sites)]


def ids(letters: list[tuple[Row, Letter]]) -> list[int]:
    return [row.id for row, _ in next_message(letters)]


def test_delays_double_up_to_the_most() -> None:
    patience = Patience(first_s=5, most_s=60)
    assert [patience.delay_ms(failures, Fixed(0.5)) for failures in (1, 2, 3, 4, 5, 99)] == [
        5_000,
        10_000,
        20_000,
        40_000,
        60_000,
        60_000,
    ]


def test_chance_spreads_a_delay_and_what_a_receiver_asked_for_is_kept() -> None:
    patience = Patience(first_s=10)
    assert (patience.delay_ms(1, Fixed(0)), patience.delay_ms(1, Fixed(1))) == (5_000, 15_000)
    assert patience.delay_ms(1, Fixed(0), least_s=60) == 60_000


def test_a_claim_lasts_longer_than_the_message_that_it_is_for() -> None:
    assert Patience(limit_s=11).lease_ms > 11_000


def test_by_default_a_message_is_tried_for_hours() -> None:
    patience = Patience()
    hours = sum(patience.delay_ms(n, Fixed(0.5)) for n in range(1, patience.attempts)) / 3_600_000
    assert 2 < hours < 4


def test_a_few_of_a_site_are_told_singly_and_more_together() -> None:
    assert ids(at(*[1] * SINGLY)) == [0]
    assert ids(at(*[1] * (SINGLY + 1))) == list(range(SINGLY + 1))


def test_sites_are_told_apart_the_first_due_first() -> None:
    assert ids(at(2, 1, 1, 1, 1)) == [0]
    assert ids(at(1, 2, 1, 1, 1)) == [0, 2, 3, 4]


def test_only_news_of_tickets_is_counted_together() -> None:
    letters = at(*[1] * 6)
    letters[2] = (letters[2][0], letter(message="notify.other"))
    assert ids(letters) == [0, 1, 3, 4, 5]
    assert ids(letters[2:]) == [2]


def test_too_many_sites_are_one_message() -> None:
    assert ids(at(*range(MESSAGES))) == [0]
    assert ids(at(*range(MESSAGES + 1))) == list(range(MESSAGES + 1))


@pytest.mark.parametrize(
    ("error", "known", "again", "given_up"),
    [
        (TellingError("telling.no_connection"), row(), [1], []),
        (TellingError("telling.no_connection"), row(attempts=12, refused=2), [1], []),
        (TellingError("telling.no_connection"), row(attempts=13), [], [1]),
        (TellingError("telling.no_connection"), row(waited_s=86_400), [], [1]),
        (RefusedError("telling.status", status=401), row(attempts=9, refused=1), [1], []),
        (RefusedError("telling.status", status=401), row(attempts=2, refused=2), [], [1]),
        (TooFastError("telling.too_fast"), row(attempts=13, refused=2), [], []),
        (TooFastError("telling.too_fast"), row(waited_s=86_400), [], [1]),
    ],
)
def test_what_becomes_of_a_message_that_did_not_get_through(
    error: TellingError, known: Row, again: list[int], given_up: list[int]
) -> None:
    doomed = fate([known], error, Patience(), NOW)
    assert (doomed.again, doomed.given_up) == (again, given_up)
    assert doomed.refused == isinstance(error, RefusedError)


def test_each_of_a_message_has_its_own_fate() -> None:
    old = msgspec.structs.replace(row(2), attempts=13)
    doomed = fate([row(1), old, row(3)], TellingError("telling.no_answer"), Patience(), NOW)
    assert (doomed.again, doomed.given_up) == ([1, 3], [2])
