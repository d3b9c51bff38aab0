"""A model's rules as the engine wants them: looked up by metric and by code, with times in milliseconds.

Compiled once for each model, so that a reading without a rule costs one set lookup.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.effects import Kind
from alerts.reasons import Variant
from catalog.model import FaultCode, LimitRule, Model, Severity, Signal, Silence
from ingest.clocks import DAY_MS

UNKNOWN_FAMILY: Final = "unknown-code"
UNKNOWN_HOLD_MS: Final = DAY_MS
"""A code that the catalog doesn't hold counts as active until a day passed without it: nobody knows what ends it."""
MAX_UNKNOWN: Final = 16
"""Unknown codes of a device and lane that are open at a time; all further ones share one episode, ``MORE``."""
MORE: Final = "*"
"""The subject of that episode. No code is spelled so (``wire.items.Code``)."""
FAULT: Final = "fault:"
LIMIT: Final = "limit:"
SILENCE: Final = "silence"
IDENTITY: Final = "identity"
NUMBERS: Final = "identity:numbers"
UNJUDGED: Final = "unjudged"
CLOCK: Final = "clock"
CONNECTION: Final = "connection"
"""Two devices under one identity, numbers that begin again and reports that can't be judged are over when a day passed
without another."""
CONNECTION_HOLD_MS: Final = 600_000
"""How long equipment must be out of its agent's reach: it takes less to start again."""
CLOCK_WRONG_MS: Final = 120_000
"""A clock that is further off is wrong: it would soon confuse which of two facts came first."""
CLOCK_RIGHT_MS: Final = 60_000
"""A clock that was wrong is right again when it isn't further off."""
TOLD_KINDS: Final[frozenset[Kind]] = frozenset({"fault", "limit", "connection"})
"""What is known by the device's word alone: of a silent one it isn't known any more."""
LOST_KINDS: Final[frozenset[Kind]] = frozenset({"fault", "limit"})
"""What is known by each report: once reports are lost it has to be confirmed."""
RETIRED: Final = "retired"
"""The digest of the plan of a device that is watched no longer."""


class Rule(Struct, frozen=True, kw_only=True):
    """One rule. Times in milliseconds. ``key``: ``fault:CODE``, ``limit:KEY``, ``silence``, or one of those that every
    device has: ``identity``, ``identity:numbers``, ``unjudged``, ``clock``, ``connection``.

    ``hold_ms``: a limit must be passed, or equipment out of reach, for so long; a fault is over when so long has passed
    without a repeat (0: only a word of the equipment ends it). ``stands``: what pends for so long without news holds.
    ``states``: the signal says one of several things, in words.
    """

    key: str
    kind: Kind
    subject: str
    family: str
    severity: Severity
    ticket: bool
    runbook: str | None
    variant: Variant
    hold_ms: int = 0
    stands: bool = False
    unit: str = ""
    states: bool = False
    raise_at: float = 0.0
    clear: float = 0.0

    @property
    def said(self) -> Variant:
        """Which messages say it."""
        return Variant.STATE if self.states else self.variant

    def beyond(self, value: float) -> bool:
        """Whether a value breaks the limit."""
        return value > self.raise_at if self.variant is Variant.ABOVE else value < self.raise_at

    def cleared(self, value: float) -> bool:
        """Whether a value ends the episode: at or back beyond ``clear``."""
        return value <= self.clear if self.variant is Variant.ABOVE else value >= self.clear

    def worst(self, one: float, other: float) -> float:
        """The value of two that is further beyond the limit."""
        return max(one, other) if self.variant is Variant.ABOVE else min(one, other)

    def worse(self, value: float, than: float) -> bool:
        """Whether a value is news after ``than``: further beyond the limit by at least the way back to ``clear``, or by
        a tenth of the limit where it clears at the limit itself; a counter would be news with every count."""
        further = value - than if self.variant is Variant.ABOVE else than - value
        step = abs(self.raise_at - self.clear) or abs(self.raise_at) / 10
        return further > 0 and further >= step


