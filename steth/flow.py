"""What `steth up` shows: one line a second of what flows, and each ticket as it opens."""

from datetime import datetime
from typing import Any, Final

import httpx
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families
from psycopg import AsyncConnection

from catalog.messages import render
from catalog.model import Catalog, Lang
from steth.statements import QUERIES

_FRESH_S: Final = 45


class Counted(Struct, frozen=True, kw_only=True):
    """What ingest counted since it started."""

    reports: float = 0
    readings: float = 0


class Flow:
    """Remembers what it showed last."""

    def __init__(self, *, catalog: Catalog, lang: Lang, metrics_url: str) -> None:
        self._catalog = catalog
        self._lang = lang
        self._url = metrics_url
        self._before = Counted()
        self._after: tuple[str, int] | None = None

    async def counted(self, client: httpx.AsyncClient) -> Counted | None:
        """What ingest has counted; None while it does not answer, or somebody else does in its place."""
        try:
            answer = await client.get(self._url)
            answer.raise_for_status()
            families = list(text_string_to_metric_families(answer.text))
        except (httpx.HTTPError, ValueError):
            return None
        sums: dict[str, float] = {}
        for family in families:
            for sample in family.samples:
                if sample.labels.get("fate", "apply") == "apply":
                    sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return Counted(
            reports=sums.get("steth_ingest_messages_total", 0.0), readings=sums.get("steth_ingest_readings_total", 0.0)
        )

    async def line(self, connection: AsyncConnection[Any], client: httpx.AsyncClient, now: datetime) -> str:
        """The line of this second."""
        counted = await self.counted(client)
        row = await (await connection.execute(QUERIES["flow"], (_FRESH_S,))).fetchone()
        devices, heard, alerts, tickets = row or (0, 0, 0, 0)
        if counted is None:
            flow = "ingest does not answer"
        else:
            reports = max(0, round(counted.reports - self._before.reports))
            readings = max(0, round(counted.readings - self._before.readings))
            flow = f"{reports} reports/s  {readings} readings/s"
            self._before = counted
        return f"{now:%H:%M:%S}  {heard}/{devices} devices heard  {flow}  {alerts} alerts  {tickets} tickets open"

    async def opened(self, connection: AsyncConnection[Any], now: datetime) -> list[str]:
        """A line for each ticket that opened since the last call; those of earlier runs are not told again."""
        if self._after is None:
            row = await (await connection.execute(QUERIES["newest_event"])).fetchone()
            self._after = (row[0], row[1]) if row else ("0", 0)
            return []
        lines: list[str] = []
        for xid, id_, number, device, severity, message, params in await (
            await connection.execute(QUERIES["opened"], self._after)
        ).fetchall():
            self._after = (xid, id_)
            title = render(message, params, self._lang, self._catalog)
            lines.append(f"{now:%H:%M:%S}  TICKET {number}  {device}  {severity}  {title}")
        return lines
