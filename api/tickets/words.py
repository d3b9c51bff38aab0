"""A ticket with all that belongs to it, in one reader's words."""

from math import isfinite
from typing import Any, Literal, cast

from api.alerts.shapes import Condition
from api.devices.latest import QUALITY, unit_of
from api.devices.shapes import ReadingShape
from api.http.language import Reader
from api.http.shapes import Message, NamedId
from api.tickets.shapes import (
    CommandStatus,
    Diagnostic,
    DiagnosticStep,
    EvidenceEvent,
    EvidenceRange,
    EvidenceSignal,
    Part,
    RemoteSession,
    TellingState,
    TicketAlert,
    TicketDetail,
    TicketDevice,
    TicketEvent,
    TicketEvidence,
    Told,
)
from desk.tickets.evidence import Evidence, Exhibit
from desk.tickets.opening import guidance
from desk.tickets.read import Case, CommandState, Session
from desk.tickets.status import actions
from remote.replies import told
from wire.commands import Scope
from wire.items import Reply

ReplyStatus = Literal["done", "refused", "failed", "expired"]
UNANSWERED = "remote.runbook.unanswered"


def detail(case: Case, evidence: Evidence, words: Reader) -> TicketDetail:
    """The answer of GET /tickets/{number}."""
    ticket, lang = case.ticket, words.lang
    model = words.catalog.models.get(ticket.model)
    family = None if model is None else model.families.get(ticket.family)
    known = guidance(model, ticket.params)

    def message(said: str, params: dict[str, Any]) -> Message:
        return Message(id=said, params=params, text=words.words(said, params, model=ticket.model, zone=ticket.zone))

    return TicketDetail(
        id=ticket.id,
        number=ticket.number,
        device=TicketDevice(id=ticket.device_uid, name=ticket.device_name, model=ticket.model),
        hospital=NamedId(id=ticket.org_id, name=ticket.org),
        site=NamedId(id=ticket.site_id, name=ticket.site),
        family=ticket.family,
        family_name=words.text(None if family is None else family.name, ticket.family),
        severity=ticket.severity,
        status=ticket.status,
        title=message(ticket.message, ticket.params),
        occurred_at=ticket.occurred_at,
        detected_at=ticket.detected_at,
        opened_at=ticket.opened_at,
        closed_at=ticket.closed_at,
        version=ticket.version,
        stops=None if known.stops is None else known.stops.get(lang),
        advice=None if known.advice is None else known.advice.get(lang),
        causes=[cause.get(lang) for cause in ticket.causes],
        parts=[
            Part(
                key=part.key,
                name=part.name.get(lang),
                spec=part.spec.get(lang),
                quantity=part.quantity,
                probability=part.probability,
            )
            for part in ticket.parts
        ],
        evidence=_evidence(evidence, words, ticket.model),
        alerts=[
            TicketAlert(
                id=alert.id,
                subject=alert.subject,
                severity=alert.severity,
                condition=cast("Condition", alert.condition),
                occurred_at=alert.occurred_at,
                cleared_at=alert.cleared_at,
                count=alert.count,
                message=message(alert.message, alert.params),
            )
            for alert in case.alerts
        ],
        still_wrong=sum(1 for alert in case.alerts if alert.condition != "ok"),
        sessions=[_session(session, words) for session in case.sessions],
        diagnostics=[_diagnostic(command, words, ticket.model, ticket.zone) for command in case.commands],
        told=[
            Told(
                recipient=telling.recipient,
                step=telling.step,
                state=cast("TellingState", telling.state),
                attempts=telling.attempts,
                told_at=telling.told_at,
                error=words.words(telling.error, telling.error_params)
                if telling.error in words.catalog.messages
                else telling.error,
            )
            for telling in case.tellings
        ],
        possible=actions(ticket.status),
        events=[
            TicketEvent(
                id=event.id,
                at=event.at,
                event=event.event,
                actor=event.actor,
                message=message(event.message, event.params),
            )
            for event in case.events
        ],
    )


