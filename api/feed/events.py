"""What rows of the log are to each organisation that listens: the alert or ticket as it is now, as that one sees it."""

import asyncio
from collections.abc import Set as AbstractSet
from typing import Final

from psycopg.rows import DictRow

from api.alerts.read import read_alerts
from api.alerts.shapes import Alert
from api.alerts.words import alert_shape
from api.feed.client import Event
from api.feed.facts import LANGS
from api.feed.log import ALERTS, Read, Row, latest_of
from api.http.language import Reader
from api.http.shapes import of_row
from api.tickets.read import read_tickets
from api.tickets.shapes import Ticket
from api.tickets.words import rendered
from catalog.model import Catalog, Lang
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


async def see_as(connection: Connection, org: int) -> None:
    """The rest of the transaction sees what an organisation does."""
    await _SQL.run(connection, "see_as", {"org": org})


async def concerned(connection: Connection, read: Read, listening: AbstractSet[int]) -> list[int]:
    """Of the organisations that listen, those that may see some of these rows; each reads them with its own eyes."""
    if not read.rows:
        return []
    alerts, tickets = _subjects(read)
    rows = await _SQL.many(connection, "stream_concerned", {"alerts": alerts, "tickets": tickets})
    return sorted({row["org"] for row in rows} & listening)


async def events_of(connection: Connection, read: Read, org: int, catalog: Catalog) -> list[Event]:
    """The subjects of these rows as they are now, in order. `org`: whose eyes the connection has."""
    alerts, tickets = _subjects(read)
    found: dict[tuple[bool, object], DictRow] = {}
    if alerts:
        found |= {(True, row["id"]): row for row in await read_alerts(connection, ids=alerts, limit=len(alerts))}
    if tickets:
        found |= {(False, row["id"]): row for row in await read_tickets(connection, ids=tickets, limit=len(tickets))}
    events: list[Event] = []
    for nth, row in enumerate(latest_of(read.rows)):
        what = found.get((row.position.table == ALERTS, row.subject))
        if what is not None:
            events.append(_event(row, what, org, catalog))
        if nth % 20 == 19:
            await asyncio.sleep(0)
    return events


def _subjects(read: Read) -> tuple[list[object], list[object]]:
    rows = latest_of(read.rows)
    of_alerts = [row.subject for row in rows if row.position.table == ALERTS]
    return of_alerts, [row.subject for row in rows if row.position.table != ALERTS]


def _event(row: Row, what: DictRow, org: int, catalog: Catalog) -> Event:
    data: dict[Lang, bytes] = {}
    of_alert = row.position.table == ALERTS
    for lang in LANGS:
        words = Reader(catalog=catalog, lang=lang)
        shape = Alert(**alert_shape(words, what)) if of_alert else of_row(Ticket, what, **rendered(words, what))
        data[lang] = shape.model_dump_json().encode()
    return Event(name="alert" if of_alert else "ticket", org=org, data=data, position=row.position)
