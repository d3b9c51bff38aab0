"""The health facts of a message, by allow-list: the fields named here are looked at, and no other.

EQU, NDS and INV: HL7 v2.5.1, 13.4.1, 13.4.7 and 13.4.4. Results of controls: ``agent.adapters.hl7.controls``.
What the equipment spells in its own way passes only as what the catalog makes of it (``Model.codes``, ``assays``,
``controls``, ``reagents``). A fact without a usable time of its own gets the message's (MSH-7), then that of receipt,
and is uncertain then. NTE and every name, description and comment are never looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import tzinfo
from math import isfinite
from typing import Final, Literal, NamedTuple

from agent.adapters.columns import Reading
from agent.adapters.equipment_clock import is_mistaken, judge_message, uncertain_params
from agent.adapters.form import form_of
from agent.adapters.hl7 import tables, values
from agent.adapters.hl7.controls import Result, results
from agent.adapters.hl7.kinds import Kind
from agent.adapters.hl7.message import Message, Segment
from agent.adapters.values import Moment, Refused, decimal
from catalog import qc
from catalog.model import UNKNOWN_CODE, Model
from wire.items import GOOD, UNCERTAIN, Fault, StateChange

NAME: Final = "hl7"
NOTIFICATIONS: Final = "hl7.notification"
"""The catalog's table of NDS-4 codes."""
_NUMBER: Final = re.compile(r"\d{1,6}\Z", re.ASCII)
_ID: Final = re.compile(r"(?=\D*\d)[A-Za-z0-9][A-Za-z0-9._/\-]{0,31}\Z", re.ASCII)
"""Serial and lot numbers. Each has a digit and no blank: the name of a person has not."""
_PERCENT: Final = frozenset({"%", "percent", "PERCENT", "pct"})


class Extracted(NamedTuple):
    """The facts of one message.

    ``at``: the newest time in it, ms since 1970 UTC. ``timed``: whether the equipment told any time at all.
    ``refused``: counts of ``reason:what``, both of our own words. ``forms``: what the last refused code of a reason
    looked like (``agent.adapters.form``). ``received``: ms since 1970 UTC. ``right``: what MSH-7 says of the
    equipment's clock; None: nothing.
    """

    at: int
    timed: bool
    readings: tuple[Reading, ...]
    states: tuple[StateChange, ...]
    faults: tuple[Fault, ...]
    inventory: dict[str, str]
    refused: Counter[str]
    forms: dict[str, str]
    received: int
    right: bool | None

    @property
    def tell(self) -> bool:
        """Whether there is any."""
        return bool(self.readings or self.states or self.faults or self.inventory)


def read(
    message: Message, kind: Kind, *, model: Model, received: int, zone: tzinfo | None, live: bool = True
) -> Extracted:
    """The facts of a message of kind ``EQUIPMENT`` or ``CONTROL``.

    ``received``: ms since 1970 UTC. ``zone``: of the equipment's clock; None: this machine's. ``live``: the equipment
    has just sent it, so that its time of sending judges its clock. Never raises.
    """
    reader = _Reader(message, model=model, received=received, zone=zone, live=live)
    if kind is Kind.CONTROL:
        for result in results(message):
            reader.control(result)
    else:
        for segment in message.named("EQU"):
            reader.equipment(segment)
        if message.type == "EAN":
            for segment in message.named("NDS"):
                reader.notification(segment)
        if message.type == "INU":
            reader.supplies(message)
    return reader.extracted()


_RANKS: Final = {code: rank for rank, code in enumerate(tables.SUBSTANCE)}


class _Supply:
    """What is on board of one reagent: of each type (R1, R2) what is left and what was there at first, and the status
    of its best bottle."""

    def __init__(self) -> None:
        self.amounts: dict[str, tuple[float, float]] = {}
        self.statuses: dict[str, str] = {}
        self.expires = ""
        self.lot = ""

    def add(self, type_: str, left: float, initial: float) -> None:
        had = self.amounts.get(type_, (0.0, 0.0))
        self.amounts[type_] = had[0] + left, had[1] + initial

    def rate(self, type_: str, code: str) -> None:
        self.statuses[type_] = min(code, self.statuses.get(type_, code), key=_RANKS.__getitem__)

    @property
    def status(self) -> str:
        """Of the type that is worst off."""
        return tables.SUBSTANCE[max(self.statuses.values(), key=_RANKS.__getitem__)]

    @property
    def percent(self) -> float:
        """Of the type of which least is left: without it no test runs."""
        return min(100 * left / initial for left, initial in self.amounts.values())


