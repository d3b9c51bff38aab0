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
    """``ended`` None: it lasts. ``held``: it was active, so it is worth a ticket."""

    rule: str
    began: int
    held: bool
    count: int = 1
    ended: int | None = None


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


def limit(rule: LimitRule, readings: Iterable[Fact], *, stands_s: float, until: int) -> list[Episode]:
    """The episodes of a limit."""
    life, hold = Life(f"limit:{rule.key}"), round(rule.for_s * 1000)

    def stood(before: int) -> None:
        last = life.open
        if last is not None and not last.held and stands_s >= rule.for_s and last.began + hold < before:
            hold_it(last)

    def hold_it(last: Episode) -> None:
        last.held = True
        life.starts.append(last.began + hold)

    for fact in readings:
        stood(fact.at)
        life.stayed_away(fact.at)
        above = rule.op == "above"
        beyond = fact.value > rule.raise_at if above else fact.value < rule.raise_at
        cleared = fact.value <= rule.clear if above else fact.value >= rule.clear
        last = life.open
        if last is None:
            if beyond:
                life.begin(fact.at, held=not hold, began=fact.at)
        elif not last.held:
            if not beyond:
                life.end(fact.at)
            elif fact.at >= last.began + hold:
                hold_it(last)
        elif beyond and life.clearing:
            life.again(fact.at)
            last.count += 1
        elif cleared:
            life.end(fact.at)
    stood(until)
    life.stayed_away(until)
    return life.found


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
            found += limit(rule, readings, stands_s=signal.stands or 0, until=until)
    for code in sorted({fact.name for fact in ordered if fact.state}):
        known = model.faults.get(code)
        by = known.clear.by if known is not None and known.clear is not None else ()
        after_s = unknown_s if known is None else known.clear.after_s if known.clear is not None else None
        own = [fact for fact in ordered if fact.name == code or (fact.name in by and fact.state != "cleared")]
        found += fault(code, own, by=by, after_s=after_s, until=until)
    return found
