"""The stage that opens tickets, in the transaction of the alert that deserves them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from alerts.effects import EpisodeActive, EpisodeAgain, EpisodeChanged
from alerts.episode import Event
from catalog.model import Catalog, Severity
from desk.errors import DeskError
from desk.tickets.effects import TicketOpened
from desk.tickets.events import Telling, TicketEvent, add_events, add_tellings
from desk.tickets.numbers import Unnumbered, number_tickets
from desk.tickets.opening import Opening, joined, opening, worse
from desk.zones import DEFAULT_ZONE
from ingest.ports import Batch, Work
from store.sql import as_json, queries_beside
from wire.times import time_of

_QUERIES: Final = queries_beside(__file__)
_ATTEMPTS: Final = 5
"""A ticket can be closed between our losing against it and our joining it: then it is tried again."""

Raising = EpisodeActive | EpisodeAgain
Joined = set[tuple[int, UUID]]


class _Claim(Struct, kw_only=True):
    """The episodes of a batch that deserve the same ticket, and what it says if they open it.

    Filled in as the rows are written: `ticket_id` and whose it is; `opened` if this batch opened it, where the site's
    `zone` is known then; `risen` if these episodes raised the severity of an open one.
    """

    device_id: int
    family: str
    work: Work
    episodes: list[Raising]
    opening: Opening
    ticket_id: int = 0
    org_id: int = 0
    opened: bool = False
    zone: str = DEFAULT_ZONE
    restored_ms: int | None = None
    risen: Severity | None = None


class TicketStage:
    """Opens, joins and comments tickets.

    One open ticket per device and fault family; a further alert of the family joins it and may raise its severity,
    never lower it. An alert that is over is written into the ticket and closes nothing: a person does. If somebody does
    while the alert lasts, its next occurrence opens another. Whoever is to be told gets a row of `telling` (see
    `desk.telling`). The statements of a batch don't grow with its tickets.
    """

    name = "desk.tickets"

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        """See `ingest.ports.Stage`. Raises DeskError if a ticket can neither be opened nor joined."""
        now_ms = batch.now.wall_ms
        claims = _claims(await _raised(connection, batch), self._catalog)
        over = [e for work in batch.works for e in work.effects if isinstance(e, EpisodeChanged) and e.to_state == "ok"]
        events: list[TicketEvent] = []
        if claims or over:
            claims = await _open_or_lock(connection, claims, over, now_ms)
        if claims:
            new = await _join(connection, claims)
            closed = await _closed_before(connection, claims)
            for claim in claims:
                events += _events(claim, new, closed, now_ms)
            await add_tellings(connection, _tellings(claims, now_ms))
        if over:
            events += await _events_of_the_over(connection, over, now_ms)
        await add_events(connection, events)
        opened = [claim for claim in claims if claim.opened]
        if opened:
            await _number(connection, opened, now_ms)


async def _raised(connection: AsyncConnection, batch: Batch) -> list[tuple[Work, Raising]]:
    """What deserves a ticket, without the repeats that its open ticket has already.

    A fault may be repeated many times a second, so what changes nothing takes one statement and no lock.
    """
    found = [
        (work, effect)
        for work in batch.works
        if not work.device.retired
        for effect in work.effects
        if isinstance(effect, EpisodeActive | EpisodeAgain) and effect.ticket
    ]
    again = [(work.device.id, e.family, e.alert_id) for work, e in found if isinstance(e, EpisodeAgain)]
    if not again:
        return found
    cursor = await connection.execute(_QUERIES["repeats_at_hand"], _columns(again))
    at_hand = {alert_id for (alert_id,) in await cursor.fetchall()}
    return [each for each in found if not (isinstance(each[1], EpisodeAgain) and each[1].alert_id in at_hand)]


def _claims(raised: Sequence[tuple[Work, Raising]], catalog: Catalog) -> list[_Claim]:
    """In the order of device and family, which is the order of locks."""
    found = [(work.device.id, effect.family, work, effect) for work, effect in raised]
    found.sort(key=lambda each: each[:2])
    claims = []
    for (device_id, family), group in groupby(found, key=lambda each: each[:2]):
        members = list(group)
        work, episodes = members[0][2], [episode for *_, episode in members]
        first = opening(episodes[0], catalog.models.get(work.device.model))
        for episode in episodes[1:]:
            first = msgspec.structs.replace(first, severity=worse(first.severity, episode.severity))
        claims.append(_Claim(device_id=device_id, family=family, work=work, episodes=episodes, opening=first))
    return claims


async def _open_or_lock(
    connection: AsyncConnection, claims: Sequence[_Claim], over: Sequence[EpisodeChanged], now_ms: int
) -> list[_Claim]:
    """Give each claim its ticket: a new one, or the open one, locked and with its severity raised; returns those that
    have one: a device that is retired, which ingest learns a little later, gets none.

    The tickets of what is over are locked too, so that of two alerts that end at once one sees that it is the last.
    """
    left = {(claim.device_id, claim.family): claim for claim in claims}
    for attempt in range(_ATTEMPTS):
        if left:
            rows = [_row(claim, now_ms) for claim in left.values()]
            cursor = await connection.execute(_QUERIES["open_tickets"], (as_json(rows),))
            for ticket_id, device_id, family, org_id, zone, restored_ms in await cursor.fetchall():
                claim = left.pop((device_id, family))
                claim.ticket_id, claim.org_id, claim.opened = ticket_id, org_id, True
                claim.zone, claim.restored_ms = zone, restored_ms
        if left or (over and attempt == 0):
            await _lock(connection, left, over)
        if left:
            cursor = await connection.execute(_QUERIES["retired_devices"], ([device_id for device_id, _ in left],))
            for (retired,) in await cursor.fetchall():
                left = {key: claim for key, claim in left.items() if key[0] != retired}
        if not left:
            return [claim for claim in claims if claim.ticket_id]
    device_id, family = next(iter(left))
    raise DeskError(f"the ticket of device {device_id} for {family!r} was closed {_ATTEMPTS} times while it was joined")


async def _lock(
    connection: AsyncConnection, left: dict[tuple[int, str], _Claim], over: Sequence[EpisodeChanged]
) -> None:
    """Take what has an open ticket out of `left`, with that ticket."""
    devices, families = [device_id for device_id, _ in left], [family for _, family in left]
    cursor = await connection.execute(
        _QUERIES["lock_tickets"], (devices, families, [change.alert_id for change in over])
    )
    risen: dict[int, Severity] = {}
    for ticket_id, device_id, family, org_id, severity in await cursor.fetchall():
        claim = left.pop((device_id, family), None)
        if claim is None:
            continue  # locked for what is over
        claim.ticket_id, claim.org_id = ticket_id, org_id
        worst = worse(severity, claim.opening.severity)
        if worst != severity:
            claim.risen = risen[ticket_id] = worst
    if risen:
        await connection.execute(_QUERIES["raise_severities"], (list(risen), list(risen.values())))


def _row(claim: _Claim, now_ms: int) -> dict[str, Any]:
    return {**msgspec.structs.asdict(claim.opening), "device_id": claim.device_id, "opened_ms": now_ms}


async def _join(connection: AsyncConnection, claims: Sequence[_Claim]) -> Joined:
    """Bind the alerts to their tickets; returns the bonds that are new, so that twice is once."""
    bonds = [(claim.ticket_id, e.alert_id, claim.org_id) for claim in claims for e in claim.episodes]
    cursor = await connection.execute(_QUERIES["join_alerts"], _columns(bonds))
    return set(await cursor.fetchall())


async def _closed_before(connection: AsyncConnection, claims: Sequence[_Claim]) -> dict[UUID, str]:
    """Of the alerts that opened a ticket by happening again: the number of the one that was closed meanwhile."""
    again = [
        claim.episodes[0].alert_id for claim in claims if claim.opened and isinstance(claim.episodes[0], EpisodeAgain)
    ]
    if not again:
        return {}
    cursor = await connection.execute(_QUERIES["closed_before"], (again,))
    return dict(await cursor.fetchall())


def _events(claim: _Claim, new: Joined, closed: Mapping[UUID, str], now_ms: int) -> list[TicketEvent]:
    def event(name: str, message: str, params: dict[str, Any]) -> TicketEvent:
        return TicketEvent(
            ticket_id=claim.ticket_id, org_id=claim.org_id, at_ms=now_ms, event=name, message=message, params=params
        )

    events = []
    first = claim.episodes[0]
    if claim.opened and first.alert_id in closed:
        since = time_of(first.occurred_ms).isoformat()
        params = {"family": claim.family, "number": closed[first.alert_id], "since": since}
        events.append(event("opened", "ticket.opened_again", params))
    elif claim.opened:
        events.append(event("opened", "ticket.opened", {"family": claim.family}))
    for episode in claim.episodes[1:] if claim.opened else claim.episodes:
        if (claim.ticket_id, episode.alert_id) in new:
            message, params = joined(episode)
            events.append(event("alert-joined", message, {**params, "alert": str(episode.alert_id)}))
    if claim.risen is not None:
        events.append(event("severity-raised", "ticket.severity_raised", {"severity": claim.risen}))
    return events


def _tellings(claims: Sequence[_Claim], now_ms: int) -> list[Telling]:
    """Of each opening and each rise of a severity. A further alert alone isn't told: nobody needs to act on it."""
    return [
        Telling(
            ticket_id=claim.ticket_id,
            step="opened" if claim.opened else f"severity-{claim.risen}",
            severity=claim.risen or claim.opening.severity,
            at_ms=now_ms,
        )
        for claim in claims
        if claim.opened or claim.risen is not None
    ]


