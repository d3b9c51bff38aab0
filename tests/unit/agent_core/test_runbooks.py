import subprocess
import threading

import pytest

from agent.commands.probes import NotConfigured, Values
from agent.commands.runbooks import ERROR, NOT_CONFIGURED, OK, TIMEOUT, TOO_LONG, judge, run, worst
from catalog.load import load
from catalog.model import STEP_FIELDS, Runbook, Step, Text, Verdict
from wire.items import StepResult

CATALOG = load()
TEXT = Text(zh="字", en="words")


def step(*verdicts: Verdict, limit: float = 5.0, output: int = 4096, name: str = "s") -> Step:
    return Step(id=name, kind="host_state", title=TEXT, time_limit_s=limit, output_limit=output, verdicts=verdicts)


def book(*steps: Step) -> Runbook:
    return Runbook(key="b", name=TEXT, covers=(), read_only=True, scopes=(), suggested=TEXT, steps=steps)


WARN = Verdict(field="cpu", op="gt", value=50, level="warn", reason="remote.step.cpu_high")
FAIL = Verdict(field="cpu", op="gt", value=90, level="fail", reason="remote.step.cpu_high")
OTHER = Verdict(field="memory", op="gt", value=50, level="warn", reason="remote.step.memory_high")


@pytest.mark.parametrize(
    ("values", "outcome", "reason"),
    [
        ({"cpu": 50.0}, "ok", OK),
        ({"cpu": 51.0}, "warn", "remote.step.cpu_high"),
        ({"cpu": 91.0}, "fail", "remote.step.cpu_high"),
        ({"cpu": 51.0, "memory": 51.0}, "warn", "remote.step.cpu_high"),
        ({"memory": 51.0}, "warn", "remote.step.memory_high"),
        ({}, "ok", OK),
    ],
)
def test_the_worst_verdict_wins_and_the_first_of_equals(values: Values, outcome: str, reason: str) -> None:
    result = judge(step(WARN, OTHER, FAIL), values)
    assert (result.outcome, result.reason, result.values) == (outcome, reason, values)


@pytest.mark.parametrize(
    ("op", "holds"),
    [("lt", (1,)), ("le", (1, 2)), ("gt", (3,)), ("ge", (2, 3)), ("eq", (2,)), ("ne", (1, 3))],
)
def test_every_comparison(op: str, holds: tuple[int, ...]) -> None:
    verdict = Verdict(field="cpu", op=op, value=2, level="fail", reason="r")  # type: ignore[arg-type]  # of the table
    for value in (1, 2, 3):
        assert (judge(step(verdict), {"cpu": float(value)}).outcome == "fail") == (value in holds)


def test_output_beyond_its_limit_fails() -> None:
    result = judge(step(output=10), {"cpu": 1.0, "memory": 2.0})
    assert (result.outcome, result.reason, result.values) == ("fail", TOO_LONG, {})


def test_a_runbook_is_as_bad_as_its_worst_step() -> None:
    order = ["ok", "refused", "warn", "fail"]
    for first in order:
        for second in order:
            results = [StepResult(id="s", outcome=each, reason="r") for each in (first, second)]  # type: ignore[arg-type]  # of the list
            assert worst(results) == order[max(order.index(first), order.index(second))]
    assert worst([]) == "ok"


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (NotConfigured(), "refused", NOT_CONFIGURED),
        (OSError("no such disk"), "fail", ERROR),
        (ValueError("no number"), "fail", ERROR),
        (subprocess.TimeoutExpired("echo", 1), "fail", TIMEOUT),
    ],
)
async def test_a_step_that_cannot_be_run_says_why_and_the_others_go_on(
    error: Exception, outcome: str, reason: str
) -> None:
    def measure(asked: Step) -> Values:
        if asked.id == "broken":
            raise error
        return {"cpu": 1.0}

    verdict = await run(book(step(name="broken"), step(name="sound")), measure=measure, now_ms=lambda: 7)
    assert [(each.outcome, each.reason) for each in verdict.steps] == [(outcome, reason), ("ok", OK)]
    assert (verdict.outcome, verdict.began, verdict.ended) == (outcome, 7, 7)


async def test_a_step_beyond_its_time_and_what_the_total_leaves_no_time_for_fail() -> None:
    free = threading.Event()

    def measure(asked: Step) -> Values:
        free.wait(10)
        return {"cpu": 1.0}

    steps = (step(limit=0.02, name="slow"), step(limit=5, name="cut"), step(limit=5, name="never"))
    verdict = await run(book(*steps), measure=measure, now_ms=lambda: 0, total_s=0.05)
    free.set()
    assert [(each.outcome, each.reason) for each in verdict.steps] == [("fail", TIMEOUT)] * 3


def test_every_reason_and_outcome_has_words() -> None:
    for reason in (OK, TIMEOUT, TOO_LONG, ERROR, NOT_CONFIGURED):
        assert CATALOG.messages[reason].zh
    for runbook in CATALOG.runbooks.values():
        for each in runbook.steps:
            assert each.kind in STEP_FIELDS
            assert {verdict.field for verdict in each.verdicts} <= set(STEP_FIELDS[each.kind])
