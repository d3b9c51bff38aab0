"""Bodies of reports for load: encoded once, with the time put in when they are sent.

Values are calm: inside their signal's range and away from its limits, so that only a fault that was asked for opens a
ticket.
"""

import random
from typing import Final

from msgspec import Struct

from catalog.model import Model, Signal
from wire.codec import JSON, encode_report
from wire.items import Birth, Fault, Readings
from wire.report import Report
from wire.topics import Lane

VARIANTS: Final = 64
_PLACE: Final = 1_111_111_111_111
"""Stands for the time: 13 digits in JSON, 9 bytes in MessagePack, as any time between 2001 and 2286 does."""
_EARLIEST: Final = 1_000_000_000_000
_LATEST: Final = 10_000_000_000_000
_WIDE: Final = 1000.0
"""Ranges that only bound the possible are narrowed to this: counters and bytes."""


class Template(Struct, frozen=True, kw_only=True):
    """A body in pieces, between which the time belongs."""

    pieces: tuple[bytes, ...]
    json: bool

    def body(self, at: int) -> bytes:
        """The body of a report made `at` (ms since 1970 UTC; 13 digits)."""
        if not _EARLIEST <= at < _LATEST:
            raise ValueError("a time that doesn't fit the template")
        return (b"%d" % at if self.json else _packed(at)).join(self.pieces)


def _packed(at: int) -> bytes:
    return b"\xcf" + at.to_bytes(8, "big")  # MessagePack's uint 64


def reading_templates(
    model: Model, *, lane: Lane, readings: int, content_type: str, seed: int, variants: int = VARIANTS
) -> list[Template]:
    """Reports of `readings` readings of the model's signals in `lane`; where they are more than it has signals, they
    repeat with earlier times. Raises ValueError when the model has no signal in that lane."""
    signals = [signal for signal in model.signals.values() if signal.lane is lane]
    if not signals:
        raise ValueError(f"{model.key} has no signal in lane {lane.value}")
    dice = random.Random(f"{seed}/bodies")
    templates = []
    for variant in range(variants):
        first = variant * readings
        chosen = [signals[(first + row) % len(signals)] for row in range(readings)]
        item = Readings(
            at=_PLACE,
            metric=[signal.name for signal in chosen],
            value=[calm(signal, dice.random()) for signal in chosen],
            dt=[-(row // len(signals)) for row in range(readings)] if readings > len(signals) else None,
        )
        templates.append(_template(Report(at=_PLACE, items=[item]), content_type))
    return templates


def _template(report: Report, content_type: str) -> Template:
    json = content_type == JSON
    place = b"%d" % _PLACE if json else _packed(_PLACE)
    return Template(pieces=tuple(encode_report(report, content_type).split(place)), json=json)


def calm(signal: Signal, share: float) -> float:
    """A value of `signal` away from its limits; `share` (0..1) chooses it."""
    low, high = signal.min, signal.max
    for rule in signal.rules:
        if rule.op == "above":
            high = min(high, rule.clear)
        else:
            low = max(low, rule.clear)
    if high - low > _WIDE:
        low = max(low, min(0.0, high - _WIDE))
        high = min(high, low + _WIDE)
    return round(low + (0.1 + 0.8 * share) * (high - low), 3)


def fault_body(*, code: str, state: str, at: int, content_type: str) -> bytes:
    """The body of a report that a fault begins, ends or was."""
    match state:
        case "active" | "cleared" | "event":
            return encode_report(Report(at=at, items=[Fault(at=at, code=code, state=state)]), content_type)
        case _:
            raise ValueError("a fault is active, cleared or an event")


def birth_body(*, model: Model, at: int, content_type: str, interval_s: float) -> bytes:
    """The body of a birth."""
    item = Birth(at=at, boot=1, agent="steth-sim/0.1.0", model=model.key, interval_s=interval_s)
    return encode_report(Report(at=at, items=[item]), content_type)
