"""What people say of tickets, and what they choose of to say it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.examples import HOSPITAL, TICKET_NUMBER
from api.http.shapes import LINES, Given, Key, Moment, Note, OptionalLabel, Shape, example
from api.tickets.done import DoneRepair, NamedKey
from api.tickets.shapes import TicketDevice
from desk.tickets.repair import MAX_ACTIONS, MAX_PARTS, Repair, Used
from desk.tickets.report import Usable
from desk.tickets.status import Work

_REPAIR = {
    "cause": "wear",
    "actions": ["replaced", "calibrated"],
    "parts": [{"part": "cooling-fan", "quantity": 1, "serial": "SN 4711"}],
}


class PartGiven(Given):
    """A part that was put in."""

    part: Key
    quantity: Annotated[int, Field(ge=1, le=999)] = 1
    serial: OptionalLabel = ""


class RepairGiven(Given):
    """What was wrong, what was done, which parts were put in: by the keys of GET …/choices. Nothing put in: []."""

    model_config = example(**_REPAIR)

    cause: Key
    actions: Annotated[list[Key], Field(max_length=MAX_ACTIONS)]
    parts: Annotated[list[PartGiven], Field(max_length=MAX_PARTS)]

    def said(self) -> Repair:
        """As the desk takes it."""
        return Repair(
            cause=self.cause,
            actions=tuple(dict.fromkeys(self.actions)),
            parts=tuple(Used(part=used.part, quantity=used.quantity, serial=used.serial) for used in self.parts),
        )


class Transition(Given):
    """An action on a ticket. Some need a note with the reason: hand-back, reject, dismiss. mend needs the repair."""

    model_config = example(event="mend", note="", repair=_REPAIR)

    event: Work
    note: Note = ""
    repair: RepairGiven | None = None


class Confirmation(Given):
    """The hospital says whether its equipment is repaired; if not, the note says why."""

    model_config = example(repaired=True, note="")

    repaired: bool
    note: Note = ""


class Release(Given):
    """Somebody who answers for the dealer closes a repair that nobody else verified; the note says how he knows."""

    model_config = example(note="电话回访科室：已正常使用")

    note: Note


class FaultGiven(Given):
    """A person reports a fault. Never write anything of a patient into it."""

    model_config = example(
        words="开机后一直报错，曝光键按下没有反应",
        usable="no",
        contact="放射科 王老师 6123",
        caller=None,
        since=None,
        ticket=None,
    )

    words: Annotated[
        str,
        StringConstraints(min_length=1, max_length=500, pattern=LINES),
        Field(description="What is wrong, in the reporter's words; nothing of a patient."),
    ]
    usable: Annotated[Usable, Field(description="Whether the equipment can be used meanwhile.")]
    contact: Annotated[OptionalLabel, Field(description="Whom to ask, such as a name and an extension.")] = ""
    caller: Annotated[OptionalLabel | None, Field(description="Who says so by phone; null: who writes it down.")] = None
    since: Annotated[Moment | None, Field(description="When it began; null: now.")] = None
    ticket: Annotated[
        str | None,
        Field(max_length=40, description="The number of an open ticket of the device that it joins; null: of its own."),
    ] = None


class ReportTaken(Shape):
    """The ticket of a report."""

    model_config = example(number=TICKET_NUMBER, opened=True)

    number: str
    opened: Annotated[bool, Field(description="The report opened it; false: it joined it.")]


_CAUSE = {"key": "fan-defective", "name": "散热风扇损坏"}
_PART = {"key": "cooling-fan", "name": "散热风扇"}


class Choice(NamedKey):
    """Something to choose. `parts`: what was put in is to be named; `note`: a few words are to say what."""

    parts: bool
    note: bool


class PartChoice(NamedKey):
    """A part to choose. `likely`: how many of it this ticket takes; 0: no part that it names."""

    likely: int


class RepairChoices(Shape):
    """What a repair is said by, the likeliest first."""

    model_config = example(
        causes=[{**_CAUSE, "parts": False, "note": False}],
        actions=[{"key": "replaced", "name": "更换部件", "parts": True, "note": False}],
        parts=[{**_PART, "likely": 1}],
    )

    causes: list[Choice]
    actions: list[Choice]
    parts: list[PartChoice]


class Helped(DoneRepair):
    """A repair that closed a ticket, and whether the fault came again."""

    model_config = example(
        ticket=TICKET_NUMBER,
        device={"id": "d3k9m2q7x1z5a", "name": "DR 1", "model": "generic-dr"},
        hospital=HOSPITAL["name"],
        at="2026-11-22T09:12:00Z",
        closed_at="2026-11-22T10:00:00Z",
        actor="王工",
        cause=_CAUSE,
        actions=[{"key": "replaced", "name": "更换部件"}],
        parts=[{**_PART, "quantity": 1, "serial": "SN 4711"}],
        note="",
        again_at=None,
    )

    ticket: str
    device: TicketDevice
    hospital: str
    closed_at: datetime
    again_at: Annotated[datetime | None, Field(description="When it came again, within the days asked for.")]


class HelpedList(Shape):
    """What helped before, the latest first."""

    items: list[Helped]
