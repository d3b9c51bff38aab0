"""A device that reports, in few words: times are seconds after `T0`, on the server's clock and the partition's."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from alerts.effects import EpisodeActive, EpisodeChanged, EpisodeOpened
from alerts.engine import AlertEngine
from alerts.state import State
from catalog.model import Clear, FaultCode, FaultFamily, LimitRule, Model, Severity, Signal, Silence, Text
from ingest.ports import Applied, Device, Effect, Now, Presence
from wire.ids import DeviceId, Epoch
from wire.items import Birth, Fault, Heartbeat, Item, Quality, Readings
from wire.report import Numbers, Report
from wire.topics import Lane

T0 = 1_795_312_800_000  # 2026-11-22 02:00 UTC
CLOCK0 = 50_000
"""The partition's clock at T0."""
WORDS = Text(zh="词", en="words")
E = TypeVar("E", bound=Effect)


def limit(
    key: str,
    op: Literal["above", "below"] = "above",
    *,
    raise_at: float = 42.0,
    clear: float = 39.0,
    for_s: float = 0.0,
    ticket: bool = True,
) -> LimitRule:
    return LimitRule(
        key=key,
        title=WORDS,
        op=op,
        raise_at=raise_at,
        clear=clear,
        for_s=for_s,
        severity="major",
        family="heat",
        ticket=ticket,
        advice=WORDS,
        runbook="host-health",
    )


def signal(name: str, *rules: LimitRule, unit: str = "Cel", stands: float | None = None) -> Signal:
    return Signal(
        name=name,
        unit=unit,
        title=WORDS,
        source="none",
        cadence=60.0,
        lane=Lane.LIVE,
        min=-1e9,
        max=1e9,
        stands=stands,
        rules=rules,
    )


def code(name: str, *, clear: Clear | None = None, ticket: bool = True, severity: Severity = "critical") -> FaultCode:
    return FaultCode(
        code=name,
        family="heat",
        severity=severity,
        name=WORDS,
        stops=WORDS,
        advice=WORDS,
        causes=(),
        parts=(),
        ticket=ticket,
        runbook=None,
        clear=clear,
        source="none",
    )


def model(
    *, signals: Sequence[Signal] = (), faults: Sequence[FaultCode] = (), silence_s: float | None = 180.0
) -> Model:
    return Model(
        key="dr",
        kind="dr",
        name=WORDS,
        extends=(),
        families={"heat": FaultFamily(key="heat", name=WORDS, subsystem="x", causes=(), parts=())},
        signals={each.name: each for each in signals},
        faults={each.code: each for each in faults},
        silence=None
        if silence_s is None
        else Silence(after_s=silence_s, severity="major", family="link", ticket=True, advice=WORDS),
        log_patterns=(),
        runbooks=(),
    )


MODEL = model(
    signals=[
        signal("temp", limit("hot", for_s=300.0)),
        signal("load", limit("busy", raise_at=90.0, clear=80.0)),
        signal("volt", limit("low", "below", raise_at=10.0, clear=11.0), limit("high", raise_at=14.0, clear=13.0)),
        signal("calm", limit("still", for_s=120.0), stands=600.0),
        signal("plain"),
    ],
    faults=[
        code("E1"),
        code("E2", clear=Clear(by=("OK2",))),
        code("OK2", ticket=False, clear=Clear(after_s=1.0)),
        code("E3", clear=Clear(after_s=60.0)),
    ],
)
DEVICE = Device(id=7, uid=DeviceId("d7"), org_id=1, site_id=1, partition=3, model="dr", name="DR 1")


def ms(seconds: float) -> int:
    return T0 + round(seconds * 1000)


def temp(value: float, at: float, *, quality: Quality | None = None, unit: str | None = None) -> Readings:
    return reading("temp", value, at, quality=quality, unit=unit)


def reading(
    metric: str, value: float, at: float, *, quality: Quality | None = None, unit: str | None = None
) -> Readings:
    return Readings(
        at=ms(at),
        metric=[metric],
        value=[value],
        quality=None if quality is None else [quality],
        unit=None if unit is None else [unit],
    )


def fault(
    name: str,
    at: float,
    state: Literal["active", "cleared", "event"] = "active",
    *,
    count: int = 1,
    first: float | None = None,
    last: float | None = None,
) -> Fault:
    return Fault(
        at=ms(at),
        code=name,
        state=state,
        count=count,
        first=None if first is None else ms(first),
        last=None if last is None else ms(last),
    )