def _evidence(evidence: Evidence, words: Reader, model: str) -> EvidenceRange:
    return EvidenceRange(
        begins=evidence.begins,
        ends=evidence.ends,
        frozen_at=evidence.frozen_at,
        readings=[
            ReadingShape(
                metric=reading.metric,
                at=reading.at,
                value=reading.value,
                unit=unit_of(words.catalog, model, reading.metric, reading.unit),
                quality=QUALITY[reading.quality],
            )
            for reading in evidence.readings
        ],
        more=evidence.more,
    )


def exhibit(found: Exhibit, words: Reader, model: str) -> TicketEvidence:
    """The answer of GET /tickets/{number}/evidence."""
    known = words.catalog.models.get(model)
    signals = {} if known is None else known.signals
    return TicketEvidence(
        begins=found.begins,
        ends=found.ends,
        frozen_at=found.frozen_at,
        cut=found.cut,
        signals=[
            EvidenceSignal(
                metric=signal.metric,
                name=words.text(signals[signal.metric].title if signal.metric in signals else None, signal.metric),
                unit=unit_of(words.catalog, model, signal.metric, signal.unit),
                t=[round(at.timestamp() * 1000) for at in signal.at],
                value=[value if isfinite(value) else None for value in signal.value],
                quality=list(signal.quality),
            )
            for signal in found.signals
        ],
        events=[EvidenceEvent(at=told.at, kind=told.kind, body=told.body) for told in found.events],
    )


def _runbook_name(runbook: str | None, words: Reader) -> str | None:
    if runbook is None:
        return None
    book = words.catalog.runbooks.get(runbook)
    return words.text(None if book is None else book.name, runbook)


def _session(session: Session, words: Reader) -> RemoteSession:
    return RemoteSession(
        id=session.id,
        state=session.state,
        scopes=[Scope(scope) for scope in session.scopes],
        runbook=session.runbook,
        runbook_name=_runbook_name(session.runbook, words),
        minutes=session.minutes,
        at=session.at,
        version=session.version,
    )


def _diagnostic(command: CommandState, words: Reader, model: str, zone: str) -> Diagnostic:
    def message(said: str, params: dict[str, Any]) -> Message:
        return Message(id=said, params=params, text=words.words(said, params, model=model, zone=zone))

    said, params = _said(command, words)
    steps = params.pop("steps", [])
    return Diagnostic(
        command=command.id,
        runbook=command.runbook,
        runbook_name=_runbook_name(command.runbook, words),
        status=cast("CommandStatus", command.status),
        outcome=None if command.verdict is None else command.verdict.outcome,
        message=None if said is None else message(said, params),
        steps=[
            DiagnosticStep(
                id=step["id"],
                title=_step_title(command.runbook, step["id"], words),
                outcome=step["outcome"],
                message=message(step["message"], step["params"]),
            )
            for step in steps
        ],
        issued_at=command.issued_at,
        expires_at=command.expires_at,
        replied_at=command.replied_at,
    )


def _said(command: CommandState, words: Reader) -> tuple[str | None, dict[str, Any]]:
    """Message id and parameters of what came of a command, in the words that its ticket's history has too."""
    if command.status == "waiting":
        return None, {}
    if command.replied_at is None:
        return UNANSWERED, {"runbook": command.runbook or ""}
    status = cast("ReplyStatus", command.status)
    reply = Reply(at=0, command=command.id, status=status, reason=command.reason or None, verdict=command.verdict)
    return told(reply, command.runbook, words.catalog)


def _step_title(runbook: str | None, step: str, words: Reader) -> str:
    book = words.catalog.runbooks.get(runbook or "")
    found = next((known for known in book.steps if known.id == step), None) if book is not None else None
    return words.text(None if found is None else found.title, step)
