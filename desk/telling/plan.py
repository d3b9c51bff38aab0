"""Which message is sent next, and when one that failed is sent again or given up. Pure."""

from collections.abc import Sequence
from random import Random
from typing import Final

from msgspec import Struct

from desk.telling.letters import Letter
from desk.telling.reasons import RefusedError, TellingError, TooFastError

SINGLY: Final = 3
"""Tickets of one site that are told each by itself; more are one message with a count."""
COUNTED: Final = "notify.ticket"
"""What a summary is of: that there is a ticket, or that it got worse."""
MESSAGES: Final = 10
"""Messages that a recipient is to get one after another; more become one over all sites."""


class Patience(Struct, frozen=True, kw_only=True):
    """How often and how long a message is tried, in attempts, seconds and messages.

    A recipient that fails rests for a delay that doubles from `first_s` to `most_s`, by half to once and a half of it
    by chance, so that a receiver that comes back isn't met by all at once. A message is given up after `attempts`,
    which takes about three hours where nothing else waits; after `refusals` of them if the receiver answered with no,
    or if it can't be composed; and in any case when a try fails after `age_s`. `message_s`: how long a message that
    failed goes behind the others.
    `most`: rows looked at for one message. `at_a_time`: recipients. `limit_s`: for one message.
    """

    attempts: int = 14
    refusals: int = 3
    age_s: float = 86_400.0
    first_s: float = 5.0
    most_s: float = 1800.0
    message_s: float = 5.0
    most: int = 2000
    at_a_time: int = 50
    limit_s: float = 20.0

    def delay_ms(self, failures: int, random: Random, *, least_s: float = 0.0) -> int:
        """How long a recipient rests after so many failures in a row (1 or more)."""
        delay = min(self.first_s * 2.0 ** min(failures - 1, 30), self.most_s)
        return round(max(delay * random.uniform(0.5, 1.5), least_s) * 1000)

    @property
    def lease_ms(self) -> int:
        """How long a claim lasts: longer than the sending of the one message that it is for."""
        return round((self.limit_s + 30) * 1000)

    @property
    def ahead_ms(self) -> int:
        """A message that is due later than this was put off by a clock that has been put right since."""
        return round((self.message_s + 60) * 1000)


class Row(Struct, frozen=True, kw_only=True):
    """A telling that is due. `at_ms`: when it began to wait. Where `letter` is None, `lacks` says why it can't be read:
    a message of the catalog, and a word for its parameter `what`."""

    id: int
    ticket_id: int
    org_id: int
    attempts: int
    refused: int
    at_ms: int
    letter: Letter | None
    lacks: tuple[str, str] = ("", "")


class Fate(Struct, frozen=True, kw_only=True):
    """Of rows that were tried and not told: which are tried again, and which are given up. Row ids."""

    again: list[int]
    given_up: list[int]
    refused: int


def next_message(letters: Sequence[tuple[Row, Letter]]) -> Sequence[tuple[Row, Letter]]:
    """Those of the letters (one or more, in order) that the next message tells. Only news of tickets can be counted."""
    if letters[0][1].message != COUNTED:
        return letters[:1]
    letters = [each for each in letters if each[1].message == COUNTED]
    by_site: dict[int, list[tuple[Row, Letter]]] = {}
    for row, letter in letters:
        by_site.setdefault(letter.site_id, []).append((row, letter))
    if sum(1 if len(theirs) > SINGLY else len(theirs) for theirs in by_site.values()) > MESSAGES:
        return letters
    theirs = by_site[letters[0][1].site_id]
    return theirs if len(theirs) > SINGLY else theirs[:1]


def fate(rows: Sequence[Row], error: TellingError, patience: Patience, now_ms: int) -> Fate:
    """What becomes of rows whose message did not get through.

    "Too fast" counts as no attempt: such rows wait where they are, unless they have waited for too long.
    """
    refused = isinstance(error, RefusedError)
    counts = not isinstance(error, TooFastError)
    again: list[int] = []
    given_up: list[int] = []
    for row in rows:
        over = now_ms - row.at_ms >= patience.age_s * 1000 or (
            counts and (row.attempts + 1 >= patience.attempts or (refused and row.refused + 1 >= patience.refusals))
        )
        (given_up if over else again).append(row.id)
    return Fate(again=again if counts else [], given_up=given_up, refused=int(refused))
