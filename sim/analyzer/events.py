"""What happens in the life of a simulated analyzer, in order. Times are aware datetimes on the life's own clock."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from sim.course import NoticeState

State = Literal["PU", "ID", "OP", "PA", "PD"]
"""Equipment state of HL7 table 0365: powering up, idle, in operation, pausing, powered down."""
Level = Literal["N", "W", "S", "C"]
"""Alert level of HL7 table 0367: normal, warning, serious, critical."""

Flag = Literal["N", "H", "L"]
"""Of a result: within its usual range, above or below."""


class Result(Struct, frozen=True, kw_only=True):
    """One test of a patient's sample. Whatever is in it stays in the equipment's own messages."""

    test: str
    value: float
    unit: str
    flag: Flag
    readings: tuple[int, ...]
    """Raw readings of the photometer, its counts; the first one is taken before the sample is in."""


class Sample(Struct, frozen=True, kw_only=True):
    """A patient's sample is done."""

    at: datetime
    patient: int
    codes: tuple[str, ...]
    """Fault codes of the catalog that the analyzer hangs on it."""
    results: tuple[Result, ...]


class ControlResult(Struct, frozen=True, kw_only=True):
    """One test of a control, with what is expected of it."""

    test: str
    value: float
    target: float
    deviation: float
    unit: str
    codes: tuple[str, ...]


class Control(Struct, frozen=True, kw_only=True):
    """A run of one control is done. `level`: 1 or 2."""

    at: datetime
    level: int
    results: tuple[ControlResult, ...]


class Measured(Struct, frozen=True, kw_only=True):
    """What the analyzer measures of itself: the catalog's signals, in their units."""

    at: datetime
    values: tuple[tuple[str, float], ...]


class Notice(Struct, frozen=True, kw_only=True):
    """A fault code of the catalog: it begins (active), ends (cleared) or is momentary (event)."""

    at: datetime
    code: str
    state: NoticeState
    words: str
    level: Level
    """Of the notice; N when it ends."""


class Condition(Struct, frozen=True, kw_only=True):
    """What it is doing, and how worried it is."""

    at: datetime
    state: State
    level: Level


class Supply(Struct, frozen=True, kw_only=True):
    """One reagent on board."""

    substance: str
    """As the equipment spells it."""
    tests: int
    """In a full bottle."""
    left: int
    lot: str
    expires: date
    on_board_until: datetime


class Stock(Struct, frozen=True, kw_only=True):
    """All reagents on board."""

    at: datetime
    supplies: tuple[Supply, ...]


Event = Sample | Control | Measured | Notice | Condition | Stock
