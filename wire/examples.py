"""One good message of every kind, as the contract's documents show them. No equipment and nobody is in them."""

from typing import Final

from msgspec import Struct

from wire.commands import Ack, Announce, Command, RunRunbook, Will
from wire.ids import Epoch
from wire.items import (
    Birth,
    ClockStep,
    Dropped,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Refusal,
    Reply,
    Skipped,
    StateChange,
    StepResult,
    Verdict,
)
from wire.report import HELLO, Numbers, Report
from wire.topics import Lane

AT: Final = 1_795_000_000_000
_EPOCH: Final = Epoch("7k2m9x4q1z5a8c3e")
_COMMAND: Final = "c7k2m9x4q1z5a8c3e"

BIRTH: Final = Birth(at=AT, boot=3, agent="acme-reporter 1.0", model="generic-dr", interval_s=15)
ITEMS: Final[dict[str, Item]] = {
    "heartbeat": Heartbeat(at=AT, uptime_s=3600, live=0, bulk=2, connected=True),
    "heartbeat with what was refused": Heartbeat(
        at=AT,
        uptime_s=3615,
        refused=3,
        refusals=[
            Refusal(source="astm", reason="unknown-code", count=3, since=AT - 9000, last=AT - 50, form="AAA-AAA-99")
        ],
    ),
    "fault": Fault(at=AT, code="GEN-KV-01", state="active", params={"deviation": 12.5}),
    "fault that came often": Fault(at=AT, code="DET-TEMP-01", state="event", count=3, first=AT - 60_000, last=AT),
    "state": StateChange(at=AT, name="mode", value="service"),
    "readings": Readings(
        at=AT, metric=["detector.temperature", "tube.voltage"], value=[31.5, 80], dt=[0, -250], unit=["Cel", "kV"],
        quality=[0, 1],
    ),
    "inventory": Inventory(at=AT, fields={"device.serial": "SN 12345", "software.version": "4.2"}),
    "clock step": ClockStep(at=AT, segment=2, step_ms=-3_600_000),
    "reply": Reply(
        at=AT,
        command=_COMMAND,
        status="done",
        verdict=Verdict(
            runbook="dr-check",
            outcome="warn",
            began=AT - 800,
            ended=AT,
            steps=[StepResult(id="disk", outcome="warn", reason="remote.step.disk", values={"used": 91.5})],
        ),
    ),
    "skipped": Skipped(at=AT, reason="refused", items=1, bytes=300_000),
    "dropped": Dropped(at=AT, reports=4, bytes=1000, first=AT - 60_000, last=AT),
}  # fmt: skip
"""By what it is; a birth stands alone."""

NUMBERS: Final = Numbers(epoch=_EPOCH, seq=42, floor=40, head=43, offset_ms=-120, sent_ms=AT)
HELLO_NUMBERS: Final = Numbers(epoch=_EPOCH, seq=HELLO, floor=40, head=43, sent_ms=AT)
REPORTS: Final = {name: Report(at=AT, items=[item]) for name, item in ITEMS.items()}
COMMANDS: Final = {
    "run a runbook": Command(
        id=_COMMAND, issued=AT, expires=AT + 300_000, do=RunRunbook(runbook="dr-check", params={"days": 7})
    ),
    "announce yourself": Command(id=_COMMAND, issued=AT, expires=AT + 300_000, do=Announce()),
}
ACKS: Final = {
    "the mark": Ack(lane=Lane.LIVE, epoch=_EPOCH, seq=42, digest="0f" * 16, now=AT + 30, echo=AT, held_ms=12),
    "go back": Ack(lane=Lane.BULK, epoch=_EPOCH, seq=7, digest="a5" * 16, now=AT + 30, back=8),
    "to a birth, nothing known": Ack(lane=Lane.BULK, epoch="", seq=0, now=AT + 30, echo=AT, hello=True),
}
WILLS: Final = {"the connection is lost": Will(epoch=_EPOCH, boot=3)}


def of(struct: type[Struct]) -> list[Report | Command | Ack | Will]:
    """All examples of one kind of message; of a report, the birth first."""
    births = [Report(at=AT, items=[BIRTH])]
    everything: list[Report | Command | Ack | Will] = [
        *births,
        *REPORTS.values(),
        *COMMANDS.values(),
        *ACKS.values(),
        *WILLS.values(),
    ]
    return [each for each in everything if type(each) is struct]
