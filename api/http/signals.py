"""How a signal is said: its name, unit, digits, and the words of its values where it says one of several things."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from api.http.language import Reader
from api.http.shapes import Shape
from catalog.model import Model, Signal
from catalog.quantity import digits_of, symbol_of


class SignalState(Shape):
    """One of the things that a signal says."""

    value: int
    text: str


class SignalSaid(Shape):
    """What it takes to write a value of a signal."""

    name: str
    symbol: Annotated[str, Field(description="What stands behind the number, in the reader's language: °C, 小时, 次.")]
    digits: Annotated[
        int | None,
        Field(description="Decimals; more where a value would else read as the limit beside it. null: as it comes."),
    ]
    states: Annotated[
        list[SignalState], Field(description="The words of each value: draw a strip. None: it is a quantity.")
    ]


def said_of(words: Reader, signal: Signal | None, metric: str, unit: str) -> dict[str, Any]:
    """The fields of `SignalSaid`. `unit`: in which it came (UCUM)."""
    own = signal if signal is not None and signal.unit == unit else None
    return {
        "name": words.text(None if signal is None else signal.title, metric),
        "symbol": symbol_of(own, unit, words.lang),
        "digits": digits_of(own, unit),
        "states": [] if own is None else [{"value": v, "text": text.get(words.lang)} for v, text in own.states.items()],
    }


def fitting(model: Model | None, family: str, subjects: Iterable[str]) -> list[str]:
    """The signals that show a fault, the most telling first: those that broke a limit (`subjects`), then what the
    catalog says of its family. None: no signal does, and what the device told is the evidence."""
    if model is None:
        return []
    known = model.families.get(family)
    judged = [subject for subject in subjects if subject in model.signals]
    return list(dict.fromkeys([*judged, *(() if known is None else known.evidence)]))