def beat(at: float) -> Heartbeat:
    return Heartbeat(at=ms(at))


def birth(at: float, *, interval_s: float = 30.0) -> Birth:
    return Birth(at=ms(at), boot=1, agent="1.0", model="dr", interval_s=interval_s)


class Reporting:
    """One device in one lane, whose state lives as ingest would keep it: packed and unpacked on every change."""

    def __init__(
        self, of: Model = MODEL, *, lane: Lane = Lane.LIVE, device: Device = DEVICE, seen: bool = True
    ) -> None:
        self.engine = AlertEngine(models={of.key: of})
        self.lane = lane
        self.device = device
        self.state: State = self.engine.fresh(device, lane)
        self.presence = Presence(interval_s=30.0)
        if seen:
            self.hear(0)
        self.effects: list[Effect] = []
        self.urgent = False

    def hear(self, at: float, clock: float | None = None) -> None:
        self.presence.seen_ms = ms(at)
        self.presence.seen_clock_ms = CLOCK0 + round((at if clock is None else clock) * 1000)

    def report(
        self,
        at: float,
        *items: Item,
        caught_up: bool = True,
        offset_s: float | None = 0.0,
        clock: float | None = None,
        gap: int = 0,
    ) -> list[Effect]:
        """A report that arrives at ``at`` with items of their own times, after ``gap`` that are lost."""
        self.hear(at, clock)
        return self._step([_applied(at, items, caught_up=caught_up, offset_s=offset_s, gap=gap)], at, clock)

    def batch(
        self,
        at: float,
        *reports: tuple[float, Sequence[Item]],
        clock: float | None = None,
        caught_up: Callable[[float], bool] = lambda arrived: True,
    ) -> list[Effect]:
        """Reports and when each arrived, judged together at ``at``."""
        self.hear(reports[-1][0], clock)
        return self._step(
            [_applied(arrived, items, caught_up=caught_up(arrived)) for arrived, items in reports], at, clock
        )

    def apply(self, at: float, one: Applied) -> list[Effect]:
        """What another lane handed over."""
        return self._step([one], at, None)

    def tick(self, at: float, clock: float | None = None) -> list[Effect]:
        """Time passes; ``clock``: the partition's, where it differs."""
        return self._step([], at, clock)

    def due(self) -> float | None:
        """Seconds of the partition's clock at which a tick must come."""
        due = self.engine.due(self.state, self.presence)
        return None if due is None else (due - CLOCK0) / 1000

    def _step(self, applied: list[Applied], at: float, clock: float | None) -> list[Effect]:
        now = Now(wall_ms=ms(at), clock_ms=CLOCK0 + round((at if clock is None else clock) * 1000))
        before, packed = self.state, self.engine.pack(self.state)
        after, effects = self.engine.step(self.device, self.lane, before, self.presence, applied, now)
        assert self.engine.pack(before) == packed, "a state was changed in place"
        assert not (effects and after is before), "effects without a changed state would come again"
        self.urgent = self.engine.urgent(before, after)
        if after is not before:
            after = self.engine.unpack(self.device, self.lane, self.engine.pack(after))
        self.state = after
        self.effects += effects
        return effects


def _applied(
    at: float, items: Sequence[Item], *, caught_up: bool = True, offset_s: float | None = 0.0, gap: int = 0
) -> Applied:
    offset_ms = None if offset_s is None else round(offset_s * 1000)
    numbers = Numbers(epoch=Epoch("e" * 16), seq=1, floor=1, head=1 if caught_up else 9, offset_ms=offset_ms)
    return Applied(
        report=Report(at=ms(at), items=list(items)),
        numbers=None if isinstance(items[0], Birth) else numbers,
        received_ms=ms(at),
        offset_ms=offset_ms or 0,
        caught_up=caught_up,
        gap=gap,
    )


def only(kind: type[E], effects: Sequence[Effect]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def opened(effects: Sequence[Effect]) -> list[tuple[str, str]]:
    return [(effect.rule, effect.condition) for effect in only(EpisodeOpened, effects)]


def moves(effects: Sequence[Effect]) -> list[tuple[str, str, str]]:
    return [(e.event, e.from_state, e.to_state) for e in only(EpisodeChanged, effects)]


def tickets(effects: Sequence[Effect]) -> list[str]:
    return [effect.rule for effect in only(EpisodeActive, effects) if effect.ticket]
