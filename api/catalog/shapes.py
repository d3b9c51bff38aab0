"""What the catalog knows of models."""

from typing import Annotated, Literal

from pydantic import Field

from api.http.shapes import Shape, example
from api.http.signals import SignalSaid
from catalog.model import Severity


class RuleShape(Shape):
    """A limit on a signal, in its unit: it is wrong beyond `raise_at` for `for_s` seconds, and over at `clear`."""

    rule: Annotated[str, Field(description="As an alert's `rule` has it.")]
    title: Annotated[str, Field(description="What is wrong then.")]
    op: Literal["above", "below"]
    raise_at: float
    clear: float
    for_s: float
    family: str
    severity: Severity
    advice: str
    ticket: bool


class SignalShape(SignalSaid):
    """A quantity that equipment of a model reports. `unit`: UCUM; `minimum` to `maximum` is physically plausible."""

    metric: str
    unit: str
    minimum: float
    maximum: float
    rules: list[RuleShape]


class PartShape(Shape):
    """A part to bring: what it is, and how likely the fault needs it."""

    name: str
    spec: str
    quantity: int
    probability: float


class FamilyShape(Shape):
    """Faults that one visit would repair together."""

    key: str
    name: str
    subsystem: str
    evidence: Annotated[list[str], Field(description="The signals that show it, the most telling first; none: none.")]
    causes: Annotated[list[str], Field(description="The likeliest first.")]
    parts: Annotated[list[PartShape], Field(description="The likeliest first.")]


class FaultCodeShape(Shape):
    """A code of the equipment."""

    code: str
    name: str
    family: str
    severity: Severity
    stops: str
    advice: str
    ticket: bool
    source: Annotated[str, Field(description="Who published it.")]


class ModelShape(Shape):
    """A model of equipment."""

    model_config = example(
        key="generic-dr",
        kind="dr",
        name="通用数字化 X 射线摄影系统（DR）",
        families=[
            {
                "key": "detector.temperature",
                "name": "平板探测器温度",
                "subsystem": "detector",
                "evidence": ["detector.temperature"],
                "causes": ["散热风扇故障"],
                "parts": [{"name": "散热风扇", "spec": "12 V 直流", "quantity": 1, "probability": 0.4}],
            }
        ],
        signals=[
            {
                "metric": "detector.temperature",
                "name": "平板探测器温度",
                "unit": "Cel",
                "symbol": "°C",
                "digits": 1,
                "states": [],
                "minimum": -20,
                "maximum": 90,
                "rules": [
                    {
                        "rule": "limit:detector-hot",
                        "title": "平板探测器过热",
                        "op": "above",
                        "raise_at": 42,
                        "clear": 39,
                        "for_s": 300,
                        "family": "detector.temperature",
                        "severity": "major",
                        "advice": "检查风扇、风道和机房温度",
                        "ticket": True,
                    }
                ],
            }
        ],
        faults=[
            {
                "code": "GEN-KV-01",
                "name": "kV 未达到设定值",
                "family": "generator.kv",
                "severity": "critical",
                "stops": "不能曝光",
                "advice": "检查高压电缆接头和逆变板",
                "ticket": True,
                "source": "general knowledge",
            }
        ],
    )

    key: str
    kind: Literal["dr", "analyzer"]
    name: str
    families: list[FamilyShape]
    signals: list[SignalShape]
    faults: list[FaultCodeShape]
