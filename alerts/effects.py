"""What a judgement leads to: the effects that the engine returns and the later stages of the batch read.

The order within one step is the order in which things happened. Who reads what:

    alerts.record   EpisodeOpened, EpisodeChanged, EpisodeCounted, LateSummary: the rows of alert and alert_event
    desk.tickets    EpisodeActive with ``ticket`` True: opens a ticket, or joins the open one of its family
                    EpisodeChanged with ``to_state`` "ok": the condition of a ticket's alert is over

An episode that is active from its first moment gives EpisodeOpened (condition "active") and EpisodeActive; one that
has to hold for a while gives EpisodeOpened (condition "pending") and, when it has held, EpisodeChanged to "active" and
EpisodeActive, perhaps hours apart and in another batch. So ``EpisodeActive`` is the one effect that opens tickets:
exactly one in the life of an episode, and none for an episode that never held.
"""

from typing import Literal
from uuid import UUID

from catalog.model import Severity
from ingest.ports import Effect

Kind = Literal["fault", "limit", "silence", "identity"]
"""A fault code of the equipment; a limit on a signal; a device not heard; two devices under one identity."""
Param = str | int | float
"""A parameter of a message: language-neutral (times as ISO 8601, durations in seconds)."""


class Episode(Effect, frozen=True, kw_only=True):
    """What an episode is, in both effects that begin something.

    ``rule``: key within the model: ``fault:CODE``, ``limit:KEY``, ``silence`` or ``identity``. ``subject``: the fault
    code or metric; empty for the other kinds. ``occurred_ms``: when it began, ``learned_ms``: when we came to know,
    both on the server's clock. ``late``: learned so late that it was judged as history first (DELIVERY 17).
    ``ticket``: the rule has the right to open one. ``message`` and ``params``: why, for a person.
    """

    alert_id: UUID
    rule: str
    kind: Kind
    subject: str
    family: str
    severity: Severity
    occurred_ms: int
    learned_ms: int
    late: bool
    ticket: bool
    runbook: str | None
    message: str
    params: dict[str, Param]


class EpisodeOpened(Episode, frozen=True, kw_only=True):
    """A new row of ``alert``. Its rule may have been open before: that was another episode with another id."""

    event: str
    condition: Literal["pending", "active"]
    count: int


class EpisodeActive(Episode, frozen=True, kw_only=True):
    """The episode became active for the first time: the moment at which a ticket opens, if ``ticket``."""


class EpisodeChanged(Effect, frozen=True, kw_only=True):
    """The condition of an open episode changed.

    ``event``, ``from_state`` and ``to_state``: values of ``alerts.episode``. ``at_ms``: when it did, by the time of the
    fact; ``learned_ms``: when we came to know. ``count``: occurrences so far.
    """

    alert_id: UUID
    event: str
    from_state: str
    to_state: str
    at_ms: int
    learned_ms: int
    count: int
    message: str
    params: dict[str, Param]


class EpisodeCounted(Effect, frozen=True, kw_only=True):
    """The fault of an active episode came again: only its count grows, nothing changes state."""

    alert_id: UUID
    count: int
    at_ms: int


class LateSummary(Effect, frozen=True, kw_only=True):
    """Late facts that were over before we learned of them: ``count`` episodes from one time to another, none opened."""

    count: int
    first_ms: int
    last_ms: int
    learned_ms: int
    message: str
    params: dict[str, Param]
