"""The newest value of each signal of a device, from the packed rows that ingest keeps."""

from typing import Final, Literal

import msgspec

from api.devices.shapes import ForeignUnit, Latest
from api.http.context import Session
from api.http.language import Reader
from api.http.signals import said_of
from catalog.model import Catalog
from catalog.quantity import spoken
from store.sql import queries_beside
from wire.items import BAD, GOOD, UNCERTAIN
from wire.times import time_of

_SQL: Final = queries_beside(__file__)

Packed = dict[int, tuple[int, float, int]]
"""{metric id: (ms since 1970 UTC, value, quality)}, as MessagePack in `device_state.latest`."""
QualityWord = Literal["good", "uncertain", "bad"]
QUALITY: Final[dict[int, QualityWord]] = {GOOD: "good", UNCERTAIN: "uncertain", BAD: "bad"}
_DECODER: Final = msgspec.msgpack.Decoder(Packed)


def newest(packed: list[bytes]) -> Packed:
    """The values of all lanes together, of each metric the one measured last."""
    found: Packed = {}
    for row in packed:
        for metric, value in _DECODER.decode(row).items() if row else ():
            if metric not in found or found[metric][0] < value[0]:
                found[metric] = value
    return found


def unit_of(catalog: Catalog, model: str, metric: str, stored: str) -> str:
    """UCUM. A metric stored without a unit has the one the catalog gives it; "" where it knows none."""
    known = catalog.models.get(model)
    signal = None if known is None else known.signals.get(metric)
    return stored or (signal.unit if signal is not None else "")


def foreign_units(words: Reader, latest: list[Latest], *, model: str) -> list[ForeignUnit]:
    """Signals whose newest value came in another unit than the catalog's: nobody judges that."""
    known = words.catalog.models.get(model)
    if known is None:
        return []
    newest: dict[str, Latest] = {}
    for value in latest:
        if value.metric not in newest or newest[value.metric].at < value.at:
            newest[value.metric] = value
    found = []
    for metric, value in newest.items():
        signal = known.signals.get(metric)
        if signal is not None and value.unit != signal.unit:
            params = {"signal": metric, "unit": value.unit, "expected": signal.unit}
            text = words.words("device.foreign_unit", params, model=model)
            found.append(ForeignUnit(metric=metric, unit=value.unit, expected=signal.unit, at=value.at, text=text))
    return found


async def latest_of(asked: Session, words: Reader, *, device: int, model: str) -> list[Latest]:
    """The latest values of a device, in the order of their metrics' names."""
    rows = await _SQL.many(asked.connection, "device_latest", {"device": device})
    values = newest([bytes(row["latest"]) for row in rows])
    metrics = await _SQL.many(asked.connection, "metrics", {"ids": list(values)})
    known = words.catalog.models.get(model)
    found = []
    for metric in metrics:
        ms, value, quality = values[metric["id"]]
        at = time_of(ms)
        signal = None if known is None else known.signals.get(metric["name"])
        unit = unit_of(words.catalog, model, metric["name"], metric["unit"])
        own = signal if signal is not None and signal.unit == unit else None
        found.append(
            Latest(
                metric=metric["name"],
                **said_of(words, signal, metric["name"], unit),
                value=value,
                text=spoken(value, signal=own, unit=unit, lang=words.lang),
                unit=unit,
                at=at,
                age_s=max(0.0, (asked.now - at).total_seconds()),
                quality=QUALITY[quality],
            )
        )
    return found
