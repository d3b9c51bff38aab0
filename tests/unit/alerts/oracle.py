"""What the verdict must be: a plain fold over all facts of a device in the order of their own time (ADR 0021).

It knows nothing of reports, batches, arrival, ticks or the server's clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.model import LimitRule, Model

QUIET = 300_000
CHATTER = 60_000


@dataclass(frozen=True)
class Fact:
    """A value of a metric, or a code in a ``state``, at ``at`` (ms); folded: ``count`` times from ``first`` on."""

    name: str
    at: int
    value: float = 0.0
    state: str = ""
    first: int = 0
    count: int = 1


@dataclass
class Episode:
    """``ended`` None: it lasts. ``held``: it was active, so it is worth a ticket. ``worst``: of a limit that held."""

    rule: str
    began: int
    held: bool
    count: int = 1
    ended: int | None = None
    worst: float = 0.0


@dataclass
class Life:
    """The episodes of one rule so far; the last may be open. ``wait``: how long after ``since`` its timer ends."""

    rule: str
    found: list[Episode] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    since: int = 0
    wait: int = 0
    clearing: bool = False
    chatters: bool = False

    @property
    def open(self) -> Episode | None:
        return self.found[-1] if self.found and self.found[-1].ended is None else None

    def begin(self, at: int, *, held: bool, began: int, count: int = 1) -> None:
        self.found.append(Episode(self.rule, began, held, count))
        self.chatters = self.clearing = False
        if held:
            self.starts.append(at)

    def end(self, at: int) -> None:
        """What was wrong is over, unless it comes and goes."""
        last = self.open
        if last is None or self.clearing:
            return
        often = len(self.starts) >= 3 and at - self.starts[-3] <= CHATTER
        if last.held and (self.chatters or often):
            self.chatters = self.clearing = True
            self.since, self.wait = at, QUIET
        else:
            last.ended = at

    def again(self, at: int) -> None:
        self.clearing = False
        self.starts.append(at)

    def stayed_away(self, before: int) -> None:
        last = self.open
        if last is not None and self.clearing and self.since + QUIET < before:
            last.ended = self.since + QUIET


class Limit:
    """The life of a limit, value by value."""

    def __init__(self, rule: LimitRule, *, stands_s: float) -> None:
        self.rule = rule
        self.life = Life(f"limit:{rule.key}")
        self.hold = round(rule.for_s * 1000)
        self.stands = stands_s >= rule.for_s
        self.sign = 1 if rule.op == "above" else -1
        self.worst = 0.0

    def pass_to(self, before: int) -> None:
        last = self.life.open
        if last is not None and not last.held and self.stands and last.began + self.hold < before:
            self.held(last)
        self.life.stayed_away(before)

    def value(self, at: int, value: float) -> None:
        self.pass_to(at)
        last = self.life.open
        beyond = self.sign * value > self.sign * self.rule.raise_at
        if beyond:
            self.beyond(at, value, last)
        elif last is not None and (not last.held or self.sign * value <= self.sign * self.rule.clear):
            self.life.end(at)

    def beyond(self, at: int, value: float, last: Episode | None) -> None:
        if last is None:
            self.worst = value
            self.life.begin(at, held=not self.hold, began=at)
            self.life.found[-1].worst = 0.0 if self.hold else value
        elif not last.held and at >= last.began + self.hold:
            self.worst = self.sign * max(self.sign * value, self.sign * self.worst)
            self.held(last)
        elif self.life.clearing:
            self.life.again(at)
            last.count += 1
            self.worst = last.worst = value
        elif self.sign * (value - self.worst) >= abs(self.rule.raise_at - self.rule.clear):
            self.worst = value
            last.worst = value if last.held else 0.0

    def held(self, last: Episode) -> None:
        last.held, last.worst = True, self.worst
        self.life.starts.append(last.began + self.hold)


def fault(code: str, facts: Iterable[Fact], *, by: Sequence[str], after_s: float | None, until: int) -> list[Episode]:
    """The episodes of a code; ``facts`` of it and of the codes that end it."""
    life, hold = Life(f"fault:{code}"), round((after_s or 0) * 1000)

    def expire(before: int) -> None:
        if hold and life.open is not None and not life.clearing and life.since + life.wait < before:
            life.end(life.since + life.wait)
        life.stayed_away(before)

    for fact in facts:
        expire(fact.first)
        last = life.open
        if fact.name in by or fact.state == "cleared":
            life.end(fact.first)
            continue
        if last is None:
            life.begin(fact.at, held=True, began=fact.first, count=fact.count)
        else:
            last.count += fact.count
            if life.clearing:
                life.again(fact.at)
        life.since, life.wait = fact.at, hold
    expire(until)
    return life.found


def episodes(model: Model, facts: Sequence[Fact], *, until: int, unknown_s: float = 86_400) -> list[Episode]:
    """All episodes of a device but its silence, by rule. ``unknown_s``: when a code that isn't the model's is over."""
    ordered = sorted(facts, key=lambda fact: fact.first)  # stable: of equal times the one told first
    found: list[Episode] = []
    for signal in model.signals.values():
        readings = [fact for fact in ordered if fact.name == signal.name]
        for rule in signal.rules:
            limit = Limit(rule, stands_s=signal.stands or 0)
            for fact in readings:
                limit.value(fact.at, fact.value)
            limit.pass_to(until)
            found += limit.life.found
    for code in sorted({fact.name for fact in ordered if fact.state}):
        known = model.faults.get(code)
        by = known.clear.by if known is not None and known.clear is not None else ()
        after_s = unknown_s if known is None else known.clear.after_s if known.clear is not None else None
        own = [fact for fact in ordered if fact.name == code or (fact.name in by and fact.state != "cleared")]
        found += fault(code, own, by=by, after_s=after_s, until=until)
    return found
