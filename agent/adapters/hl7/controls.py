"""Where the results of controls stand in a message, as text: nothing is judged here. Pure.

- ORU^R01 with MSH-16 = 2 (Mindray's host interface manuals, BS-120 to BS-480): OBR-3 (test), OBR-13 and 17 (control;
  level), 18 to 21 (target, deviation, value, unit), 7 or 6 (time). Not its lot: OBR-15 is the specimen elsewhere.
- OUL^R21 to R24 (HL7 v2.5.1, 7.3.4 to 7.3.7; IHE PaLM TF-2b, LAB-29): the control is named by the identifiers in SPM-2,
  SAC-3, and INV-1 where INV-3 is CO (table 0384); INV-16 is its lot, INV-12 or SPM-19 its expiry. OBX-3 is the test
  (an identifier or the alternate one), OBX-5 the value, OBX-6 the unit, OBX-7 target and deviation where it names
  both, OBX-11 the status, OBX-19, OBX-14, OBR-7 or OBR-22 the time. Never OBX-8, OBX-16 or a text.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.adapters.hl7.kinds import CONTROLS
from agent.adapters.hl7.message import MAX_WORDS, Message, Segment

_NUMBERS: Final = frozenset({"", "NM", "SN", "ST"})
"""OBX-2: what may be a number. Codes, times and files beside it (LAB-29 sends them too) are no result."""
_SUPPLEMENT: Final = "S_"
"""OBX-3.4 of what comes beside a result (LAB-29: S_RAW, S_OTHER, …)."""
_NO_RESULT: Final = frozenset({"D", "I", "N", "W", "X"})
"""OBX-11, table 0085: deleted, pending, not asked, wrong, can't be obtained."""
_TARGETS: Final = ("TARGET", "MEAN")


class Result(NamedTuple):
    """One. ``tests``, ``controls`` and ``units``: what each may be called, best first. ``times``: fields, likewise."""

    tests: tuple[str, ...]
    controls: tuple[str, ...]
    value: str
    units: tuple[str, ...]
    target: str
    deviation: str
    times: tuple[tuple[Segment, int], ...]
    lot: str = ""
    expires: str = ""
    exists: bool = True


def results(message: Message) -> Iterator[Result]:
    """Those of a message of kind ``CONTROL``, in order."""
    return _specimens(message) if message.type == "OUL" else map(_mindray, message.named("OBR"))


def _mindray(order: Segment) -> Result:
    return Result(
        tests=(order.text(3),),
        controls=(order.text(13), order.text(17)),
        value=order.text(20),
        units=tuple(order.spellings(21)),
        target=order.text(18),
        deviation=order.text(19),
        times=((order, 7), (order, 6)),
    )


def _specimens(message: Message) -> Iterator[Result]:
    ours = False
    names: list[str] = []
    lot = expires = ""
    order: Segment | None = None
    for segment in message.named("SPM", "SAC", "INV", "OBR", "OBX"):
        match segment.name:
            case "SPM":
                ours = segment.text(11).upper() in CONTROLS
                names, lot, expires = segment.words(2), "", segment.text(19)
            case "SAC":
                names = [*names, *segment.words(3)][: 3 * MAX_WORDS]
            case "INV" if segment.text(3).upper() == "CO":
                names = [*names, *segment.words(1)][: 3 * MAX_WORDS]
                lot, expires = segment.text(16), segment.text(12) or expires
            case "OBR":
                order = segment
            case "OBX" if (
                ours and segment.text(2).upper() in _NUMBERS and not segment.text(3, 4).startswith(_SUPPLEMENT)
            ):
                yield _observed(segment, order, tuple(names), lot, expires)
            case _:
                pass


def _observed(segment: Segment, order: Segment | None, names: tuple[str, ...], lot: str, expires: str) -> Result:
    tests = [segment.text(3), segment.text(3, 4)]
    times = [(segment, 19), (segment, 14)]
    if order is not None:
        times += [(order, 7), (order, 22)]
        if not any(tests):
            tests = [order.text(4), order.text(4, 4)]
    told = {parts[1].upper(): parts[0] for parts in segment.repetitions(7) if len(parts) > 1}
    return Result(
        tests=tuple(filter(None, tests)),
        controls=names,
        value=_value(segment),
        units=tuple(unit for part in (1, 2, 4) for unit in segment.spellings(6, part)),
        target=next((told[word] for word in _TARGETS if word in told), ""),
        deviation=told.get("SD", ""),
        times=tuple(times),
        lot=lot,
        expires=expires,
        exists=segment.text(11).upper() not in _NO_RESULT,
    )


def _value(segment: Segment) -> str:
    """OBX-5; of a structured number (SN) the number, where nothing is said of it but that it is equal."""
    if segment.text(2).upper() != "SN":
        return segment.text(5)
    comparator, number, *rest = [*segment.repetitions(5)[0], "", ""]
    return number if comparator in ("", "=") and not any(rest) else "".join((comparator, number, *rest))