class Metric(Struct, frozen=True, kw_only=True):
    """A signal with rules. Within ``low``..``high`` no rule of it is broken: nothing to do unless one is open."""

    name: str
    unit: str
    rules: tuple[Rule, ...]
    keys: frozenset[str]
    low: float
    high: float

    def grade(self, value: float) -> tuple[int, ...]:
        """What each rule makes of a value: 2 beyond its limit, 0 cleared, 1 between. Equal grades, equal outcomes."""
        return tuple(2 if rule.beyond(value) else 0 if rule.cleared(value) else 1 for rule in self.rules)


class Plan(Struct, frozen=True, kw_only=True):
    """The rules of one model. ``digest`` changes with any of them. ``ends``: code → the codes that it ends.
    ``kin``: code → all whose verdicts hang together with its own by that."""

    digest: str
    rules: Mapping[str, Rule]
    metrics: Mapping[str, Metric]
    names: frozenset[str]
    """Of the metrics with rules."""
    codes: Mapping[str, Rule]
    ends: Mapping[str, tuple[str, ...]]
    kin: Mapping[str, frozenset[str]]
    silence: Rule | None
    silence_ms: int
    """0: silence isn't judged."""

    def rule(self, key: str) -> Rule:
        """The rule of an open episode; of a fault code that the catalog doesn't hold, the one for all of those."""
        return self.rules.get(key) or unknown_rule(key.removeprefix(FAULT))


def fault_key(code: str) -> str:
    """The key of a fault code's rule in the state; a colon never stands in a metric's name."""
    return FAULT + code


def compile_model(model: Model | None) -> Plan:
    """The plan of a model; None: one that the catalog doesn't hold, of which every code is unknown.

    Raises ValueError if two limits of the model have one key.
    """
    if model is None:
        return _plan((), {}, {}, None, 0)
    metrics = tuple(_metric(signal) for signal in model.signals.values() if signal.rules)
    codes = {fault.code: _fault(fault) for fault in model.faults.values()}
    ends: dict[str, tuple[str, ...]] = {}
    for fault in model.faults.values():
        for by in fault.clear.by if fault.clear is not None else ():
            ends[by] = (*ends.get(by, ()), fault.code)
    silence = model.silence
    if silence is None:
        return _plan(metrics, codes, ends, None, 0)
    return _plan(metrics, codes, ends, _silence(silence), _ms(silence.after_s))


def unknown_rule(code: str) -> Rule:
    """The rule of a code that the catalog doesn't hold, or of all that are too many (``MORE``)."""
    return Rule(
        key=fault_key(code),
        kind="fault",
        subject=code,
        family=UNKNOWN_FAMILY,
        severity="warning",
        ticket=False,
        runbook=None,
        variant=Variant.MORE if code == MORE else Variant.UNKNOWN,
        hold_ms=UNKNOWN_HOLD_MS,
    )


def gone_rule(key: str) -> Rule:
    """Stands for the rule of an episode that ends unasked: all that has to be known of it is its key in the state."""
    return Rule(
        key=key,
        kind="silence",
        subject="",
        family="",
        severity="warning",
        ticket=False,
        runbook=None,
        variant=Variant.GONE,
    )


def _own(
    key: str, kind: Kind, variant: Variant, severity: Severity, *, ticket: bool, hold_ms: int, stands: bool = False
) -> Rule:
    return Rule(
        key=key,
        kind=kind,
        subject="",
        family=kind,
        severity=severity,
        ticket=ticket,
        runbook=None,
        variant=variant,
        hold_ms=hold_ms,
        stands=stands,
    )


IDENTITY_RULE: Final = _own(IDENTITY, "identity", Variant.IDENTITY, "major", ticket=True, hold_ms=DAY_MS)
"""No model's own, as those that follow: any device can be cloned (delivery 6)."""
NUMBERS_RULE: Final = _own(NUMBERS, "identity", Variant.NUMBERS, "major", ticket=True, hold_ms=DAY_MS)
"""What a device says under a number of before is taken for a duplicate: nobody would notice its faults."""
UNJUDGED_RULE: Final = _own(UNJUDGED, "unjudged", Variant.UNJUDGED, "minor", ticket=False, hold_ms=DAY_MS)
"""No work for an engineer at the equipment: the operator looks into the dead letter."""
CLOCK_RULE: Final = _own(CLOCK, "clock", Variant.BEHIND, "minor", ticket=False, hold_ms=0)
"""Times are corrected by what is known of the clock, so facts are judged rightly; as ``SYS-CLK-01`` of the catalog."""
CONNECTION_RULE: Final = _own(
    CONNECTION, "connection", Variant.CONNECTION, "major", ticket=False, hold_ms=CONNECTION_HOLD_MS, stands=True
)
"""Where the model doesn't judge silence. Else equipment out of reach is as serious as the model's silence."""


