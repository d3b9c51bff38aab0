r"""The health facts of a message, by allow-list: the fields named here are looked at, and no other.

Of CLSI LIS02-A2 (ASTM E1394-97), by record, field numbers as there:

- H: the version and the serial number in H-5 (sender), H-14 (time).
- O: whether it is a control (O-12 action code, O-16 specimen descriptor, and where Roche and Indiko write them), and
  then O-3 (which control); O-23 (time of the results).
- R: R-8 where it is a number (Roche's flags), R-12 and R-13 (times). Of a control also R-3 (test), R-4 (value),
  R-5 (unit), R-6 (target and deviation), R-9 (status). Never R-7: a result beyond its range is the patient's business.
- C: C-3 (source), C-4's first component where it is a code, C-5 (type). Never the text.
- M: ``SIG`` records, and the first reading of Roche's ``RR`` records.
- Q: that it is one. P, S, L and every other record: nothing.

What the equipment spells in its own way passes only as what the catalog makes of it (``Model.codes``, ``assays``,
``controls``, ``signals``). A fact without a time of its own gets its order's or its message's, then that of receipt,
and is uncertain then.

Decided where makers differ:

- A C record of type I (instrument flag) is looked up among flags, then among comments; a number that neither knows is
  ``UNKNOWN-CODE``. One of type G or of none may be free text of the staff: Roche's is, and has five components. Another
  is looked up among comments, and a number that they don't know counts only with a text behind it, of a model that
  tells all its codes in comments (Indiko).
- ``M|n|SIG|<signal>|<value>|<unit>|<time>`` tells any signal of the model but the agent's own and quality control.
- Roche's ``M|n|RR^…|<first reading>|<readings>|<result>``: the first reading is taken before any sample is in; the
  others are a patient's reaction.
- R-6 of a control as ``<target>^TARGET\<deviation>^SD`` (LIS02-A2 9.1.6 gives each range a description); plain ranges
  are no target.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from math import isfinite
from typing import Final, NamedTuple

from msgspec.structs import replace

from agent.adapters.astm import values
from agent.adapters.astm.records import Record, records
from agent.adapters.columns import Reading
from agent.adapters.equipment_clock import is_mistaken, judge_message, uncertain_params
from agent.adapters.form import form_of
from agent.adapters.values import Moment, Refused, decimal
from catalog import qc
from catalog.model import UNKNOWN_CODE, Assay, Model
from wire.items import GOOD, UNCERTAIN, Fault

NAME: Final = "astm"
BASELINE: Final = "photometer.baseline"
MAX_FACTS: Final = 5_000
"""Of one message. The longest real ones tell of some hundred tests."""

_NUMBER: Final = re.compile(r"\d{1,6}\Z", re.ASCII)
_VERSION: Final = re.compile(r"\d{1,3}(\.\d{1,5}){1,3}\Z", re.ASCII)
_SERIAL: Final = re.compile(r"\d{3,10}\Z", re.ASCII)
_CONTROL_WORDS: Final = frozenset({"Q", "QC", "CONTROL"})
_NOT_OURS: Final = ("host.", "qc.")
_NO_RESULT: Final = frozenset({"X", "R"})
"""R-9: can't be done; transmitted before."""


class Extracted(NamedTuple):
    """The facts of one message.

    ``at``: the message's own time, ms since 1970 UTC. ``timed``: whether its header tells a time to the minute.
    ``dated``: whether a record behind it does. ``query``: whether it asks a host for orders. ``about``: what it is
    about where it tells no fact: ``patient-results``, ``query``, ``no-facts``, or nothing, of a mere end.
    ``refused``: counts of ``reason`` or ``reason:what``, all our own words. ``forms``: of some reasons what the last
    one refused looked like, by ``agent.adapters.form.form_of``.
    """

    at: int
    timed: bool
    dated: bool
    query: bool
    about: str
    readings: tuple[Reading, ...]
    faults: tuple[Fault, ...]
    inventory: dict[str, str]
    refused: Counter[str]
    forms: dict[str, str]
    right: bool | None