async def _events_of_the_over(
    connection: AsyncConnection, over: Sequence[EpisodeChanged], now_ms: int
) -> list[TicketEvent]:
    reasons = {change.alert_id: change for change in over}
    cursor = await connection.execute(_QUERIES["tickets_of_alerts"], (list(reasons),))
    events, healed = [], set()
    for alert_id, ticket_id, org_id, all_over in await cursor.fetchall():
        why = reasons[alert_id]
        events.append(
            TicketEvent(
                ticket_id=ticket_id,
                org_id=org_id,
                at_ms=now_ms,
                event="alert-over",
                message=why.message,
                params={**why.params, "alert": str(alert_id)},
            )
        )
        # What ends because nobody watches any more isn't over.
        if all_over and why.event != Event.RETIRED:
            healed.add((ticket_id, org_id))
    events += [
        TicketEvent(
            ticket_id=ticket_id,
            org_id=org_id,
            at_ms=now_ms,
            event="condition-over",
            message="ticket.condition_over",
            params={},
        )
        for ticket_id, org_id in sorted(healed)
    ]
    return events


async def _number(connection: AsyncConnection, opened: Sequence[_Claim], now_ms: int) -> None:
    """Number the new tickets, and hand them to the stages after this one."""
    new_ones = [
        Unnumbered(ticket_id=claim.ticket_id, zone=claim.zone, restored_ms=claim.restored_ms) for claim in opened
    ]
    numbers = await number_tickets(connection, new_ones, now_ms=now_ms)
    for claim in opened:
        new = claim.opening
        claim.work.effects.append(
            TicketOpened(
                ticket_id=claim.ticket_id,
                number=numbers[claim.ticket_id],
                family=claim.family,
                severity=new.severity,
                occurred_ms=new.occurred_ms,
                detected_ms=new.detected_ms,
                runbook=new.runbook,
                evidence_from_ms=new.evidence_from_ms,
                evidence_to_ms=new.evidence_to_ms,
            )
        )


def _columns(rows: Sequence[Sequence[Any]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))
