"""What the desk did in a batch, for the stages after it."""

from catalog.model import Severity
from ingest.ports import Effect


class TicketOpened(Effect, frozen=True, kw_only=True):
    """A ticket that this batch opened, on the device of its `Work`. An alert that joined an open ticket makes none.

    `number`: what one says on the phone (WX20261122-007). `occurred_ms`: when it began on the equipment; `detected_ms`:
    when we learned of it (ms since 1970 UTC, delivery 17). `runbook`: key of the read-only runbook that the catalog
    suggests, if any. The evidence is the readings of the device from `evidence_from_ms` to `evidence_to_ms`, both
    included (delivery 8).
    """

    ticket_id: int
    number: str
    family: str
    severity: Severity
    occurred_ms: int
    detected_ms: int
    runbook: str | None
    evidence_from_ms: int
    evidence_to_ms: int
