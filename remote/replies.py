"""The stage that takes the devices' answers to commands: the verdict of a runbook, or why there is none."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from prometheus_client import Counter
from psycopg import AsyncConnection

from catalog.model import Catalog
from desk.tickets.events import TicketEvent, add_events
from ingest.ports import Batch
from remote.prepare import QUERIES
from store.sql import as_json
from wire.items import Reply, StepResult, Verdict
from wire.topics import Lane

Fate = Literal["accepted", "repeated", "unknown", "foreign", "other"]
REPLIES: Final = Counter(
    "steth_remote_replies_total",
    "Answers of devices to commands: accepted, repeated (only the first counts), unknown id, foreign (a command of "
    "another device), other (of another runbook than was asked for).",
    ["fate"],
)


class Asked(Struct, frozen=True, kw_only=True):
    """A command as it stands. `dealer_id`: whose its answer is, who serves the device by now. `answered`: by the
    device; that we gave up waiting is none. `runbook`: if it runs one. `family`: of the ticket's fault."""

    device_id: int
    org_id: int
    dealer_id: int
    ticket_id: int | None
    answered: bool
    runbook: str | None
    family: str | None


def fate(reply: Reply, device_id: int, asked: Asked | None) -> Fate:
    """Whether an answer counts. An answer that comes after we gave up waiting is still one: it was done in time."""
    if asked is None:
        return "unknown"
    if asked.device_id != device_id:
        return "foreign"
    if asked.answered:
        return "repeated"
    if reply.verdict is not None and reply.verdict.runbook != asked.runbook:
        return "other"
    return "accepted"


def known_verdict(verdict: Verdict, catalog: Catalog) -> Verdict:
    """The verdict without steps that the catalog's runbook doesn't have: they are none that were asked for."""
    book = catalog.runbooks.get(verdict.runbook)
    ids = {step.id for step in book.steps} if book is not None else set()
    return msgspec.structs.replace(verdict, steps=[step for step in verdict.steps if step.id in ids])


def unchecked(runbook: str | None, family: str | None, model: str, catalog: Catalog) -> str | None:
    """The subsystem of a fault that a runbook doesn't look at, so that its verdict says nothing of the fault; None: it
    does, or nobody knows."""
    book, known = catalog.runbooks.get(runbook or ""), catalog.models.get(model)
    fault = None if known is None else known.families.get(family or "")
    return None if book is None or fault is None or fault.subsystem in book.covers else fault.subsystem


def told(
    reply: Reply, runbook: str | None, catalog: Catalog, *, unchecked: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Message id and parameters of the ticket's event, from values of the catalog and of bounded types only.

    `unchecked`: the subsystem of the fault, if the runbook doesn't look at it; then the message says so. `count`: steps
    as bad as the whole. `steps`: one `{"id", "outcome", "message", "params"}` each, to be rendered like any message.
    """
    verdict = reply.verdict
    params: dict[str, Any] = {"runbook": runbook or "", "command": reply.command, "outcome": reply.status}
    if reply.status == "done" and verdict is not None:
        as_bad = [step for step in verdict.steps if step.outcome == verdict.outcome]
        params |= {
            "outcome": verdict.outcome,
            "count": len(as_bad),
            "steps": [_step(step, catalog) for step in verdict.steps],
        }
        message = f"remote.runbook.{'partly' if verdict.outcome == 'refused' else verdict.outcome}"
        return (message, params) if unchecked is None else (f"{message}.except", {**params, "unchecked": unchecked})
    return _known(reply.reason, "remote.runbook.", catalog) or f"remote.runbook.{reply.status}", params


def _step(step: StepResult, catalog: Catalog) -> dict[str, Any]:
    message = _known(step.reason, "remote.step.", catalog) or "remote.step.error"
    return {"id": step.id, "outcome": step.outcome, "message": message, "params": step.values}


def _known(reason: str | None, prefix: str, catalog: Catalog) -> str | None:
    """A reason that the device gave, if it is a message that devices may choose."""
    return reason if reason is not None and reason.startswith(prefix) and reason in catalog.messages else None


class ReplyStage:
    """Writes answers into `command` and the ticket's history. Replies travel in the live lane."""

    name = "remote.replies"

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, connection: AsyncConnection, batch: Batch) -> None:
        """See `ingest.ports.Stage`."""
        if batch.lane is not Lane.LIVE:
            return
        replies = [
            (work.device, applied.received_ms, item)
            for work in batch.works
            for applied in work.applied
            for item in applied.report.items
            if isinstance(item, Reply)
        ]
        if not replies:
            return
        asked = await _asked(connection, [reply.command for _, _, reply in replies])
        answers: list[dict[str, Any]] = []
        events: list[TicketEvent] = []
        for device, received_ms, reply in replies:
            command = asked.get(reply.command)
            judged = fate(reply, device.id, command)
            REPLIES.labels(judged).inc()
            if judged != "accepted" or command is None:
                continue
            asked[reply.command] = msgspec.structs.replace(command, answered=True)
            answer = self._cleaned(reply)
            answers.append(_answer(answer, received_ms, self._catalog))
            if command.ticket_id is not None:
                blind = unchecked(command.runbook, command.family, device.model, self._catalog)
                message, params = told(answer, command.runbook, self._catalog, unchecked=blind)
                events.append(
                    TicketEvent(
                        ticket_id=command.ticket_id,
                        org_id=command.org_id,
                        dealer_id=command.dealer_id,
                        at_ms=batch.now.wall_ms,
                        event="verdict",
                        message=message,
                        params=params,
                    )
                )
        if answers:
            await connection.execute(QUERIES["answer_commands"], (as_json(answers),))
        await add_events(connection, events)

    def _cleaned(self, reply: Reply) -> Reply:
        if reply.verdict is None:
            return reply
        return msgspec.structs.replace(reply, verdict=known_verdict(reply.verdict, self._catalog))


async def _asked(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Asked]:
    cursor = await connection.execute(QUERIES["lock_commands"], (sorted(set(ids)),))
    fields = Asked.__struct_fields__
    return {command_id: Asked(**dict(zip(fields, row, strict=True))) async for command_id, *row in cursor}


def _answer(reply: Reply, received_ms: int, catalog: Catalog) -> dict[str, Any]:
    return {
        "id": reply.command,
        "status": reply.status,
        "at_ms": received_ms,
        "reason": _known(reply.reason, "remote.", catalog) or "",
        "verdict": reply.verdict,
    }
