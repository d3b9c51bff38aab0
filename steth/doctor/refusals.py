"""Devices of whose input something was refused within a day, so that a fact was lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from agent.show.findings import Finding, lost, ok, warn
from catalog.errors import CatalogError
from catalog.load import load
from catalog.model import Catalog, Text
from catalog.refusals import kept_words
from steth.doctor.statements import QUERIES
from steth.settings import Settings
from wire.items import Refusal

MOST: Final = 20
"""Lines; a fleet may have many of them, and the same cause."""


async def check_refusals(connection: AsyncConnection[Any], settings: Settings) -> list[Finding]:
    """Look, as steth_ingest or steth_owner."""
    try:
        catalog = load(Path(settings.catalog) if settings.catalog else None)
    except CatalogError:  # which the check of the catalog says
        return []
    rows = await (await connection.execute(QUERIES["refusals"], {"kept": kept_words(catalog)})).fetchall()
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
