"""What is collected of a device: all that an agent of its model may send, and what of it came."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from api.devices.latest import latest_of
from api.devices.read import DeviceUid, find_device
from api.devices.shapes import Latest
from api.http.context import Asked
from api.http.documented import problems
from api.http.language import InWords
from api.http.problems import ProblemCode, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.http.shapes import Shape, example
from catalog.allowed import NOTHING, fields_of, states_of
from catalog.model import Lang, Severity, Signal
from catalog.quantity import symbol_of
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])


class CollectedSignal(Shape):
    """A signal, and its newest value's time."""

    metric: str
    name: str
    symbol: Annotated[str, Field(description="Its unit in the reader's language.")]
    source: Annotated[str, Field(description="The standard and section that it is read from.")]
    every_s: Annotated[float | None, Field(description="Seconds between values; null: with each exposure.")]
    at: Annotated[datetime | None, Field(description="Of the newest value; null: none came.")]
    age_s: float | None


class CollectedCode(Shape):
    """A code that is reported as a fault."""

    code: str
    name: str
    severity: Severity
    at: Annotated[datetime | None, Field(description="When it came last; null: it never came.")]
    times: Annotated[int, Field(description="How many alerts of it there are.")]


class CollectedWord(Shape):
    """A state or a field of the inventory."""

    name: str
    values: Annotated[list[str], Field(description="All that it can be; none: a text of a fixed form.")]
    value: Annotated[str | None, Field(description="What the inventory has; null: nothing came, or a state.")]


class Collected(Shape):
    """The allow-list of a device's model, with what came. Nothing else passes, and nothing of a patient is on it."""

    model_config = example(
        signals=[
            {
                "metric": "detector.temperature",
                "name": "平板探测器温度",
                "symbol": "°C",
                "source": "DICOM (0018,7001)",
                "every_s": None,
                "at": "2026-11-22T03:59:50Z",
                "age_s": 10.0,
            }
        ],
        codes=[{"code": "GEN-KV-01", "name": "kV 未达到设定值", "severity": "critical", "at": None, "times": 0}],
        states=[{"name": "exposure.status", "values": ["ABORTED", "NORMAL"], "value": None}],
        inventory=[{"name": "device.serial", "values": [], "value": "SN-0042"}],
    )

    signals: list[CollectedSignal]
    codes: list[CollectedCode]
    states: list[CollectedWord]
    inventory: list[CollectedWord]


@router.get("/devices/{id}/collected", responses=problems(ProblemCode.NOT_FOUND))
async def get_collected(id: DeviceUid, asked: Asked, words: InWords) -> Collected:  # noqa: A002 - the path's name
    """Everything that may be kept of a device by its model's allow-list, and of each when it came last."""
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    model = words.catalog.models.get(device["model"], NOTHING)
    came = {value.metric: value for value in await latest_of(asked, words, device=device["key"], model=device["model"])}
    faults = {row["code"]: row for row in await _SQL.many(asked.connection, "device_codes", {"device": device["key"]})}
    return Collected(
        signals=[_signal(each, words.lang, came.get(each.name)) for each in model.signals.values()],
        codes=[
            CollectedCode(
                code=fault.code,
                name=fault.name.get(words.lang),
                severity=fault.severity,
                at=faults[fault.code]["last"] if fault.code in faults else None,
                times=faults[fault.code]["times"] if fault.code in faults else 0,
            )
            for fault in model.faults.values()
        ],
        states=[
            CollectedWord(name=name, values=sorted(values), value=None) for name, values in states_of(model).items()
        ],
        inventory=[
            CollectedWord(name=name, values=[], value=_known(device["inventory"], name)) for name in fields_of(model)
        ],
    )


def _signal(signal: Signal, lang: Lang, newest: Latest | None) -> CollectedSignal:
    return CollectedSignal(
        metric=signal.name,
        name=signal.title.get(lang),
        symbol=symbol_of(signal, signal.unit, lang),
        source=signal.source,
        every_s=None if signal.cadence == "exposure" else signal.cadence,
        at=None if newest is None else newest.at,
        age_s=None if newest is None else newest.age_s,
    )


def _known(inventory: dict[str, object], name: str) -> str | None:
    value = inventory.get(name)
    return None if value is None else str(value)
