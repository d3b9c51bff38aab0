"""`ingest20` and `ingest1`: the whole way of reports against peers and against what bounds it, in turns."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import msgspec

from bench.ground import Ground
from bench.report import Aim, Result, Table, number
from bench.run import Run
from bench.trial import STETH, Sample, Shape, Subject, measure

BATCH: Final = 2_000
"""Messages of one transaction of the limit, as ingest writes them under load."""
PAHO: Final = Subject(name="paho, INSERT a row", kind="paho")
POOL: Final = Subject(name="pool writer, INSERT a message", kind="pool", options={"writers": 8})
MEMORY: Final = Subject(
    name="COPY + marks from memory", kind="memory", needs_broker=False, options={"batch": BATCH, "writers": 1}
)
MEMORY2: Final = Subject(
    name="same, 2 connections", kind="memory", needs_broker=False, options={"batch": BATCH, "writers": 2}
)
PUBACK: Final = Subject(name="subscriber that only PUBACKs", kind="puback")


class Turns(msgspec.Struct, kw_only=True):
    """All samples of all subjects, in the order measured."""

    shape: Shape
    samples: dict[str, list[Sample]]

    def rate(self, subject: Subject) -> float:
        """Median messages a second."""
        return median(sample.rate for sample in self.samples[subject.name])

    def ratio(self, subject: Subject, to: Subject) -> float:
        """Of the medians."""
        return self.rate(subject) / self.rate(to)


def take_turns(made: Ground, subjects: Sequence[Subject], shape: Shape, *, rounds: int, slow_s: float) -> Turns:
    """A B C, A B C, … so that what else the machine does falls on all of them. `slow_s`: those that can't get through
    the load in time are measured over so long."""
    turns = Turns(shape=shape, samples={subject.name: [] for subject in subjects})
    for turn in range(rounds):
        for subject in subjects:
            slow = subject in (PAHO, POOL)
            its = msgspec.structs.replace(shape, seconds=slow_s, messages=shape.messages // 4) if slow else shape
            sample = measure(made, subject, its)
            turns.samples[subject.name].append(sample)
            print(f"  round {turn + 1}: {subject.name}: {number(sample.rate)} messages/s", flush=True)
    return turns


def _table(turns: Turns, subjects: Sequence[Subject]) -> Table:
    rows: list[tuple[str, ...]] = []
    for subject in subjects:
        samples = turns.samples[subject.name]
        rates = [sample.rate for sample in samples]
        cpu = {
            name: median(sample.cpu.get(name, 0.0) / sample.messages * 1e6 for sample in samples)
            for name in ("broker", "subject", "database")
        }
        rows.append(
            (
                subject.name,
                number(median(rates)),
                number(median(rates) * turns.shape.readings),
                f"{number(min(rates))} – {number(max(rates))}",
                *(number(value) if subject.needs_broker or name != "broker" else "–" for name, value in cpu.items()),
            )
        )
    return Table(
        title=f"{turns.shape.readings} reading(s) a message; medians of {len(turns.samples[STETH.name])} round(s);"
        " µs of CPU a message by process",
        head=("subject", "messages/s", "readings/s", "messages/s, min – max", "broker", "python", "postgres"),
        rows=rows,
    )


def _where(sample: Sample) -> tuple[Table, str]:
    """The breakdown of one run with stopwatches."""
    stages: dict[str, dict[str, float]] = sample.said["stages"]
    total = sum(stage["python"] for stage in stages.values())
    rows: list[tuple[str, ...]] = [
        (name, number(stage["python"]), f"{stage['python'] / total:.0%}", number(stage["waiting"]))
        for name, stage in stages.items()
    ]
    rows.append(("all", number(total), "", ""))
    table = Table(
        title="Where the time goes: µs a message in a further run with stopwatches, which cost some themselves",
        head=("stage", "python computes", "share", "is suspended"),
        rows=rows,
    )
    note = (
        f"That run: {number(sample.rate)} messages/s, {sample.said['messages_a_batch']} messages a transaction; "
        + ", ".join(f"{name} {seconds / sample.seconds:.0%}" for name, seconds in sample.cpu.items())
        + " of a core."
    )
    return table, note


def _result(name: str, turns: Turns, subjects: Sequence[Subject], aims: list[Aim], made: Ground) -> Result:
    profile = measure(made, STETH, turns.shape, profile=True)
    where, note = _where(profile)
    data: dict[str, Any] = {
        "shape": msgspec.to_builtins(turns.shape),
        "rounds": msgspec.to_builtins(turns.samples),
        "profile": msgspec.to_builtins(profile),
    }
    return Result(name=name, tables=[_table(turns, subjects), where], aims=aims, notes=[note], data=data)


def ingest20(run: Run) -> Result:
    """20 readings a message, waiting in the broker."""
    shape = Shape(readings=20, messages=30_000 if run.quick else 120_000, seconds=60)
    subjects = [STETH, PAHO, POOL, MEMORY, MEMORY2]
    turns = take_turns(run.made, subjects, shape, rounds=1 if run.quick else 3, slow_s=3 if run.quick else 8)
    run.rates[20] = turns.rate(STETH)
    aims = [
        Aim(what="× paho with one INSERT a row (one commit a message)", value=turns.ratio(STETH, PAHO), target=40),
        Aim(what="× a pool writer with one INSERT a message", value=turns.ratio(STETH, POOL), target=5),
        Aim(what="of COPY + marks from memory, one connection", value=turns.ratio(STETH, MEMORY), target=0.7),
    ]
    return _result("ingest20", turns, subjects, aims, run.made)


def ingest1(run: Run) -> Result:
    """One reading a message, published while it is consumed."""
    shape = Shape(readings=1, messages=40_000 if run.quick else 160_000, seconds=60, stream=True)
    subjects = [STETH, PUBACK, MEMORY, MEMORY2]
    turns = take_turns(run.made, subjects, shape, rounds=1 if run.quick else 3, slow_s=60)
    limit = min((PUBACK, MEMORY), key=turns.rate)
    aims = [Aim(what=f"of the smaller limit ({limit.name})", value=turns.ratio(STETH, limit), target=0.7)]
    return _result("ingest1", turns, subjects, aims, run.made)
