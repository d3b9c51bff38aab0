"""Devices that said something in vain: what was refused of their input within a day, so that a fact was lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from agent.show.findings import Finding, lost, ok, warn
from catalog.errors import CatalogError
from catalog.load import load
from catalog.model import Catalog, Text
from catalog.refusals import kept_words
from steth.settings import Settings
from wire.items import Refusal

MOST: Final = 20
"""Lines; a fleet may have many of them, and the same cause."""
_LOOK: Final = b"""
SELECT d.uid, d.name, s.name, d.model, r.source, r.reason, r.count, (extract(epoch FROM r.since) * 1000)::bigint,
    (extract(epoch FROM r.last) * 1000)::bigint, r.form
FROM device_refusal r JOIN device d ON d.id = r.device_id JOIN site s ON s.id = d.site_id
WHERE d.status = 'active' AND r.kind = 'refused' AND r.last > now() - INTERVAL '1 day'
    AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time'
ORDER BY r.last DESC, d.uid, r.source, r.reason
"""


async def check_refusals(connection: AsyncConnection[Any], settings: Settings) -> list[Finding]:
    """Look, as steth_ingest or steth_owner."""
    try:
        catalog = load(Path(settings.catalog) if settings.catalog else None)
    except CatalogError:  # which the check of the catalog says
        return []
    rows = await (await connection.execute(_LOOK, {"kept": kept_words(catalog)})).fetchall()
    return list(judge_refusals(rows, catalog))


def judge_refusals(rows: list[tuple[Any, ...]], catalog: Catalog) -> Iterator[Finding]:
    """A finding for each of the first `MOST` rows, and one for the rest."""
    if not rows:
        yield ok("pipeline.refused", zh="一天内没有设备丢失内容", en="nothing that a device said within a day was lost")
    for uid, name, site, model, source, reason, count, since, last, form in rows[:MOST]:
        told = Refusal(source=source, reason=reason, count=count, since=since, last=last, form=form)
        who = Text(zh=f"{name}（{site}）", en=f"{name} ({site})")
        yield lost(f"{uid}.refused", told, catalog, who=who, model=model)
    if len(rows) > MOST:
        yield warn(
            "pipeline.refused",
            zh=f"另有 {len(rows) - MOST} 项",
            en=f"and {len(rows) - MOST} more",
            todo=Text(zh="见各设备的页面", en="see the devices' pages"),
        )
