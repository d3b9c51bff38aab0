"""Runs a runbook of the catalog: its read-only steps one after the other, each judged, all within a time limit."""

import asyncio
import operator
import subprocess
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec
import structlog

from agent.commands.probes import NotConfigured, Values
from catalog.model import Comparison, Runbook, Step
from wire.items import StepResult, Verdict

_log: Final = structlog.get_logger(part="runbooks")

TOTAL_S: Final = 120.0
"""All steps together; what is not begun by then fails as timed out."""
OK: Final = "remote.step.ok"
TIMEOUT: Final = "remote.step.timeout"
TOO_LONG: Final = "remote.step.too_long"
ERROR: Final = "remote.step.error"
NOT_CONFIGURED: Final = "remote.step.not_configured"

Outcome = Literal["ok", "warn", "fail", "refused"]
_COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}
_BADNESS: Final[Mapping[Outcome, int]] = {"ok": 0, "refused": 1, "warn": 2, "fail": 3}
"""A step that could not be run here says nothing of the equipment: worse than ok, better than a finding."""


def judge(step: Step, values: Values) -> StepResult:
    """The result of a step that found these values (``catalog.model.Verdict``)."""
    if len(msgspec.json.encode(values)) > step.output_limit:
        return StepResult(id=step.id, outcome="fail", reason=TOO_LONG)
    outcome: Outcome = "ok"
    reason = OK
    for verdict in step.verdicts:
        value = values.get(verdict.field)
        if value is None or not _COMPARE[verdict.op](value, verdict.value):
            continue
        if _BADNESS[verdict.level] > _BADNESS[outcome]:
            outcome, reason = verdict.level, verdict.reason
    return StepResult(id=step.id, outcome=outcome, reason=reason, values=dict(values))


def worst(results: list[StepResult]) -> Outcome:
    """The outcome of a runbook: as bad as its worst step."""
    return max((result.outcome for result in results), key=_BADNESS.__getitem__, default="ok")


async def run(
    runbook: Runbook, *, measure: Callable[[Step], Values], now_ms: Callable[[], int], total_s: float = TOTAL_S
) -> Verdict:
    """Run every step. ``measure`` blocks and is called in a thread; ``now_ms``: the device's clock."""
    began = now_ms()
    results: list[StepResult] = []
    deadline = asyncio.get_running_loop().time() + total_s
    for step in runbook.steps:
        left = deadline - asyncio.get_running_loop().time()
        results.append(await _step(step, measure, min(step.time_limit_s, left)))
    return Verdict(runbook=runbook.key, outcome=worst(results), began=began, ended=now_ms(), steps=results)


async def _step(step: Step, measure: Callable[[Step], Values], limit_s: float) -> StepResult:
    if limit_s <= 0:
        return StepResult(id=step.id, outcome="fail", reason=TIMEOUT)
    try:
        async with asyncio.timeout(limit_s):
            values = await asyncio.to_thread(measure, step)
    except (TimeoutError, subprocess.TimeoutExpired):
        return StepResult(id=step.id, outcome="fail", reason=TIMEOUT)
    except NotConfigured:
        return StepResult(id=step.id, outcome="refused", reason=NOT_CONFIGURED)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        _log.warning("step failed", step=step.id, kind=step.kind, error=str(error))
        return StepResult(id=step.id, outcome="fail", reason=ERROR)
    return judge(step, values)
