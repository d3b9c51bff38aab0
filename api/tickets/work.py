"""What people do with tickets: work on them, confirm, release, report."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Response

from api.devices.read import DeviceUid, find_device
from api.http.conditions import IfMatch, changed_meanwhile, require_match
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import Fault, Problem, ProblemCode, invalid, not_found, of_another_time
from api.http.rights import PREFIX
from api.http.route import Route
from api.tickets.deeds import (
    Choice,
    Confirmation,
    FaultGiven,
    HelpedList,
    PartChoice,
    Release,
    RepairChoices,
    ReportTaken,
    Transition,
)
from api.tickets.read import bring_of, find_ticket
from api.tickets.routes import Number, get_ticket
from api.tickets.shapes import TicketDetail
from api.tickets.words import helped
from catalog.model import PartRef, RepairWord, Text
from desk.errors import NoReportError, TicketConflictError, TicketLacksError, TicketNotFoundError, TicketRefusedError
from desk.tickets.helped import read_helped
from desk.tickets.operate import transition
from desk.tickets.repair import Repair, choices
from desk.tickets.report import Report, report_fault
from desk.tickets.status import Action
from wire.times import ms_of

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["tickets"])
_MOVED: Final = problems(
    ProblemCode.NOT_FOUND,
    ProblemCode.CONFLICT,
    ProblemCode.BUSY,
    ProblemCode.KEY_REUSED,
    ProblemCode.CHANGED_MEANWHILE,
    ProblemCode.IF_MATCH_MISSING,
    body=True,
)


@router.post("/tickets/{number}/transition", responses=_MOVED)
async def move_ticket(
    number: Number, body: Transition, asked: Asked, words: InWords, response: Response, if_match: IfMatch = None
) -> TicketDetail:
    """Apply an action to a ticket: `possible` of GET lists what its status and this account allow."""
    repair = None if body.repair is None else body.repair.said()
    await _move(number, body.event, body.note, if_match, asked, repair)
    return await get_ticket(number, asked, words, response)


@router.post("/tickets/{number}/confirm", responses=_MOVED)
async def confirm_repair(
    number: Number, body: Confirmation, asked: Asked, words: InWords, response: Response, if_match: IfMatch = None
) -> TicketDetail:
    """The hospital says that its equipment is repaired, which closes the ticket, or that it isn't, and why."""
    action: Action = "confirm" if body.repaired else "decline"
    await _move(number, action, body.note, if_match, asked)
    return await get_ticket(number, asked, words, response)


@router.post("/tickets/{number}/release", responses=_MOVED)
async def release_ticket(
    number: Number, body: Release, asked: Asked, words: InWords, response: Response, if_match: IfMatch = None
) -> TicketDetail:
    """Close a repair that nobody else verified, with a note that says how one knows."""
    await _move(number, "release", body.note, if_match, asked)
    return await get_ticket(number, asked, words, response)


async def _move(
    number: str, action: Action, note: str, if_match: str | None, asked: Session, repair: Repair | None = None
) -> None:
    found = await find_ticket(asked.connection, number)
    if found is None:
        raise not_found("ticket")
    require_match(if_match, found["version"])
    if not found["own"]:
        raise of_another_time("ticket")
    try:
        moved = await transition(
            asked.connection,
            ticket_id=found["id"],
            action=action,
            actor=asked.account.name,
            note=note,
            expected_version=found["version"],
            now_ms=ms_of(asked.now),
            catalog=asked.context.catalog,
            repair=repair,
        )
    except TicketNotFoundError:
        raise not_found("ticket") from None
    except TicketConflictError:
        raise changed_meanwhile() from None
    except TicketLacksError as error:
        faults = [Fault(where=where, detail=f"{what}.") for where, what in error.lacking]
        raise Problem(
            ProblemCode.INVALID, "\n".join(fault.detail for fault in faults), where=faults[0].where, faults=faults
        ) from None
    except TicketRefusedError as error:
        raise Problem(ProblemCode.CONFLICT, f"{error}.", where="body.event") from None
    await asked.audit(
        org=found["org_id"],
        action=f"ticket-{action}",
        subject=f"ticket:{number}",
        detail={"status": moved.status, "note": note},
    )