def read(
    found: Sequence[bytes],
    *,
    model: Model,
    received: int,
    zone: tzinfo | None,
    encoding: str,
    told: int = 0,
    live: bool = True,
) -> Extracted:
    """The facts of a message's records.

    ``received``: ms since 1970 UTC. ``zone``: of the equipment's clock; None: this machine's. ``encoding``: of texts.
    ``told``: how many records, from the first, only say what the others belong to. ``live``: the equipment has just
    sent it, so that its time of sending judges its clock.
    Raises ``AdapterError`` and nothing else, for a header that declares no delimiters.
    """
    reader = _Reader(model=model, received=received, zone=zone, live=live)
    for at, record in enumerate(records(found, encoding)):
        if at == told:
            reader.forget()
        reader.take(record)
    if len(found) <= told:
        reader.forget()
    return reader.extracted()


class _Reader:
    """Takes facts out of records in their order and counts what is none."""

    def __init__(self, *, model: Model, received: int, zone: tzinfo | None, live: bool) -> None:
        self._model = model
        self._received = received
        self._zone = zone
        self._inventory: dict[str, str] = {}
        self._timed = False
        self._live = live
        self._told: int | None = None
        """The header's own time, whether it is believed or not."""
        self._right: bool | None = None
        self._sent: Moment | None = None
        self._ordered: Moment | None = None
        self._resulted: Moment | None = None
        self._dated = False
        self._control: str | None = None
        """Key of the control that is being told of; "": a control the catalog doesn't know; None: a patient."""
        self.forget()

    def forget(self) -> None:
        """The facts so far are told already; what they belong to holds on."""
        self._refused: Counter[str] = Counter()
        self._forms: dict[str, str] = {}
        self._readings: list[Reading] = []
        self._faults: dict[tuple[str, float | None], Fault] = {}
        self._kinds: set[str] = set()

    def extracted(self) -> Extracted:
        sent = self._sent or Moment(self._received, certain=False)
        return Extracted(
            at=sent.at,
            timed=self._timed,
            dated=self._dated,
            query="Q" in self._kinds,
            about=self._about(),
            readings=tuple(self._readings),
            faults=tuple(self._faults.values()),
            inventory=self._inventory,
            refused=self._refused,
            forms=self._forms,
            right=self._right,
        )

    def _about(self) -> str:
        if not self._kinds.isdisjoint("PORS"):
            return "patient-results"
        if "Q" in self._kinds:
            return "query"
        return "no-facts" if self._kinds - {"L"} else ""

    def _refuse(self, reason: str, looked_like: str) -> None:
        self._refused[reason] += 1
        self._forms[reason] = form_of(looked_like)

    def take(self, record: Record) -> None:
        """The next record."""
        self._kinds.add(record.kind)
        match record.kind:
            case "H":
                self._header(record)
            case "P":
                self._control = self._ordered = self._resulted = None
            case "O":
                self._order(record)
            case "R":
                self._result(record)
            case "C":
                self._comment(record)
            case "M":
                self._maker(record)
            case _:
                pass  # nothing of it is taken

    def _header(self, record: Record) -> None:
        # Some senders count one field more before the time.
        if self._live:
            self._judge(record, 14, 15)
        self._sent = self._time(record, 14, 15)
        sender = record.components(5)
        at = next((at for at, part in enumerate(sender) if _VERSION.match(part)), None)
        if at is not None:
            self._inventory["device.software"] = sender[at]
            # Roche: name, maker, model, version, version of the interface, serial number.
            if len(sender) == at + 3 and _SERIAL.match(sender[-1]):
                self._inventory["device.serial"] = sender[-1]

    def _judge(self, header: Record, *numbers: int) -> None:
        """What the header's time says of the equipment's clock."""
        self._told = self._right = None
        for number in numbers:
            text = header.component(number, 1)
            if len(text) >= 8 and text[:4].isdecimal():
                try:
                    self._told = values.date_time(text, self._zone)[0].at
                except Refused as refused:
                    self._right = False if refused.reason == "implausible" else None
                else:
                    self._right = judge_message(self._told, received=self._received)
                    return

    def _order(self, record: Record) -> None:
        self._ordered, self._resulted = self._time(record, 23), None
        # Roche's type of specimen stands in O-4. Indiko leaves a field out before its action code, and is believed
        # only with both words: O-11 is the collector's id elsewhere.
        words = [record.component(number, 1).upper() for number in (12, 16, 11, 15)]
        told = words[0] == "Q" or words[1] in _CONTROL_WORDS or record.component(4, 5) == "QC"
        indiko = words[2] == "Q" and words[3] in _CONTROL_WORDS
        self._control = self._which(record) if told or indiko else None

    def _which(self, record: Record) -> str:
        """The control's key by O-3; its id may go on with a lot, cut off here at ``-`` and ``/`` until it is known."""
        name = record.component(3, 1)
        while name:
            key = self._model.controls.get(name)
            if key is not None:
                return key
            name = name[: max(name.rfind("-"), name.rfind("/"), 0)]
        return ""

    def _result(self, record: Record) -> None:
        self._resulted = self._time(record, 13, 12)
        for repeat in record.repeats(8):
            if _NUMBER.match(repeat[0]):
                self._code(repeat[0], ("astm.flag",), unknown=True)
        if self._control is not None:
            self._controlled(record, self._control)

    def _controlled(self, record: Record, control: str) -> None:
        assay = self._assay(record)
        if assay is None:
            self._refuse("unknown-assay", record.component(3, 4) or record.component(3, 1))
            return
        what = f"qc.{assay.key}"
        if not control:
            self._refused["unknown-control"] += 1
            return
        if record.component(9, 1).upper() in _NO_RESULT:
            self._refused[f"no-result:{what}"] += 1
            return
        # Immunology writes a class before the number, as in -1^0.08.
        value = self._number(record.components(4)[-1], what)
        if value is None:
            return
        target, deviation = self._target(record, what)
        if target is not None and deviation is not None and deviation > 0:
            self._add(qc.name(assay.key, control, "z"), (value - target) / deviation, "1")
        factor = next((assay.units[unit] for unit in record.spellings(5) if unit in assay.units), None)
        if factor is None:
            self._refuse(f"wrong-unit:{what}", record.component(5, 1))
        else:
            self._add(qc.name(assay.key, control, "value"), value * factor, assay.unit)

    def _assay(self, record: Record) -> Assay | None:
        """By R-3: its fourth component, or the only one; Roche writes dilution behind a slash."""
        for part in (record.component(3, 4), record.component(3, 1)):
            for spelled in (part, part.partition("/")[0]):
                if spelled and (assay := self._model.assays.get(spelled)) is not None:
                    return assay
        return None

    def _target(self, record: Record, what: str) -> tuple[float | None, float | None]:
        told = {repeat[1].upper(): repeat[0] for repeat in record.repeats(6) if len(repeat) > 1}
        target, deviation = (told.get(word, "") for word in ("TARGET", "SD"))
        if not target or not deviation:
            return None, None
        return self._number(target, what), self._number(deviation, what)

    def _comment(self, record: Record) -> None:
        if record.component(3, 1).upper() not in ("I", ""):
            return  # of the laboratory or the host
        kind = record.component(5, 1).upper()
        if kind == "I":
            for repeat in record.repeats(4):
                self._code(repeat[0], ("astm.flag", "astm.comment"), unknown=True)
        elif kind in ("G", "") and len(parts := record.components(4)) <= 2:
            codes = self._model.codes
            coded = bool(codes.get("astm.comment")) and not codes.get("astm.flag")
            self._code(parts[0], ("astm.comment",), unknown=coded and len(parts) == 2 and bool(parts[1]), text=True)

    def _code(self, raw: str, tables: Iterable[str], *, unknown: bool, text: bool = False) -> None:
        """``unknown``: whether a number that isn't known is told. ``text``: it may be no code at all."""
        known = [self._model.codes.get(table, {}) for table in tables]
        spelled = (raw, raw.lstrip("0"))  # some fill a number up with zeros
        code = next((table[each] for each in spelled for table in known if each in table), None)
        number: float | None = None
        if code is None and unknown and _NUMBER.match(raw):
            if not int(raw):
                return  # no flag
            code, number = UNKNOWN_CODE, float(raw)
        if code:
            self._fault(code, number)
        elif code is None and raw and not text:
            self._refuse("unknown-code", raw)

    def _fault(self, code: str, number: float | None) -> None:
        moment = self._moment()
        at = moment.at
        known = self._faults.get((code, number))
        if known is not None:
            first, last = known.first or known.at, known.last or known.at
            self._faults[code, number] = replace(known, count=known.count + 1, first=min(first, at), last=max(last, at))
        elif len(self._faults) >= MAX_FACTS:
            self._refused["too-many-facts"] += 1
        else:
            params = uncertain_params(moment.certain or at != self._received)
            params |= {} if number is None else {"code": number}
            self._faults[code, number] = Fault(at=at, code=code, state="event", source=NAME, params=params)

    def _maker(self, record: Record) -> None:
        kind = record.component(3, 1).upper()
        if kind == "SIG":
            self._signal(record)
        elif kind == "RR" and BASELINE in self._model.signals and record.whole(4):
            value = self._number(record.whole(4), BASELINE)
            if value is not None:
                self._add(BASELINE, value, self._model.signals[BASELINE].unit)

    def _signal(self, record: Record) -> None:
        name = record.whole(4)
        signal = self._model.signals.get(name)
        if signal is None or name.startswith(_NOT_OURS):
            self._refuse("unknown-signal", name)
            return
        value = self._number(record.whole(5), name)
        if value is None:
            return
        try:
            value = values.in_unit(value, record.spellings(6), signal.unit)
        except Refused as refused:
            self._refuse(f"{refused.reason}:{name}", record.whole(6))
            return
        self._add(name, value, signal.unit, self._time(record, 7))

    def _add(self, metric: str, value: float, unit: str, own: Moment | None = None) -> None:
        if len(self._readings) >= MAX_FACTS:
            self._refused["too-many-facts"] += 1
        elif isfinite(value):
            moment = own or self._moment()
            self._readings.append(Reading(moment.at, metric, value, unit, GOOD if moment.certain else UNCERTAIN))

    def _moment(self) -> Moment:
        """Of what has no time of its own."""
        exact = self._resulted or self._ordered
        if exact is not None:
            return exact
        return Moment(self._received if self._sent is None else self._sent.at, certain=False)

    def _number(self, text: str, what: str) -> float | None:
        try:
            return decimal(text)
        except Refused as refused:
            self._refused[f"{refused.reason}:{what}"] += 1
            return None

    def _time(self, record: Record, *numbers: int) -> Moment | None:
        """The first usable time of these fields."""
        for number in numbers:
            text = record.component(number, 1)
            if len(text) < 8 or not text[:4].isdecimal():
                continue
            try:
                moment, span = values.date_time(text, self._zone)
            except Refused as refused:
                self._refused[f"{refused.reason}:time"] += 1
                continue
            self._timed = self._timed or (record.kind == "H" and not span)
            self._dated = self._dated or (record.kind != "H" and not span)
            if is_mistaken(moment.at, self._told, self._right, received=self._received):
                self._refused["implausible:time"] += 1
                continue
            if span:  # an hour or a day: what came within it is best dated by that
                within = moment.at <= self._received < moment.at + span
                return Moment(self._received if within else moment.at, certain=False)
            return moment
        return None