def _plan(
    metrics: tuple[Metric, ...],
    codes: Mapping[str, Rule],
    ends: Mapping[str, tuple[str, ...]],
    silence: Rule | None,
    silence_ms: int,
) -> Plan:
    connection = CONNECTION_RULE
    if silence is not None:
        connection = replace(
            connection,
            family=silence.family,
            severity=silence.severity,
            ticket=silence.ticket,
            runbook=silence.runbook,
        )
    limits = [rule for metric in metrics for rule in metric.rules]
    own = (IDENTITY_RULE, NUMBERS_RULE, UNJUDGED_RULE, CLOCK_RULE, connection)
    rules = {rule.key: rule for rule in (*limits, *codes.values(), *own)}
    if len(rules) != len(limits) + len(codes) + len(own):
        raise ValueError("two limits of one model have the same key")
    if silence is not None:
        rules[silence.key] = silence
    content = msgspec.json.encode([list(rules.values()), ends, silence_ms], order="sorted")
    return Plan(
        digest=blake2b(content, digest_size=8).hexdigest(),
        rules=rules,
        metrics={metric.name: metric for metric in metrics},
        names=frozenset(metric.name for metric in metrics),
        codes=codes,
        ends=ends,
        kin=_kin(ends),
        silence=silence,
        silence_ms=silence_ms,
    )


RETIRED_PLAN: Final = Plan(
    digest=RETIRED, rules={}, metrics={}, names=frozenset(), codes={}, ends={}, kin={}, silence=None, silence_ms=0
)
"""Of a device that is watched no longer: it has no rules at all."""


def _kin(ends: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for by, ended in ends.items():
        joined = frozenset().union(*(found.get(code, {code}) for code in (by, *ended)))
        found |= dict.fromkeys(joined, joined)
    return found


def _metric(signal: Signal) -> Metric:
    rules = tuple(_limit(signal, rule) for rule in signal.rules)
    return Metric(
        name=signal.name,
        unit=signal.unit,
        rules=rules,
        keys=frozenset(rule.key for rule in rules),
        low=max((rule.raise_at for rule in rules if rule.variant is Variant.BELOW), default=float("-inf")),
        high=min((rule.raise_at for rule in rules if rule.variant is Variant.ABOVE), default=float("inf")),
    )


def _limit(signal: Signal, rule: LimitRule) -> Rule:
    return Rule(
        key=LIMIT + rule.key,
        kind="limit",
        subject=signal.name,
        family=rule.family,
        severity=rule.severity,
        ticket=rule.ticket,
        runbook=rule.runbook,
        variant=Variant.ABOVE if rule.op == "above" else Variant.BELOW,
        hold_ms=_ms(rule.for_s),
        stands=signal.stands is not None and signal.stands >= rule.for_s,
        unit=signal.unit,
        states=bool(signal.states),
        raise_at=rule.raise_at,
        clear=rule.clear,
    )


def _fault(fault: FaultCode) -> Rule:
    after_s = fault.clear.after_s if fault.clear is not None else None
    return Rule(
        key=fault_key(fault.code),
        kind="fault",
        subject=fault.code,
        family=fault.family,
        severity=fault.severity,
        ticket=fault.ticket,
        runbook=fault.runbook,
        variant=Variant.CODE,
        # a hold of 0 would be none at all
        hold_ms=0 if after_s is None else max(1, _ms(after_s)),
    )


def _silence(silence: Silence) -> Rule:
    return Rule(
        key=SILENCE,
        kind="silence",
        subject="",
        family=silence.family,
        severity=silence.severity,
        ticket=silence.ticket,
        runbook=silence.runbook,
        variant=Variant.SILENCE,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