@router.get("/tickets/{number}/choices", responses=problems(ProblemCode.NOT_FOUND))
async def get_choices(number: Number, asked: Asked, words: InWords) -> RepairChoices:
    """What a repair of this ticket is said by: causes, what was done, parts; the likeliest first."""
    found = await find_ticket(asked.connection, number)
    if found is None:
        raise not_found("ticket")
    bring = await bring_of(asked.connection, found["id"])
    known = choices(
        msgspec.convert(bring["causes"], list[Text]),
        msgspec.convert(bring["parts"], list[PartRef]),
        asked.context.catalog,
    )
    likely = {part.key: part.quantity for part in known.likely}
    return RepairChoices(
        causes=[_choice(words, key, word) for key, word in known.causes.items()],
        actions=[_choice(words, key, word) for key, word in known.actions.items()],
        parts=[
            PartChoice(key=key, name=name.get(words.lang), likely=likely.get(key, 0))
            for key, name in known.parts.items()
        ],
    )


def _choice(words: InWords, key: str, word: RepairWord) -> Choice:
    return Choice(key=key, name=word.name.get(words.lang), parts=word.parts, note=word.note)


@router.post(
    "/devices/{id}/report",
    status_code=201,
    responses=problems(
        ProblemCode.NOT_FOUND, ProblemCode.CONFLICT, ProblemCode.BUSY, ProblemCode.KEY_REUSED, body=True
    ),
)
async def report_a_fault(id: DeviceUid, body: FaultGiven, asked: Asked) -> ReportTaken:  # noqa: A002 - the path's name
    """Report a fault of a device: opens a ticket, or joins an open one. Whoever is told of tickets is told."""
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    if not body.words.strip():
        raise invalid("body.words", "Say in a few words what is wrong.")
    since = asked.now if body.since is None else min(body.since, asked.now)
    report = Report(
        words=body.words,
        usable=body.usable,
        since_ms=ms_of(since),
        contact=body.contact,
        caller=body.caller,
    )
    try:
        taken = await report_fault(
            asked.connection,
            device_id=device["key"],
            report=report,
            joins=body.ticket,
            actor=asked.account.name,
            now_ms=ms_of(asked.now),
        )
    except NoReportError as error:
        raise Problem(ProblemCode.CONFLICT, f"{error}.", where="body.ticket") from None
    await asked.audit(
        org=device["org_id"],
        action="fault-reported",
        subject=f"ticket:{taken.number}",
        detail={"device": id, "usable": body.usable},
    )
    return ReportTaken(number=taken.number, opened=taken.opened)


@router.get("/repairs", responses=problems(ProblemCode.NOT_FOUND))
async def what_helped(
    *,
    asked: Asked,
    words: InWords,
    family: Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9_.\-]+$", description="Of this fault family.")],
    device: Annotated[
        str | None, Query(max_length=40, pattern=r"^[a-z0-9\-]+$", description="Of this device only.")
    ] = None,
    model: Annotated[
        str | None, Query(max_length=64, pattern=r"^[a-z0-9_.\-]+$", description="Of this model only.")
    ] = None,
    days: Annotated[int, Query(ge=1, le=366, description="Within which it counts as come again.")] = 30,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 10,
) -> HelpedList:
    """What was done when a fault of this family was repaired before, and whether it came again: the latest first."""
    of = None if device is None else await find_device(asked.connection, device)
    if device is not None and of is None:
        raise not_found("device")
    rows = await read_helped(
        asked.connection,
        family=family,
        device=None if of is None else of["key"],
        model=model,
        hospital=asked.hospital(None),
        dealer=asked.dealer(device),
        days=days,
        limit=limit,
    )
    return HelpedList(items=[helped(words, row) for row in rows])
