from typing import Any, Final, Literal

import pytest

from catalog.load import load
from catalog.messages import render
from remote.replies import Asked, fate, known_verdict, told, unchecked
from wire.items import Reply, StepResult, Verdict

CATALOG = load()
OF_THE_BATH: Final[dict[str, Any]] = {"runbook": "host-health", "family": "bath"}
Outcome = Literal["ok", "warn", "fail", "refused"]


def step(
    id_: str = "disk", outcome: Outcome = "warn", reason: str = "remote.step.disk_high", used: float = 91.0
) -> StepResult:
    return StepResult(id=id_, outcome=outcome, reason=reason, values={"used": used})


def verdict(*steps: StepResult, outcome: Outcome = "warn", runbook: str = "host-health") -> Verdict:
    return Verdict(runbook=runbook, outcome=outcome, began=1, ended=2, steps=list(steps))


def reply(
    status: Literal["done", "refused", "failed", "expired"] = "done",
    *,
    reason: str | None = None,
    found: Verdict | None = None,
) -> Reply:
    return Reply(at=3, command="c0123456789abcdef", status=status, reason=reason, verdict=found)


def asked(*, device_id: int = 7, answered: bool = False) -> Asked:
    return Asked(device_id=device_id, org_id=1, dealer_id=2, ticket_id=1, answered=answered, **OF_THE_BATH)


def test_the_first_answer_of_the_device_that_was_asked_counts() -> None:
    assert fate(reply(found=verdict()), 7, asked()) == "accepted"


def test_any_other_answer_does_not() -> None:
    assert fate(reply(), 7, None) == "unknown"
    assert fate(reply(), 8, asked()) == "foreign"
    assert fate(reply(), 8, asked(answered=True)) == "foreign"
    assert fate(reply(), 7, asked(answered=True)) == "repeated"
    assert fate(reply(found=verdict(runbook="dicom-reach")), 7, asked()) == "other"


def test_steps_that_the_runbook_does_not_have_are_dropped() -> None:
    cleaned = known_verdict(verdict(step(), step("patients")), CATALOG)
    assert [each.id for each in cleaned.steps] == ["disk"]
    assert known_verdict(verdict(step(), runbook="no-such"), CATALOG).steps == []


def test_a_verdict_says_how_much_is_wrong_and_each_step_as_a_message() -> None:
    found = verdict(
        step(), step("host", "ok", "remote.step.ok"), step("clock", "refused", "remote.step.not_configured")
    )
    message, params = told(reply(found=found), "host-health", CATALOG)
    assert message == "remote.runbook.warn"
    assert (params["outcome"], params["count"], params["runbook"]) == ("warn", 1, "host-health")
    assert params["steps"][0] == {
        "id": "disk",
        "outcome": "warn",
        "message": "remote.step.disk_high",
        "params": {"used": 91.0},
    }


@pytest.mark.parametrize(
    ("runbook", "family", "model", "missed"),
    [
        ("analyzer-check", "bath", "generic-analyzer", "incubation"),
        ("analyzer-check", "workstation", "generic-analyzer", None),
        ("dr-check", "generator.kv", "generic-dr", "generator"),
        ("dr-check", "pacs", "generic-dr", None),
        ("host-health", "link", "generic-dr", "network"),
        ("host-health", "link", "no-such-model", None),
        ("no-such-book", "link", "generic-dr", None),
        (None, None, "generic-dr", None),
    ],
)
def test_a_verdict_names_what_of_the_fault_was_not_checked(
    runbook: str | None, family: str | None, model: str, missed: str | None
) -> None:
    assert unchecked(runbook, family, model, CATALOG) == missed


@pytest.mark.parametrize(
    ("outcome", "zh", "en"),
    [
        ("ok", "生化仪工作站检查：无异常（未检查反应槽）", "nothing found (reaction bath not checked)"),
        ("warn", "生化仪工作站检查：1 项需要注意（未检查反应槽）",
         "1 finding to be looked at (reaction bath not checked)"),
        ("fail", "生化仪工作站检查：1 项异常（未检查反应槽）", "1 step failed (reaction bath not checked)"),
        ("refused", "生化仪工作站检查：1 项未执行（也未检查反应槽）",
         "1 step not run (reaction bath not checked either)"),
    ],
)  # fmt: skip
def test_no_verdict_is_of_the_whole(outcome: Outcome, zh: str, en: str) -> None:
    found = verdict(step(outcome=outcome), outcome=outcome, runbook="analyzer-check")
    message, params = told(reply(found=found), "analyzer-check", CATALOG, unchecked="incubation")
    assert render(message, params, "zh", CATALOG) == zh
    assert render(message, params, "en", CATALOG) == f"Check of the analyzer's workstation: {en}"


@pytest.mark.parametrize("reason", ["no.such.message", "ticket.opened", "remote.step.no_such"])
def test_a_reason_that_is_no_message_for_devices_to_choose_is_not_taken_over(reason: str) -> None:
    _, params = told(reply(found=verdict(step(reason=reason))), "host-health", CATALOG)
    assert params["steps"][0]["message"] == "remote.step.error"
    assert told(reply("refused", reason=reason), "host-health", CATALOG)[0] == "remote.runbook.refused"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply("refused", reason="remote.runbook.refused_no_policy"), "remote.runbook.refused_no_policy"),
        (reply("refused", reason="remote.runbook.refused_policy"), "remote.runbook.refused_policy"),
        (reply("refused"), "remote.runbook.refused"),
        (reply("failed"), "remote.runbook.failed"),
        (reply("expired"), "remote.runbook.expired"),
        (reply("done"), "remote.runbook.done"),
        (reply(found=verdict(outcome="ok")), "remote.runbook.ok"),
        (reply(found=verdict(outcome="fail")), "remote.runbook.fail"),
        (reply(found=verdict(outcome="refused")), "remote.runbook.partly"),
    ],
)
def test_every_answer_is_a_message_of_the_catalog(answer: Reply, message: str) -> None:
    assert told(answer, "host-health", CATALOG)[0] == message
    assert message in CATALOG.messages
