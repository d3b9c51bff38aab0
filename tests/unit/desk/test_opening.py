from typing import get_args
from uuid import UUID

import pytest

from alerts.effects import EpisodeActive, Kind
from catalog.load import load
from catalog.model import SEVERITIES, Severity
from desk.tickets.opening import EVIDENCE_MS, guidance, joined, opening, title, worse

CATALOG = load()
MODEL = CATALOG.models["generic-dr"]
AT = 1_795_312_800_000


def episode(
    *, kind: Kind = "fault", subject: str = "GEN-KV-01", family: str = "generator.kv", rule: str = "fault:GEN-KV-01"
) -> EpisodeActive:
    return EpisodeActive(
        alert_id=UUID(int=1),
        rule=rule,
        kind=kind,
        subject=subject,
        family=family,
        severity="major",
        occurred_ms=AT,
        learned_ms=AT + 700,
        late=False,
        ticket=True,
        runbook="host-health",
        message="alert.code.active",
        params={},
    )


def test_a_fault_opens_with_the_causes_and_parts_of_its_code_and_the_evidence_before_it() -> None:
    made = opening(episode(), MODEL)
    fault = MODEL.faults["GEN-KV-01"]
    assert (made.causes, made.parts) == (fault.causes, fault.parts)
    assert (made.message, made.params) == ("ticket.title", {"family": "generator.kv", "code": "GEN-KV-01"})
    assert (made.occurred_ms, made.detected_ms) == (AT, AT + 700)
    assert (made.evidence_from_ms, made.evidence_to_ms) == (AT - EVIDENCE_MS, AT)
    assert (made.severity, made.family, made.runbook) == ("major", "generator.kv", "host-health")


def test_a_limit_opens_with_the_causes_of_its_family_and_the_advice_of_its_rule() -> None:
    signal = next(signal for signal in MODEL.signals.values() if signal.rules)
    rule = signal.rules[0]
    limit = episode(kind="limit", subject=signal.name, family=rule.family, rule=f"limit:{rule.key}")
    made = opening(limit, MODEL)
    assert made.message == "ticket.title.limit"
    assert made.causes == MODEL.families[rule.family].causes
    assert guidance(MODEL, made.params).advice == rule.advice


def test_a_silence_opens_with_the_advice_of_the_absence_rule() -> None:
    assert MODEL.silence is not None
    made = opening(episode(kind="silence", subject="", family=MODEL.silence.family, rule="silence"), MODEL)
    assert made.message == "ticket.title.silence"
    assert made.causes == MODEL.families[MODEL.silence.family].causes
    assert guidance(MODEL, made.params).advice == MODEL.silence.advice


@pytest.mark.parametrize(
    "stranger",
    [
        episode(subject="NO-SUCH-99", family="no.such", rule="fault:NO-SUCH-99"),
        episode(kind="limit", subject="no.such", family="no.such", rule="limit:no-such"),
        episode(kind="identity", subject="", family="identity", rule="identity"),
    ],
)
def test_what_the_catalog_does_not_know_opens_empty_handed(stranger: EpisodeActive) -> None:
    for model in (MODEL, None):
        made = opening(stranger, model)
        assert (made.causes, made.parts) == ((), ())


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_title_and_joining_is_a_message_of_the_catalog(kind: Kind) -> None:
    for message, _ in (title(episode(kind=kind)), joined(episode(kind=kind))):
        assert message in CATALOG.messages


@pytest.mark.parametrize("one", SEVERITIES)
@pytest.mark.parametrize("other", SEVERITIES)
def test_the_worse_of_two_severities(one: Severity, other: Severity) -> None:
    assert worse(one, other) == SEVERITIES[min(SEVERITIES.index(one), SEVERITIES.index(other))]
