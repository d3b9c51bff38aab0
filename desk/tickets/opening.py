"""What a ticket says when it opens: decided from the episode that deserves it and the catalog. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from alerts import titles
from alerts.effects import EpisodeActive, EpisodeAgain
from alerts.plan import CONNECTION, SILENCE
from catalog.model import SEVERITIES, Model, PartRef, Severity, Text

EVIDENCE_MS: Final = 15 * 60_000
"""How long before the fault the evidence begins: a warm-up and the exposures of a patient or two lie within it."""


class Guidance(Struct, frozen=True, kw_only=True):
    """What the catalog knows of a fault: `stops` and `advice` are None where it says nothing of them."""

    stops: Text | None = None
    advice: Text | None = None
    causes: tuple[Text, ...] = ()
    parts: tuple[PartRef, ...] = ()


class Opening(Struct, frozen=True, kw_only=True):
    """A ticket about to open. Times are ms since 1970 UTC; `message` and `params` are its title.

    `occurred_ms` is on the equipment, `detected_ms` when we learned of it: late facts keep them apart (delivery 17).
    """

    family: str
    severity: Severity
    occurred_ms: int
    detected_ms: int
    evidence_from_ms: int
    evidence_to_ms: int
    causes: tuple[Text, ...]
    parts: tuple[PartRef, ...]
    runbook: str | None
    message: str
    params: Mapping[str, str]


def opening(episode: EpisodeActive | EpisodeAgain, model: Model | None) -> Opening:
    """The ticket of an episode, or of its next occurrence after the former ticket was closed: then that is when it
    occurred. `model` None: the catalog doesn't know the equipment; the ticket opens all the same.
    """
    occurred_ms = episode.at_ms if isinstance(episode, EpisodeAgain) else episode.occurred_ms
    message, params = title(episode)
    known = guidance(model, params)
    return Opening(
        family=episode.family,
        severity=episode.severity,
        occurred_ms=occurred_ms,
        detected_ms=episode.learned_ms,
        evidence_from_ms=occurred_ms - EVIDENCE_MS,
        evidence_to_ms=occurred_ms,
        causes=known.causes,
        parts=known.parts,
        runbook=episode.runbook,
        message=message,
        params=params,
    )


def title(episode: EpisodeActive | EpisodeAgain) -> tuple[str, dict[str, str]]:
    """Message id and parameters of a ticket's title. The parameters are what `guidance` looks things up by."""
    return titles.title(kind=episode.kind, subject=episode.subject, rule=episode.rule, family=episode.family)


def joined(episode: EpisodeActive | EpisodeAgain) -> tuple[str, dict[str, str]]:
    """Message id and parameters of the event that a further alert joined an open ticket."""
    _, params = title(episode)
    match episode.kind:
        case "fault":
            return "ticket.joined", params
        case "limit":
            return "ticket.joined.limit", params
        case "silence" | "identity" | "clock" | "connection" | "unjudged":
            return "ticket.condition_back", params


def guidance(model: Model | None, params: Mapping[str, str]) -> Guidance:
    """What the catalog says of the fault that a ticket's title names.

    A fault code has causes and parts of its own or its family's; a limit and a silence have their family's.
    """
    if model is None:
        return Guidance()
    fault = model.faults.get(params.get("code", ""))
    if fault is not None:
        return Guidance(stops=fault.stops, advice=fault.advice, causes=fault.causes, parts=fault.parts)
    family = model.families.get(params.get("family", ""))
    causes, parts = (family.causes, family.parts) if family is not None else ((), ())
    return Guidance(advice=_advice(model, params.get("rule", "")), causes=causes, parts=parts)


def _advice(model: Model, rule: str) -> Text | None:
    """What to do about a limit (`limit:KEY`), a silence (`silence`) or equipment out of its agent's reach, which looks
    the same to whoever is called."""
    if rule in (SILENCE, CONNECTION):
        return None if model.silence is None else model.silence.advice
    limits = (limit for signal in model.signals.values() for limit in signal.rules)
    return next((limit.advice for limit in limits if f"limit:{limit.key}" == rule), None)


def worse(one: Severity, other: Severity) -> Severity:
    """The worse of two severities."""
    return min(one, other, key=SEVERITIES.index)
