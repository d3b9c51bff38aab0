"""What a simulated analyzer says over HL7 v2 (chapter 13 of v2.5.1, Mindray's ORU), and what it writes into its log.

ESU^U01 tells its state, EAN^U09 its faults, INU^U05 what is on board, ORU^R01 results: MSH-16 is 0 for patients and 2
for controls, whose quality control stands in OBR-13 to OBR-21. What it measures of itself is in its log alone, in lines
that the patterns of the catalog's model `generic-analyzer` read. Patients and staff are canaries.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from catalog.model import Model
from sim.analyzer.events import Condition, Control, Event, Level, Measured, Notice, Sample, Stock
from sim.patients import MARK, patient

ENCODING: Final = "utf-8"
OPERATOR: Final = f"{MARK}-Otto"
_STATES: Final = {"PU": "Powered Up", "ID": "Idle", "OP": "Operational", "PA": "Pausing", "PD": "Paused"}
_LEVELS: Final = {"N": "Normal", "W": "Warning", "S": "Serious", "C": "Critical"}
_LOG: Final = {
    "photometer.lamp_energy": "lamp_energy",
    "photometer.lamp_hours": "lamp_hours",
    "photometer.dark": "photometer_dark",
    "bath.temperature": "bath_temp",
    "cooler.temperature": "cooler_temp",
    "cuvette.blank": "cuvette_blank",
    "cuvette.masked": "cuvettes_masked",
    "probe.clots": "clots_today",
    "probe.shorts": "shorts_today",
    "syringe.cycles": "syringe_cycles",
    "ise.na.slope": "ise_na_slope",
    "ise.k.slope": "ise_k_slope",
    "ise.cl.slope": "ise_cl_slope",
    "water.conductivity": "water_cond",
    "water.pressure": "water_press",
    "waste.level": "waste_level",
    "vacuum.pressure": "vacuum",
    "tests.total": "tests_total",
}
"""The signals that it writes into its log, by the word that stands there."""
_CONTROLS: Final = {1: ("CTRL-Low", "L"), 2: ("CTRL-Normal", "M")}
_SEVERITY: Final[dict[str, Level]] = {"critical": "C", "major": "S"}


class Hl7Writer:
    """Turns events into messages and log lines. `ids` gives control ids (MSH-10), each once."""

    def __init__(self, *, model: Model, seed: int, ids: Callable[[], str]) -> None:
        self._seed = seed
        self._faults = model.faults
        self._ids = ids
        self._raw = {code: raw for raw, code in model.codes["hl7.notification"].items() if code}
        self._equipment = f"SC-400^SN{10_000 + seed}"

    def messages(self, event: Event, *, at: datetime) -> list[bytes]:
        """The messages about `event`; `at`: what the equipment's clock shows, local time without a zone."""
        match event:
            case Condition():
                state = f"{event.state}^{_STATES[event.state]}^HL70365"
                level = f"{event.level}^{_LEVELS[event.level]}^HL70367"
                equ = f"EQU|{self._equipment}|{_stamp(at)}|{state}|L^Local^HL70366|{level}"
                return [self._message("ESU^U01^ESU_U01", at, [equ])]
            case Notice():
                return [self._notice(event.code, event.level, event.words, at)] if event.code in self._raw else []
            case Stock():
                return [self._stock(event, at)]
            case Control():
                return self._control(event, at)
            case Sample():
                return self._sample(event, at)
            case Measured():
                return []

    def log(self, event: Event, *, at: datetime) -> list[str]:
        """The lines about `event` in the analyzer's log."""
        stamp = f"[{at:%Y-%m-%d %H:%M:%S}]"
        match event:
            case Measured():
                return [
                    f"{stamp} MON {_LOG[name]}={value:.10g} op={OPERATOR}"
                    for name, value in event.values
                    if name in _LOG
                ]
            case Notice() if event.code not in self._raw and event.state != "event":
                return [f"{stamp} ERR {event.code} {'ON' if event.state == 'active' else 'OFF'} {event.words}".rstrip()]
            case Sample():
                who = patient(self._seed, event.patient)
                return [f"{stamp} INF sample {who.accession} patient={who.id} name={who.name}"]
            case _:
                return []

    def _message(self, kind: str, at: datetime, segments: Iterable[str], result: str = "") -> bytes:
        header = rf"MSH|^~\&|SIM|SC-400|||{_stamp(at)}||{kind}|{self._ids()}|P|2.5.1||||{result}||UNICODE UTF-8"
        return "".join(f"{segment}\r" for segment in (header, *segments)).encode(ENCODING)

    def _notice(self, code: str, level: Level, words: str, at: datetime) -> bytes:
        equ = f"EQU|{self._equipment}|{_stamp(at)}"
        nds = f"NDS|1|{_stamp(at)}|{level}^{_LEVELS[level]}^HL70367|{self._raw[code]}^{words}^L"
        return self._message("EAN^U09^EAN_U09", at, [equ, nds, f"NTE|1||{words} {OPERATOR}"])

    def _stock(self, event: Stock, at: datetime) -> bytes:
        supplies = [
            f"INV|{one.substance}|OK|SR^Reagent^HL70384||||{one.tests}|{max(0, one.left)}|{max(0, one.left)}||TESTS"
            f"|{one.expires:%Y%m%d}|||{one.substance}|{one.lot}"
            for one in event.supplies
        ]
        return self._message("INU^U05^INU_U05", at, [f"EQU|{self._equipment}|{_stamp(at)}", *supplies])

    def _control(self, event: Control, at: datetime) -> list[bytes]:
        name, level = _CONTROLS[event.level]
        made = []
        for one in event.results:
            obr = f"OBR|1|1|{one.test}|SIM^SC-400||{_stamp(at)}|||||||{name}|LOT-2026-001|{at:%Y}1231000000||{level}"
            obr += f"|{one.target:f}|{one.deviation:f}|{one.value:f}|{one.unit}"
            made.append(self._message("ORU^R01", at, [obr], "2"))
        flagged = {code: one.test for one in event.results for code in one.codes}
        return made + self._hung(flagged, at)

    def _sample(self, event: Sample, at: datetime) -> list[bytes]:
        who = patient(self._seed, event.patient)
        pid = f"PID|1|{who.id}||{who.accession}|{who.name}||{who.born:%Y%m%d}000000|{who.sex}"
        obr = f"OBR|1|{who.accession}|{event.patient}|SIM^SC-400|N||{_stamp(at)}||||||serum||||||{OPERATOR}"
        obx = [
            f"OBX|{number}|NM|{number}|{one.test}|{one.value:f}|{one.unit}||{one.flag}|||F"
            for number, one in enumerate(event.results, start=1)
        ]
        results = [self._message("ORU^R01", at, [pid, obr, *obx], "0")] if obx else []
        return results + self._hung(dict.fromkeys(event.codes, who.accession), at)

    def _hung(self, codes: dict[str, str], at: datetime) -> list[bytes]:
        """Notifications of what ASTM hangs on a result."""
        return [
            self._notice(code, _SEVERITY.get(self._faults[code].severity, "W"), words, at)
            for code, words in codes.items()
            if code in self._raw
        ]


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}"
