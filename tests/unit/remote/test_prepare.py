import msgspec
import pytest

from catalog.load import load
from catalog.model import SEVERITIES, Model, Severity
from desk.tickets.effects import TicketOpened
from remote.prepare import MINUTES, ON_SCREEN, prepare
from wire.commands import RunRunbook, Scope

CATALOG = load()
MODEL = CATALOG.models["generic-dr"]


def opened(
    *, family: str = "generator.kv", severity: Severity = "critical", runbook: str | None = "host-health"
) -> TicketOpened:
    return TicketOpened(
        ticket_id=1,
        number="WX20261122-001",
        family=family,
        severity=severity,
        occurred_ms=1,
        detected_ms=2,
        runbook=runbook,
        evidence_from_ms=0,
        evidence_to_ms=1,
    )


def test_a_session_asks_for_diagnosis_and_logs_and_for_what_the_runbook_needs() -> None:
    made = prepare(opened(), MODEL, CATALOG.runbooks)
    assert made.scopes == (Scope.DIAGNOSE, Scope.LOGS)
    assert made.runbook == "host-health"
    assert made.command == RunRunbook(runbook="host-health")


@pytest.mark.parametrize("family", sorted(MODEL.families))
def test_looking_at_the_screen_is_asked_for_only_where_it_helps(family: str) -> None:
    made = prepare(opened(family=family), MODEL, CATALOG.runbooks)
    assert (Scope.VIEW in made.scopes) == (MODEL.families[family].subsystem in ON_SCREEN)
    assert not {Scope.CONTROL, Scope.TERMINAL, Scope.FILES} & set(made.scopes)


def test_some_families_of_the_dr_are_worth_a_look_and_some_are_not() -> None:
    subsystems = {family.subsystem for family in MODEL.families.values()}
    assert subsystems & ON_SCREEN
    assert subsystems - ON_SCREEN


@pytest.mark.parametrize("severity", SEVERITIES)
def test_minutes_by_severity(severity: Severity) -> None:
    assert prepare(opened(severity=severity), MODEL, CATALOG.runbooks).minutes == MINUTES[severity]


def test_a_runbook_that_changes_something_is_prepared_but_not_sent_unasked() -> None:
    book = msgspec.structs.replace(
        CATALOG.runbooks["host-health"], read_only=False, scopes=(Scope.DIAGNOSE, Scope.TERMINAL)
    )
    made = prepare(opened(), MODEL, {"host-health": book})
    assert made.command is None
    assert made.runbook == "host-health"
    assert made.scopes == (Scope.DIAGNOSE, Scope.LOGS, Scope.TERMINAL)


@pytest.mark.parametrize(
    ("model", "runbook"), [(MODEL, None), (MODEL, "no-such"), (None, "host-health"), (MODEL, "not-of-the-model")]
)
def test_a_runbook_that_the_device_does_not_have_is_not_sent(model: Model | None, runbook: str | None) -> None:
    books = {**CATALOG.runbooks, "not-of-the-model": CATALOG.runbooks["host-health"]}
    if runbook == "not-of-the-model":
        books["not-of-the-model"] = msgspec.structs.replace(books["host-health"], key="not-of-the-model")
    made = prepare(opened(runbook=runbook), model, books)
    assert made.command is None
    assert {Scope.DIAGNOSE, Scope.LOGS} <= set(made.scopes)
