"""A second engine, slow and plain: one mutable machine a rule, no sharing, no draft, no staging, nothing precompiled.

What happened in a group of late facts is found by comparing copies from before and after it.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace

from catalog.model import LimitRule, Model

Told = tuple[object, ...]
UNKNOWN_HOLD = 24 * 3_600_000
QUIET = 300_000
GRID = 60_000
LATE = 300_000
HELD_LIMIT = 600_000


@dataclass
class Episode:
    occurred: int
    condition: str
    count: int
    late: bool
    due: int = 0
    due_clock: int = 0
    before: str = ""
    chatters: bool = False
    was_active: bool = False
    told: bool = False


@dataclass
class Machine:
    """The life of one rule: its open episode, what it told, and in a group of late facts what was over at once."""

    hold: int
    kind: str
    limit: LimitRule | None = None
    judged: int = 0
    open: Episode | None = None
    starts: list[int] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    over: list[tuple[int, int]] = field(default_factory=list)
    late: bool = False
    wall: int = 0
    clock: int = 0

    @property
    def condition(self) -> str:
        return "ok" if self.open is None else self.open.condition

    # what can happen --------------------------------------------------------------------------------------------------

    def start(self, at: int, occurred: int, condition: str, count: int = 1) -> None:
        self.open = Episode(occurred=occurred, condition=condition, count=count, late=self.late)
        self._wait(at)
        if self.late:
            self.open.was_active = condition == "active"
            return
        self.open.told = True
        self.told.append(("opened", condition, occurred, count, False))
        if condition == "active":
            self._activate(at, occurred)

    def activate(self, at: int, count: int = 0) -> None:
        found = self._open()
        first = found.condition == "pending"
        found.count += count
        self._move(found, "active", at)
        self._wait(at)
        found.was_active = True
        if not found.told:
            return
        if not self.late and not found.late:
            self.starts.append(at)
        if first:
            self.told.append(("active", found.occurred))

    def finish(self, at: int) -> None:
        found = self.open
        if found is None or found.condition in ("clearing", "no-data"):
            return
        if found.condition == "active" and found.told:
            last = self.starts[-3:]
            often = not self.late and len(last) == 3 and at - last[0] <= 60_000
            if self.kind != "silence" and (found.chatters or often):
                self._move(found, "clearing", at)
                found.chatters = True
                self._wait(at)
                return
        self.close(at)

    def close(self, at: int) -> None:
        found = self._open()
        self._move(found, "ok", at)
        if not found.told and found.was_active:
            self.over.append((found.occurred, at))
        self.open = None

    def silent(self) -> None:
        if self.open is not None:
            self.open.before = self.open.condition
            self._move(self.open, "no-data", self.wall)

    def back(self) -> None:
        if self.open is not None and self.open.condition == "no-data":
            self._move(self.open, self.open.before, self.wall)
            self._wait(self.wall)

    def ring(self) -> None:
        found = self._open()
        if found.condition == "pending":
            self.activate(found.due)
        elif found.condition == "clearing":
            self.close(found.due)
        else:
            self.finish(found.due)

    def pass_to(self, at: int) -> None:
        """Its timer may have ended before a fact of ``at``."""
        found = self.open
        if found is not None and found.condition != "no-data" and 0 < found.due < at:
            self.ring()

    # facts ------------------------------------------------------------------------------------------------------------

    def value(self, at: int, value: float) -> bool:
        """A reading. True if anything changed."""
        assert self.limit is not None
        before = (replace(self.open) if self.open else None, len(self.told), len(self.over))
        self.pass_to(at)
        up = self.limit.op == "above"
        beyond = value > self.limit.raise_at if up else value < self.limit.raise_at
        cleared = value <= self.limit.clear if up else value >= self.limit.clear
        found = self.open
        if found is None:
            if beyond:
                self.start(at, at, "pending" if self.hold else "active")
        elif beyond and found.condition == "clearing":
            self.activate(at, 1)
        elif beyond and found.condition == "pending" and at >= found.due:
            self.activate(found.due)
        elif (found.condition == "pending" and not beyond) or cleared:
            self.finish(at)
        return before != (self.open, len(self.told), len(self.over))

    def code(self, first: int, last: int, count: int, *, active: bool) -> None:
        self.pass_to(first)
        found = self.open
        if not active:
            self.finish(last)
        elif found is None:
            self.start(last, max(first, self.judged), "active", count)
        elif found.condition == "clearing":
            self.activate(last, count)
        else:
            self.repeat(last, count)
        self.judged = max(self.judged, last)

    def repeat(self, last: int, count: int) -> None:
        found = self._open()
        found.count += count
        due, clock = found.due, found.due_clock
        self._wait(last)
        found.due, found.due_clock = max(due, found.due), max(clock, found.due_clock)

    def ended_by_another(self, at: int) -> None:
        self.pass_to(at)
        self.finish(at)
        self.judged = max(self.judged, at)

    # small things -----------------------------------------------------------------------------------------------------

    def _open(self) -> Episode:
        assert self.open is not None
        return self.open

    def _activate(self, at: int, occurred: int) -> None:
        self.starts.append(at)
        self.told.append(("active", occurred))
        self._open().was_active = True

    def _move(self, found: Episode, to: str, at: int) -> None:
        if found.told:
            self.told.append(("moved", found.condition, to, at, found.count))
        found.condition = to

    def _wait(self, at: int) -> None:
        found = self._open()
        hold = {"pending": self.hold, "active": 0 if self.limit else self.hold, "clearing": QUIET}[found.condition]
        found.due = at + hold if hold else 0
        found.due_clock = self.clock + min(max(at + hold - self.wall, 0), hold) if hold else 0


@dataclass
class Fact:
    """Of a metric (``value``), or a code (``state``)."""

    name: str
    first: int
    last: int
    value: float = 0.0
    state: str = ""
    count: int = 1


class Reference:
    """One device in the live lane. ``step`` returns what was told: by rule, in order; and the summaries."""

    def __init__(self, model: Model, *, silence_ms: int) -> None:
        self.model = model
        self.silence_ms = silence_ms
        self.machines: dict[str, Machine] = {"silence": Machine(hold=0, kind="silence")}
        self.metric_judged: dict[str, int] = {}
        self.held: list[Fact] = []
        self.held_clock = 0
        self.summaries: list[Told] = []
        self.seen = 0
        self.seen_clock = 0
        for signal in model.signals.values():
            for rule in signal.rules:
                machine = Machine(hold=round(rule.for_s * 1000), kind="limit", limit=rule)
                self.machines[f"limit:{rule.key}"] = machine
        for fault in model.faults.values():
            after = fault.clear.after_s if fault.clear is not None else None
            self.machines[f"fault:{fault.code}"] = Machine(hold=round((after or 0) * 1000), kind="fault")

    def set_time(self, wall: int, clock: int) -> None:
        for machine in self.machines.values():
            machine.wall, machine.clock = wall, clock
            machine.told = []
        self.wall, self.clock = wall, clock
        self.summaries = []

    def hear(self) -> None:
        self.seen, self.seen_clock = self.wall, self.clock
        silence = self.machines["silence"]
        if silence.open is not None:
            silence.close(self.wall)
        for machine in self.machines.values():
            machine.back()

    def report(self, facts: Iterable[Fact], *, caught_up: bool) -> None:
        for fact in facts:
            if fact.state:
                self._code_arrives(fact)
            elif fact.name in self.model.signals:
                self._value_arrives(fact)
        if caught_up and self.held:
            self.judge_held()

    def tick(self) -> None:
        while True:
            due = [
                (m.open.due_clock, 1, key)
                for key, m in self.machines.items()
                if m.open is not None and m.open.due and m.open.condition != "no-data"
            ]
            if self.held:
                due.append((self.held_clock + HELD_LIMIT, 0, "held"))
            if self.machines["silence"].open is None:
                due.append((self.seen_clock + self.silence_ms, 2, "silence"))
            at, _, key = min(due, default=(self.clock + 1, 0, ""))
            if at > self.clock:
                return
            if key == "held":
                self.judge_held()
            elif key == "silence":
                if self.held:
                    self.judge_held()
                for machine in self.machines.values():
                    machine.silent()
                self.machines["silence"].start(self.wall, self.seen, "active")
            else:
                self.machines[key].ring()

    def _code(self, code: str) -> Machine:
        return self.machines.setdefault(
            f"fault:{code}", Machine(hold=UNKNOWN_HOLD, kind="fault", wall=self.wall, clock=self.clock)
        )

    def _rules(self, metric: str) -> list[Machine]:
        return [self.machines[f"limit:{rule.key}"] for rule in self.model.signals[metric].rules]

    def _ends(self, code: str) -> list[Machine]:
        found = [f.code for f in self.model.faults.values() if f.clear is not None and code in f.clear.by]
        return [self._code(each) for each in found]

    def _code_arrives(self, fact: Fact) -> None:
        machine = self._code(fact.name)
        unknown = fact.name not in self.model.faults
        if unknown and fact.state == "cleared" and machine.open is None:
            return
        if self.wall - fact.last > LATE or fact.last < machine.judged:
            self._hold(fact)
            return
        machine.code(fact.first, fact.last, fact.count, active=fact.state != "cleared")
        if fact.state != "cleared":
            for ended in self._ends(fact.name):
                if fact.last >= ended.judged:
                    ended.ended_by_another(fact.last)

    def _value_arrives(self, fact: Fact) -> None:
        if not self._rules(fact.name):
            return
        if self.wall - fact.last > LATE:
            newest = max((held.last for held in self.held if held.name == fact.name), default=0)
            if fact.last >= newest:
                self._hold(fact)
        elif fact.last >= self.metric_judged.get(fact.name, 0):
            self._judge_value(fact)

    def _judge_value(self, fact: Fact) -> None:
        changed = [machine.value(fact.last, fact.value) for machine in self._rules(fact.name)]
        step = fact.last if any(changed) else fact.last - fact.last % GRID
        self.metric_judged[fact.name] = max(step, self.metric_judged.get(fact.name, 0))

    def _hold(self, fact: Fact) -> None:
        if not self.held:
            self.held_clock = self.clock
        self.held.append(fact)

    def judge_held(self) -> None:
        facts, self.held = sorted(self.held, key=lambda fact: fact.last), []
        before = deepcopy(self.machines)
        horizon = dict(self.metric_judged)
        past = {
            key: Machine(hold=m.hold, kind=m.kind, limit=m.limit, late=True, wall=m.wall, clock=m.clock)
            for key, m in self.machines.items()
        }
        for machine in self.machines.values():
            machine.late = True
        for fact in facts:
            if fact.state:
                self._late_code(fact, past)
            elif fact.last >= self.metric_judged.get(fact.name, 0):
                self._judge_value(fact)
            else:
                for rule in self.model.signals[fact.name].rules:
                    past[f"limit:{rule.key}"].value(fact.last, fact.value)
        over: list[tuple[int, int]] = []
        for key, machine in past.items():
            self._leave_past(key, machine, before, horizon)
            over += machine.over
        for machine in self.machines.values():
            machine.late = False
            self._leave_group(machine)
            over += machine.over
            machine.over = []
        if over:
            self.summaries.append((len(over), min(began for began, _ in over), max(ended for _, ended in over)))

    def _leave_past(self, key: str, machine: Machine, before: dict[str, Machine], horizon: dict[str, int]) -> None:
        occurred = machine.open.occurred if machine.open is not None else 0
        newest = before[key].judged if key in before else 0
        for signal in self.model.signals.values():
            if any(f"limit:{rule.key}" == key for rule in signal.rules):
                newest = horizon.get(signal.name, 0)
        machine.pass_to(newest)
        if machine.condition == "active" and before[key].open is None:
            machine.over.append((occurred, newest))

    def _leave_group(self, machine: Machine) -> None:
        """What late facts opened and left open: is it still so now?"""
        found = machine.open
        if found is None or found.told:
            return
        machine.pass_to(self.wall + 1)
        if machine.condition != "ok":
            found.told = True
            machine.told.append(("opened", found.condition, found.occurred, found.count, True))
            if found.condition == "active":
                machine.told.append(("active", found.occurred))

    def _late_code(self, fact: Fact, past: dict[str, Machine]) -> None:
        machine, active = self._code(fact.name), fact.state != "cleared"
        old = past.setdefault(
            f"fault:{fact.name}",
            Machine(hold=machine.hold, kind="fault", late=True, wall=self.wall, clock=self.clock),
        )
        if fact.name not in self.model.faults and not active and machine.open is None:
            return
        if fact.last >= machine.judged:
            machine.code(fact.first, fact.last, fact.count, active=active)
        elif not active or machine.open is None or fact.last < machine.open.occurred:
            old.code(fact.first, fact.last, fact.count, active=active)
        else:
            machine.repeat(fact.last, fact.count)
        if active:
            for ended in self._ends(fact.name):
                key = next(key for key, each in self.machines.items() if each is ended)
                (ended if fact.last >= ended.judged else past[key]).ended_by_another(fact.last)
