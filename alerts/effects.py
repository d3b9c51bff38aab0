"""What a judgement leads to: the effects that the engine returns and the later stages of the batch read.

The order within one step is the order in which things happened. Who reads what:

    alerts.record   EpisodeOpened, EpisodeChanged, EpisodeAgain, LateSummary: the rows of alert and alert_event
    desk.tickets    EpisodeActive with ``ticket`` True: opens a ticket, or joins the open one of its family
                    EpisodeAgain with ``ticket`` True: opens one if the family has none open (closed while it lasted)
                    EpisodeChanged with ``to_state`` "ok": the condition of a ticket's alert is over

An episode that is active from its first moment gives EpisodeOpened (condition "active") and EpisodeActive; one that
has to hold for a while gives EpisodeOpened (condition "pending") and, when it has held, EpisodeChanged to "active" and
EpisodeActive, perhaps hours apart and in another batch. ``EpisodeActive`` comes exactly once in the life of an episode,
and never for one that never held. What happens again while it is active gives EpisodeAgain: at most one an episode and
step (so at most as many in a batch as episodes are open), with the last word on all that was in the step.
"""

from typing import Literal
from uuid import UUID

from catalog.model import Severity
from ingest.ports import Effect

Kind = Literal["fault", "limit", "silence", "identity", "clock", "connection", "unjudged"]
"""A fault code of the equipment; a limit on a signal; a device not heard; two devices under one identity, or one whose
numbers began again; its clock is wrong; its agent can't reach it; a report of it can't be judged."""
Param = str | int | float
"""A parameter of a message: language-neutral (times as ISO 8601, durations in seconds)."""


class Episode(Effect, frozen=True, kw_only=True):
    """What an episode is, in both effects that begin something.

    ``rule``: key within the model: ``fault:CODE``, ``limit:KEY``, ``silence``, or one that every device has
    (``alerts.plan``). ``subject``: the fault code or metric; empty for the other kinds. ``occurred_ms``: when it began,
    ``learned_ms``: when we came to know, both on the server's clock. ``late``: learned so late that it was judged as
    history first (delivery 17). ``ticket``: the rule has the right to open one. ``message`` and ``params``: why, for a
    person.
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


class EpisodeAgain(Episode, frozen=True, kw_only=True):
    """What an active episode is about happened again: its fault was reported once more, its value got worse
    (``alerts.plan.Rule.worse``), a rival of the device was heard again, or it came back while a chattering rule waited
    whether it stays away.

    ``at_ms``: when it last did, by the time of the fact. ``count``: occurrences so far. ``occurred_ms`` stays that of
    the episode; ``message`` and ``params`` say what is wrong now, ``learned_ms`` is of the repeat.
    """

    at_ms: int
    count: int


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


class LateSummary(Effect, frozen=True, kw_only=True):
    """Late facts that were over before we learned of them: ``count`` episodes from one time to another, none opened."""

    count: int
    first_ms: int
    last_ms: int
    learned_ms: int
    message: str
    params: dict[str, Param]