class _Reader:
    """Takes facts out of segments and counts what is none."""

    def __init__(self, message: Message, *, model: Model, received: int, zone: tzinfo | None, live: bool) -> None:
        self._model = model
        self._received = received
        self._zone = zone
        self._refused: Counter[str] = Counter()
        self._forms: dict[str, str] = {}
        self._readings: list[Reading] = []
        self._states: list[StateChange] = []
        self._faults: list[Fault] = []
        self._inventory: dict[str, str] = {}
        self._timed = False
        self._header, self._right = self._judge(message.header) if live else (None, None)
        self._sent = self._time(message.header, 7) or Moment(received, certain=False)
        self._newest = 0

    def extracted(self) -> Extracted:
        at = self._newest or self._sent.at
        found = tuple(self._readings), tuple(self._states), tuple(self._faults)
        told = self._inventory, self._refused, self._forms
        return Extracted(at, self._timed, *found, *told, self._received, self._right)

    def equipment(self, segment: Segment) -> None:
        """EQU: what it is doing, who controls it, how worried it is."""
        at = self._moment(segment, 2).at
        # An EI is an identifier and who gave it. Analyzers write their model and then the serial number.
        told = [part for part in (segment.text(1, 2), segment.text(1)) if part]
        serial = next(filter(_ID.match, told), None)
        if serial is not None:
            self._inventory["device.serial"] = serial
        elif told:
            self._refused["malformed:device.serial"] += 1
        for number, (name, table) in zip((3, 4, 5), tables.STATES.items(), strict=True):
            code = segment.text(number).upper()
            if code in table:
                self._states.append(StateChange(at=at, name=name, value=table[code]))
            elif code not in ("", tables.NO_CHANGE):
                self._refuse(f"unknown-state:{name}", code)

    def notification(self, segment: Segment) -> None:
        """NDS: the code through the catalog's table; a severity of N says that the condition is over."""
        moment = self._moment(segment, 2)
        raw = segment.text(4)
        known = self._model.codes.get(NOTIFICATIONS, {})
        code = known.get(raw, known.get(raw.lstrip("0")))  # some fill a number up with zeros
        params = uncertain_params(moment.certain)
        if code == "":
            return
        if code is None and _NUMBER.match(raw):
            code, params = UNKNOWN_CODE, params | {"code": float(raw)}
        if code is None:
            self._refuse("unknown-code", raw)
            return
        over = segment.text(3).upper() == "N"
        state: Literal["cleared", "event"] = "cleared" if over else "event"
        self._faults.append(Fault(at=moment.at, code=code, state=state, source=NAME, params=params))

    def supplies(self, message: Message) -> None:
        """INV: of each reagent its status, what is left in % of what was there at first, and lot and expiry of the next
        to expire."""
        equipment = next(message.named("EQU"), None)
        moment = self._sent if equipment is None else self._moment(equipment, 2)
        found: dict[str, _Supply] = {}
        for segment in message.named("INV"):
            key = self._model.reagents.get(segment.text(1))
            if key is None:
                self._refuse("unknown-reagent", segment.text(1))
            else:
                self._supply(segment, key, found.setdefault(key, _Supply()))
        for key, supply in found.items():
            if supply.amounts:
                self._add(moment, f"reagent.{key}.remaining", supply.percent, "%")
            if supply.statuses:
                self._states.append(StateChange(at=moment.at, name=f"reagent.{key}.status", value=supply.status))
            if supply.expires:
                self._inventory[f"reagent.{key}.expires"] = supply.expires
            if supply.lot:
                self._inventory[f"reagent.{key}.lot"] = supply.lot

    def _supply(self, segment: Segment, key: str, supply: _Supply) -> None:
        what = f"reagent.{key}"
        type_, status = segment.text(3), segment.text(2).upper()
        if status in tables.SUBSTANCE:
            supply.rate(type_, status)
        elif status:
            self._refuse(f"unknown-state:{what}", status)
        left = self._number(segment.text(9), what)
        left = self._number(segment.text(8), what) if left is None else left
        initial = 100.0 if segment.text(11) in _PERCENT else self._number(segment.text(7), what)
        if left is not None and initial is not None:
            if left < 0 or initial <= 0:
                self._refused[f"implausible:{what}"] += 1
            else:
                supply.add(type_, left, initial)
        expires, lot = self._expiry(segment.text(12), what), self._lot(segment.text(16), what)
        first = not supply.expires and not supply.lot
        if first or (expires and expires < (supply.expires or "9")):
            supply.expires, supply.lot = expires, lot

    def control(self, result: Result) -> None:
        """A control's value in the assay's unit, its distance from the target in deviations, the control's lot."""
        assay = next((known for test in result.tests if (known := self._model.assays.get(test)) is not None), None)
        if assay is None:
            self._refuse("unknown-assay", next(iter(result.tests), ""))
            return
        control = next((key for name in result.controls if (key := self._control(name))), None)
        if control is None:
            self._refuse("unknown-control", next(iter(result.controls), ""))
            return
        what = f"qc.{assay.key}"
        if not result.exists:
            self._refused[f"no-result:{what}"] += 1
            return
        value = self._number(result.value, what)
        if value is None:
            return
        moment = self._first(result.times)
        target, deviation = self._number(result.target, what), self._number(result.deviation, what)
        if target is not None and deviation is not None and deviation > 0:
            self._add(moment, qc.name(assay.key, control, "z"), (value - target) / deviation, "1")
        factor = next((assay.units[unit] for unit in result.units if unit in assay.units), None)
        if factor is None:
            self._refuse(f"wrong-unit:{what}", next(filter(None, result.units), ""))
        else:
            self._add(moment, qc.name(assay.key, control, "value"), value * factor, assay.unit)
        name = f"control.{control}"
        told = {"expires": self._expiry(result.expires, name), "lot": self._lot(result.lot, name)}
        self._inventory |= {f"{name}.{field}": text for field, text in told.items() if text}

    def _control(self, name: str) -> str:
        """The key of a control; its id may go on with a lot, cut off at ``-`` and ``/`` until it is known."""
        key = self._model.controls.get(name, "")
        while not key and len(name := name[: max(name.rfind("-"), name.rfind("/"), 0)]) > 1:
            key = self._model.controls.get(name, "")
        return key

    def _refuse(self, reason: str, code: str) -> None:
        self._refused[reason] += 1
        if code:
            self._forms[reason] = form_of(code)

    def _add(self, moment: Moment, metric: str, value: float, unit: str) -> None:
        if isfinite(value):
            self._readings.append(Reading(moment.at, metric, value, unit, GOOD if moment.certain else UNCERTAIN))

    def _number(self, text: str, what: str) -> float | None:
        try:
            return decimal(text) if text else None
        except Refused as refused:
            self._refused[f"{refused.reason}:{what}"] += 1
            return None

    def _expiry(self, text: str, what: str) -> str:
        """A day as an ISO date; "" where there is none."""
        try:
            return values.day(text).isoformat() if text else ""
        except Refused as refused:
            self._refused[f"{refused.reason}:{what}.expires"] += 1
            return ""

    def _lot(self, text: str, what: str) -> str:
        if text and not _ID.match(text):
            self._refuse(f"malformed:{what}.lot", text)
            return ""
        return text

    def _moment(self, segment: Segment, number: int) -> Moment:
        return self._first(((segment, number),))

    def _first(self, times: Iterable[tuple[Segment, int]]) -> Moment:
        """The first usable time of these fields, else the message's."""
        moment = next((found for segment, number in times if (found := self._time(segment, number))), self._sent)
        self._newest = max(self._newest, moment.at)
        return moment

    def _time(self, segment: Segment, number: int) -> Moment | None:
        text = segment.text(number)
        if not text:
            return None
        try:
            moment = values.date_time(text, self._zone)
        except Refused as refused:
            self._refused[f"{refused.reason}:time"] += 1
            return None
        self._timed = True
        if is_mistaken(moment.at, self._header, self._right, received=self._received):
            self._refused["implausible:time"] += 1
            return None
        return moment

    def _judge(self, header: Segment) -> tuple[int | None, bool | None]:
        """MSH-7 in ms since 1970 UTC, and what it says of the equipment's clock."""
        try:
            sent = values.date_time(header.text(7), self._zone).at
        except Refused as refused:
            return None, False if refused.reason == "implausible" else None
        return sent, judge_message(sent, received=self._received)
