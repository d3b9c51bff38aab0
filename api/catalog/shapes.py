"""What the catalog knows of models."""

from typing import Literal

from api.http.shapes import Shape, example
from catalog.model import Severity


class SignalShape(Shape):
    """A quantity that equipment of a model reports. `unit`: UCUM; `minimum` to `maximum` is physically plausible."""

    metric: str
    name: str
    unit: str
    minimum: float
    maximum: float


class FamilyShape(Shape):
    """Faults that one visit would repair together."""

    key: str
    name: str
    subsystem: str


class FaultCodeShape(Shape):
    """A code of the equipment."""

    code: str
    name: str
    family: str
    severity: Severity
    stops: str
    advice: str
    ticket: bool


class ModelShape(Shape):
    """A model of equipment."""

    model_config = example(
        key="generic-dr",
        kind="dr",
        name="通用数字化 X 射线摄影系统（DR）",
        families=[{"key": "detector.temperature", "name": "平板探测器温度", "subsystem": "detector"}],
        signals=[
            {"metric": "detector.temperature", "name": "平板探测器温度", "unit": "Cel", "minimum": -20, "maximum": 90}
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
            }
        ],
    )

    key: str
    kind: Literal["dr", "analyzer"]
    name: str
    families: list[FamilyShape]
    signals: list[SignalShape]
    faults: list[FaultCodeShape]
