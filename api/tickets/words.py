"""A ticket with all that belongs to it, in one reader's words."""

from math import isfinite
from typing import Any

import msgspec
from psycopg.rows import DictRow

from api.devices.latest import QUALITY, unit_of
from api.devices.shapes import ReadingShape
from api.http.language import Reader
from api.http.shapes import NamedId, of_row
from api.http.signals import fitting, said_of
from api.tickets.deeds import Helped
from api.tickets.done import DoneRepair, FaultReport, NamedKey, UsedPart
from api.tickets.read import Case
from api.tickets.shapes import (
    Diagnostic,
    DiagnosticStep,
    EvidenceEvent,
    EvidenceRange,
    EvidenceSignal,
    Part,
    RemoteSession,
    TicketAlert,
    TicketDetail,
    TicketDevice,
    TicketEvent,
    TicketEvidence,
    Told,
)
from catalog.model import PartRef, Text
from desk.tickets.evidence import Evidence, Exhibit
from desk.tickets.opening import guidance
from desk.tickets.status import Standing, actions
from people.accounts import Account
from people.roles import rights_of
from remote.replies import told, unchecked
from wire.items import Reply, Verdict
from wire.times import ms_of

UNANSWERED = "remote.runbook.unanswered"


def rendered(words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `Ticket` that aren't columns, of a row of `read_tickets`."""
    return {
        "device": TicketDevice(id=row["uid"], name=row["device_name"], model=row["model"]),
        "hospital": NamedId(id=row["org_id"], name=row["hospital"]),
        "site": NamedId(id=row["site_id"], name=row["site"]),
        "family_name": words.family(row["model"], row["family"]),
        "title": words.said(row, row),
    }


def detail(case: Case, evidence: Evidence, words: Reader, account: Account) -> TicketDetail:
    """The answer of GET /tickets/{number}, to this account."""
    ticket, lang = case.ticket, words.lang
    known = guidance(words.catalog.models.get(ticket["model"]), ticket["params"])
    return of_row(
        TicketDetail,
        ticket,
        **rendered(words, ticket),
        stops=None if known.stops is None else known.stops.get(lang),
        advice=None if known.advice is None else known.advice.get(lang),
        causes=[cause.get(lang) for cause in msgspec.convert(case.bring["causes"], list[Text])],
        parts=[
            Part(
                key=part.key,
                name=part.name.get(lang),
                spec=part.spec.get(lang),
                quantity=part.quantity,
                probability=part.probability,
            )
            for part in msgspec.convert(case.bring["parts"], list[PartRef])
        ],
        evidence=_evidence(evidence, words, ticket, [alert["subject"] for alert in case.alerts]),
        alerts=[of_row(TicketAlert, alert, message=words.said(alert, ticket)) for alert in case.alerts],
        still_wrong=sum(1 for alert in case.alerts if alert["condition"] != "ok"),
        sessions=[
            of_row(RemoteSession, session, runbook_name=_runbook_name(session["runbook"], words))
            for session in case.sessions
        ],
        diagnostics=[_diagnostic(command, words, ticket) for command in case.commands],
        told=[
            of_row(
                Told,
                telling,
                error=words.words(telling["error"], telling["error_params"])
                if telling["error"] in words.catalog.messages
                else telling["error"],
            )
            for telling in case.tellings
        ],
        reports=[of_row(FaultReport, report) for report in reversed(case.reports)],
        repairs=[of_row(DoneRepair, repair, **repaired(words, repair)) for repair in case.repairs],
        possible=actions(_standing(ticket), actor=account.name, rights=rights_of(account.role)),
        events=[of_row(TicketEvent, event, message=words.said(event, ticket)) for event in case.events],
    )


def _standing(ticket: DictRow) -> Standing:
    return Standing(status=ticket["status"], holder=ticket["holder"], repaired_by=ticket["repaired_by"])


def repaired(words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `DoneRepair` that aren't columns, of a row with `cause`, `cause_words`, `actions` and `parts`."""
    known, parts = words.catalog.repairs.actions, words.catalog.parts
    return {
        "cause": NamedKey(key=row["cause"], name=row["cause_words"][words.lang]),
        "actions": [
            NamedKey(key=key, name=words.text(known[key].name if key in known else None, key)) for key in row["actions"]
        ],
        "parts": [
            UsedPart(
                key=used["part"],
                name=words.text(parts[used["part"]].name if used["part"] in parts else None, used["part"]),
                quantity=used["quantity"],
                serial=used["serial"],
            )
            for used in row["parts"]
        ],
    }


def helped(words: Reader, row: DictRow) -> Helped:
    """An item of GET /repairs."""
    return of_row(
        Helped,
        row,
        ticket=row["number"],
        device=TicketDevice(id=row["uid"], name=row["device_name"], model=row["model"]),
        **repaired(words, row),
    )


def _evidence(evidence: Evidence, words: Reader, ticket: DictRow, subjects: list[str]) -> EvidenceRange:
    model = ticket["model"]
    return EvidenceRange(
        begins=evidence.begins,
        ends=evidence.ends,
        frozen_at=evidence.frozen_at,
        fitting=fitting(words.catalog.models.get(model), ticket["family"], subjects),
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


def exhibit(found: Exhibit, words: Reader, ticket: DictRow) -> TicketEvidence:
    """The answer of GET /tickets/{number}/evidence, of a row of `find_ticket`."""
    model = ticket["model"]
    known = words.catalog.models.get(model)
    signals = {} if known is None else known.signals
    fit = fitting(known, ticket["family"], ticket["subjects"])
    return TicketEvidence(
        begins=found.begins,
        ends=found.ends,
        frozen_at=found.frozen_at,
        cut=found.cut,
        fitting=fit,
        signals=[
            EvidenceSignal(
                metric=signal.metric,
                **said_of(words, signals.get(signal.metric), signal.metric, unit),
                unit=unit,
                t=[ms_of(at) for at in signal.at],
                value=[value if isfinite(value) else None for value in signal.value],
                quality=list(signal.quality),
            )
            for signal in sorted(found.signals, key=lambda each: (*fit, each.metric).index(each.metric))
            for unit in (unit_of(words.catalog, model, signal.metric, signal.unit),)
        ],
        events=[EvidenceEvent(at=told.at, kind=told.kind, body=told.body) for told in found.events],
    )


def _runbook_name(runbook: str | None, words: Reader) -> str | None:
    if runbook is None:
        return None
    book = words.catalog.runbooks.get(runbook)
    return words.text(None if book is None else book.name, runbook)


def _diagnostic(command: DictRow, words: Reader, ticket: DictRow) -> Diagnostic:
    runbook = command["runbook"]
    verdict = None if command["verdict"] is None else msgspec.convert(command["verdict"], Verdict)
    blind = unchecked(runbook, ticket["family"], ticket["model"], words.catalog)
    said, params = _said(command, verdict, words, blind)
    steps = params.pop("steps", [])
    return of_row(
        Diagnostic,
        command,
        command=command["id"],
        runbook_name=_runbook_name(runbook, words),
        outcome=None if verdict is None else verdict.outcome,
        unchecked=None if blind is None else words.text(words.catalog.messages.get(f"word.subsystem.{blind}"), blind),
        message=None if said is None else words.said({"message": said, "params": params}, ticket),
        steps=[
            DiagnosticStep(
                id=step["id"],
                title=_step_title(runbook, step["id"], words),
                outcome=step["outcome"],
                message=words.said(step, ticket),
            )
            for step in steps
        ],
    )


def _said(
    command: DictRow, verdict: Verdict | None, words: Reader, blind: str | None
) -> tuple[str | None, dict[str, Any]]:
    """Message id and parameters of what came of a command, in the words that its ticket's history has too. `blind`: the
    subsystem of the fault, where the runbook doesn't look at it."""
    if command["status"] == "waiting":
        return None, {}
    if command["replied_at"] is None:
        return UNANSWERED, {"runbook": command["runbook"] or ""}
    reply = Reply(
        at=0, command=command["id"], status=command["status"], reason=command["reason"] or None, verdict=verdict
    )
    return told(reply, command["runbook"], words.catalog, unchecked=blind)


def _step_title(runbook: str | None, step: str, words: Reader) -> str:
    book = words.catalog.runbooks.get(runbook or "")
    found = next((known for known in book.steps if known.id == step), None) if book is not None else None
    return words.text(None if found is None else found.title, step)
