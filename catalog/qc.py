"""The signals that quality control makes: one value and one z-score for every assay and control of a model."""

from collections.abc import Iterable
from typing import Final

from catalog.model import Assay, Signal, Text
from wire.topics import Lane

CADENCE_S: Final = 28_800.0
"""Controls run once a shift, as a rule."""

_SOURCE: Final = "control results: ASTM E1394 R records of a control, HL7 ORU^R01 with MSH-16 2, OUL with SPM-11 Q"


def name(assay: str, control: str, what: str) -> str:
    """The metric name of an assay's control; `what`: "value" or "z"."""
    return f"qc.{assay}.{control}.{what}"


def signals(assays: Iterable[Assay], controls: Iterable[str]) -> dict[str, Signal]:
    """By name: `.value` in the assay's unit, and `.z`, the distance from the target in standard deviations."""
    made = [signal for assay in assays for control in controls for signal in _two(assay, control)]
    return {signal.name: signal for signal in made}


def _two(assay: Assay, control: str) -> tuple[Signal, Signal]:
    shown = control.upper()
    value = Signal(
        name=name(assay.key, control, "value"),
        unit=assay.unit,
        title=Text(zh=f"{assay.name.zh} 质控 {shown}", en=f"{assay.name.en} control {shown}"),
        source=_SOURCE,
        cadence=CADENCE_S,
        lane=Lane.BULK,
        min=-1e6,
        max=1e6,
    )
    score = Signal(
        name=name(assay.key, control, "z"),
        unit="1",
        digits=2,
        title=Text(zh=f"{assay.name.zh} 质控 {shown} Z 分数", en=f"{assay.name.en} control {shown} z-score"),
        source=_SOURCE,
        cadence=CADENCE_S,
        lane=Lane.BULK,
        min=-1000,
        max=1000,
    )
    return value, score
