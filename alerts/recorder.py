"""The stage that inserts the engine's verdicts as rows of alert and alert_event, in the batch's transaction."""

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from alerts.effects import EpisodeAgain, EpisodeChanged, EpisodeOpened, LateSummary
from alerts.episode import Condition
from ingest.ports import Batch, Device, Effect
from store.sql import as_json, queries_beside
from wire.topics import Lane

_QUERIES: Final = queries_beside(__file__)
LATE_SUMMARY: Final = "late-summary"
"""The event of what was over before we learned of it; it belongs to no alert."""


class AlertRecorder:
    """Three statements at most, however many episodes a batch has."""

    name = "alerts.record"

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        """See ``ingest.ports.Stage``."""
        rows = _Rows(lane=batch.lane)
        for work in batch.works:
            for effect in work.effects:
                rows.take(work.device, effect)
        for statement, found in (
            ("open_alerts", rows.opened),
            ("change_alerts", list(rows.changed.values())),
            ("add_events", rows.events),
        ):
            if found:
                await connection.execute(_QUERIES[statement], (as_json(found),))


class _Rows:
    """The rows of a batch. ``changed`` has the last word on each alert."""

    def __init__(self, *, lane: Lane) -> None:
        self._lane = 0 if lane is Lane.LIVE else 1
        self.opened: list[dict[str, Any]] = []
        self.changed: dict[UUID, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def take(self, device: Device, effect: Effect) -> None:
        """One effect of a device; those of other stages are none of ours."""
        match effect:
            case EpisodeOpened():
                self._open(device, effect)
            case EpisodeChanged():
                self._change(effect)
                self._event(
                    device, effect, effect.alert_id, effect.event, (effect.from_state, effect.to_state), effect.at_ms
                )
            case EpisodeAgain():
                row = self.changed.setdefault(effect.alert_id, {"id": effect.alert_id})
                row["count"] = effect.count
                if effect.kind == "limit":
                    row.update(message=effect.message, params=effect.params)  # how bad it is by now
            case LateSummary():
                self._event(device, effect, None, LATE_SUMMARY, (Condition.OK, Condition.OK), effect.last_ms)
            case _:
                pass

    def _open(self, device: Device, effect: EpisodeOpened) -> None:
        self.opened.append(
            {
                "id": effect.alert_id,
                "device_id": device.id,
                "org_id": device.org_id,
                "lane": self._lane,
                "rule": effect.rule,
                "kind": effect.kind,
                "subject": effect.subject,
                "family": effect.family,
                "severity": effect.severity,
                "condition": effect.condition,
                "occurred_ms": effect.occurred_ms,
                "learned_ms": effect.learned_ms,
                "count": effect.count,
                "message": effect.message,
                "params": effect.params,
            }
        )
        states = (Condition.OK, effect.condition)
        self._event(device, effect, effect.alert_id, effect.event, states, effect.occurred_ms)

    def _change(self, effect: EpisodeChanged) -> None:
        row = self.changed.setdefault(effect.alert_id, {"id": effect.alert_id})
        row.update(condition=effect.to_state, changed_ms=effect.at_ms, count=effect.count)
        if effect.to_state == Condition.ACTIVE and effect.from_state in (Condition.PENDING, Condition.CLEARING):
            # it says what is wrong, which is news then; that it is known again isn't
            row.update(message=effect.message, params=effect.params)

    def _event(
        self,
        device: Device,
        effect: EpisodeOpened | EpisodeChanged | LateSummary,
        alert_id: UUID | None,
        event: str,
        states: tuple[str, str],
        at_ms: int,
    ) -> None:
        self.events.append(
            {
                "alert_id": alert_id,
                "device_id": device.id,
                "org_id": device.org_id,
                "at_ms": at_ms,
                "learned_ms": effect.learned_ms,
                "event": event,
                "from_state": states[0],
                "to_state": states[1],
                "message": effect.message,
                "params": effect.params,
            }
        )
