"""What an agent, or a maker's own client, may say about itself: words of ours, and versions.

A word that isn't ours may be of an agent newer than this catalog, or of a client that puts a patient's name there: the
fact is kept, ``other`` stands in the word's place, and it is counted. Pure.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Final

from msgspec.structs import replace

from catalog import allowed
from catalog.allowed import LARGEST, OTHER
from catalog.model import STEP_FIELDS, Catalog, Model, Runbook
from catalog.refusals import SERVER, sources, words
from wire.ids import is_minted_command_id
from wire.items import Birth, Heartbeat, Refusal, Reply, Skipped, StepResult, Verdict

TOO_BIG: Final = "report.too-big"
REFUSED: Final = "report.refused"
DAMAGED: Final = "report.damaged"
SKIPPED: Final = frozenset({TOO_BIG, REFUSED, DAMAGED})
"""Reasons of a ``Skipped``."""
_AGENT: Final = re.compile(
    r"(steth-(agent|sim)/)?v?\d{1,4}(\.\d{1,4}){1,3}([.+\-]?(a|b|alpha|beta|rc|dev|post)\.?\d{0,3})?\Z", re.ASCII
)
"""A version, and before it what of ours it is of, such as ``steth-agent/0.1.0``."""
UNKNOWN_WORD: Final = "unknown-word"
_STEP: Final = "remote.step."
_STEP_ERROR: Final = "remote.step.error"
_REMOTE: Final = "remote."

_LARGEST: Final[Mapping[str, float]] = {"uptime_s": 1e10, "free": 1e15, "offset_ms": 1e13}
"""Of the fields of steps that may have large numbers: seconds, bytes and milliseconds."""


class OwnWords:
    """The words of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sources = frozenset(sources(catalog)) - {SERVER}
        self._words: Mapping[str, frozenset[str]] = {kind: words(catalog, kind) for kind in ("refused", "untold")}
        self._names = cache(self._names_of)

    def birth(self, item: Birth, refused: Counter[str]) -> Birth:
        """A birth, with a version of an agent and a model of the catalog."""
        agent, model = item.agent, item.model
        if not _AGENT.match(agent):
            agent = _other(refused)
        if model not in self._catalog.models:
            model = _other(refused)
        return item if (agent, model) == (item.agent, item.model) else replace(item, agent=agent, model=model)

    def heartbeat(self, item: Heartbeat, model: Model, refused: Counter[str]) -> Heartbeat:
        """A heartbeat whose refusals are in words of the catalog. Their forms can say nothing (``wire.items.Form``)."""
        if not item.refusals:
            return item
        told = [self._told(each, model, refused) for each in item.refusals]
        return item if told == item.refusals else replace(item, refusals=told)

    def _told(self, each: Refusal, model: Model, refused: Counter[str]) -> Refusal:
        source = each.source if each.source in self._sources else _other(refused)
        reason = each.reason
        word, _, what = reason.partition(":")
        if word not in self._words[each.kind]:
            reason = _other(refused)
        elif what and what not in self._names(model.key):
            refused[UNKNOWN_WORD] += 1
            reason = word
        return each if (source, reason) == (each.source, each.reason) else replace(each, source=source, reason=reason)

    def _names_of(self, model: str) -> frozenset[str]:
        known = self._catalog.models.get(model)
        return frozenset() if known is None else allowed.names(known)

    def reply(self, item: Reply, refused: Counter[str]) -> Reply | None:
        """An answer in words of the catalog; None: to no command that we ever made."""
        if not is_minted_command_id(item.command):
            refused["unknown-command"] += 1
            return None
        if item.reason is not None and not (item.reason.startswith(_REMOTE) and item.reason in self._catalog.messages):
            refused[UNKNOWN_WORD] += 1
            item = replace(item, reason=None)  # its status says as much
        if item.verdict is not None:
            verdict = self._verdict(item.verdict, refused)
            if verdict != item.verdict:
                item = replace(item, verdict=verdict)
        return item

    def _verdict(self, verdict: Verdict, refused: Counter[str]) -> Verdict:
        book = self._catalog.runbooks.get(verdict.runbook)
        if book is None:
            return replace(verdict, runbook=_other(refused), steps=[])
        found = (self._step(each, book, refused) for each in verdict.steps)
        return replace(verdict, steps=[step for step in found if step is not None])

    def _step(self, result: StepResult, book: Runbook, refused: Counter[str]) -> StepResult | None:
        step = next((step for step in book.steps if step.id == result.id), None)
        if step is None:
            refused[UNKNOWN_WORD] += 1
            return None
        reason = result.reason
        if not (reason.startswith(_STEP) and reason in self._catalog.messages):
            refused[UNKNOWN_WORD] += 1
            reason = _STEP_ERROR
        fields = STEP_FIELDS[step.kind]
        values = {key: value for key, value in result.values.items() if key in fields and _names_nobody(key, value)}
        if len(values) < len(result.values):
            refused["unknown-parameter"] += len(result.values) - len(values)
        return replace(result, reason=reason, values=values)

    @staticmethod
    def skipped(item: Skipped, refused: Counter[str]) -> Skipped:
        """What stands for a report that was given up, and why."""
        return item if item.reason in SKIPPED else replace(item, reason=_other(refused))


def _names_nobody(field: str, value: float | str) -> bool:
    return isinstance(value, float) and abs(value) <= _LARGEST.get(field, LARGEST)


def _other(refused: Counter[str]) -> str:
    refused[UNKNOWN_WORD] += 1
    return OTHER
