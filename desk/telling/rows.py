"""What the database knows of a telling, as a letter. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from catalog.model import PartRef, Severity
from desk.telling.letters import Letter
from desk.telling.plan import Row


class _Params(Struct, frozen=True):
    """What `desk.tickets.stage` stores with a telling."""

    severity: Severity


def read_row(values: Sequence[Any]) -> Row:
    """A row of `due_tellings`. Never raises: whatever version stored it, one row must not stop the others."""
    id_, ticket_id, org_id, attempts, refused, at_ms, message, params, *ticket = values
    letter: Letter | None = None
    lacks = ("telling.gone", "")
    number, title, title_params, parts, occurred_ms, device, model, org, site_id, site, zone, closed = ticket
    if None not in (number, device, org, site):
        try:
            letter = Letter(
                message=message,
                severity=msgspec.convert(params, _Params).severity,
                params=msgspec.convert(params, dict[str, Any]),
                number=number,
                title=title,
                title_params=msgspec.convert(title_params, dict[str, Any]),
                parts=msgspec.convert(parts, tuple[PartRef, ...]),
                occurred_ms=occurred_ms,
                device=device,
                model=model,
                org=org,
                site_id=site_id,
                site=site,
                zone=zone,
                closed=closed,
            )
        except msgspec.ValidationError as error:
            lacks = ("telling.unreadable_row", str(error)[:200])
    return Row(
        id=id_,
        ticket_id=ticket_id,
        org_id=org_id,
        attempts=attempts,
        refused=refused,
        at_ms=at_ms,
        letter=letter,
        lacks=("", "") if letter is not None else lacks,
    )
