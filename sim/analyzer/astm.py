r"""What a simulated analyzer says over ASTM: E1394 messages with the delimiters |\^&, records ended by CR.

CLSI LIS02-A2 (ASTM E1394-97), field numbers as there. Patients and staff are canaries. Signals travel in records
`M|n|SIG|name|value|unit|time`, faults in comment records of type I; that a fault is over ASTM can't say.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from catalog.model import Model
from sim.analyzer.events import Condition, Control, ControlResult, Event, Measured, Notice, Result, Sample, Stock
from sim.patients import MARK, patient

ENCODING: Final = "utf-8"
OPERATOR: Final = f"{MARK}-Otto"
_SOFTWARE: Final = "1.4.2"


class AstmWriter:
    """Turns events into messages. `model`: what the equipment is; `seed` chooses its serial number and patients."""

    def __init__(self, *, model: Model, seed: int) -> None:
        self._seed = seed
        self._signals = model.signals
        self._reagents = model.reagents
        self._raw = {code: raw for raw, code in model.codes["astm.comment"].items() if code}

    def messages(self, event: Event, *, at: datetime) -> list[bytes]:
        """The messages about `event`, at most one; `at`: what the equipment's clock shows."""
        body = list(self._records(event, at))
        if not body:
            return []
        header = (
            rf"H|\^&|||SIM^Simulated^SC-400^{_SOFTWARE}^1^{10_000 + self._seed}|||||host|RSUPL^REAL|P|1|{_stamp(at)}"
        )
        return ["".join(f"{record}\r" for record in (header, *body, "L|1|N")).encode(ENCODING)]

    def _records(self, event: Event, at: datetime) -> Iterator[str]:
        match event:
            case Sample():
                yield from self._sample(event, at)
            case Control():
                yield from self._control(event, at)
            case Measured():
                yield from self._measured(event.values, at)
            case Stock():
                yield from self._measured(self._left(event), at)
            case Notice():
                if event.state != "cleared" and event.code in self._raw:
                    yield self._comment(1, event.code, event.words)
            case Condition():
                return

    def _sample(self, event: Sample, at: datetime) -> Iterator[str]:
        who = patient(self._seed, event.patient)
        name = who.name.partition("=")[0]
        yield f"P|1||{who.id}||{name}||{who.born:%Y%m%d}|{who.sex}|||||{OPERATOR}"
        tests = "\\".join(f"^^^{result.test}" for result in event.results)
        yield f"O|1|{who.accession}||{tests}|R||{_stamp(at)}||||N||||1|||||||{_stamp(at)}|||F"
        for number, code in enumerate(event.codes, start=1):
            if code in self._raw:
                yield self._comment(number, code, who.name.partition("=")[2] or "-")
        for number, result in enumerate(event.results, start=1):
            yield self._result(number, result, at)
            yield _readings(result)

    def _result(self, number: int, result: Result, at: datetime) -> str:
        what = f"R|{number}|^^^{result.test}|{result.value:g}|{result.unit}||{result.flag}||F||{OPERATOR}"
        return f"{what}|{_stamp(at)}|{_stamp(at)}"

    def _control(self, event: Control, at: datetime) -> Iterator[str]:
        yield "P|1"
        tests = "\\".join(f"^^^{result.test}" for result in event.results)
        yield f"O|1|QC-L{event.level}-LOT2026A||{tests}|R||{_stamp(at)}||||Q||||QC|||||||{_stamp(at)}|||F"
        for number, result in enumerate(event.results, start=1):
            yield self._controlled(number, result, at)
            for index, code in enumerate(result.codes, start=1):
                if code in self._raw:
                    yield self._comment(index, code, result.test)

    def _controlled(self, number: int, result: ControlResult, at: datetime) -> str:
        expected = rf"{result.target:g}^TARGET\{result.deviation:g}^SD"
        what = f"R|{number}|^^^{result.test}|{result.value:g}|{result.unit}|{expected}|N||F||{OPERATOR}"
        return f"{what}|{_stamp(at)}|{_stamp(at)}"

    def _comment(self, number: int, code: str, words: str) -> str:
        return f"C|{number}|I|{self._raw[code]}^{words}|I"

    def _measured(self, values: tuple[tuple[str, float], ...], at: datetime) -> Iterator[str]:
        for number, (name, value) in enumerate(values, start=1):
            yield f"M|{number}|SIG|{name}|{value:.10g}|{self._signals[name].unit}|{_stamp(at)}"

    def _left(self, event: Stock) -> tuple[tuple[str, float], ...]:
        return tuple(left_of(event, self._reagents).items())


def left_of(event: Stock, reagents: Mapping[str, str]) -> dict[str, float]:
    """What is left of each reagent that the catalog knows, by signal, in %."""
    return {
        f"reagent.{reagents[supply.substance]}.remaining": round(100 * max(0, supply.left) / supply.tests, 1)
        for supply in event.supplies
        if supply.substance in reagents
    }


def _readings(result: Result) -> str:
    first, *others = result.readings
    series = "\\".join(map(str, (first, *others)))
    return f"M|1|RR^BM^SC-400^1|{first}|{series}|{(others[-1] - first) / 10_000:g}"


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}"
