from random import Random

from desk.telling import Patience


class Fixed(Random):
    """Chance that isn't one."""

    def __init__(self, share: float) -> None:
        super().__init__(0)
        self._share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self._share


def test_delays_double_up_to_the_most() -> None:
    patience = Patience(first_s=5, most_s=60)
    assert [patience.delay_ms(attempts, Fixed(0.5)) for attempts in (1, 2, 3, 4, 5, 99)] == [
        5_000,
        10_000,
        20_000,
        40_000,
        60_000,
        60_000,
    ]


def test_chance_spreads_a_delay_from_half_to_once_and_a_half() -> None:
    patience = Patience(first_s=10)
    assert (patience.delay_ms(1, Fixed(0)), patience.delay_ms(1, Fixed(1))) == (5_000, 15_000)


def test_a_claim_lasts_longer_than_all_that_is_sent_under_it() -> None:
    patience = Patience(each=7, limit_s=11)
    assert patience.lease_ms > 7 * 11_000


def test_by_default_a_message_is_tried_for_hours() -> None:
    patience = Patience()
    hours = sum(patience.delay_ms(n, Fixed(0.5)) for n in range(1, patience.attempts)) / 3_600_000
    assert 2 < hours < 4
