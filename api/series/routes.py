"""A signal's chart."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from api.devices.latest import unit_of
from api.devices.read import DeviceUid, find_device
from api.http.context import Asked, Session
from api.http.documented import problems
from api.http.language import InWords, Reader
from api.http.problems import ProblemCode, invalid, not_found
from api.http.rights import PREFIX
from api.http.route import Route
from api.readings.routes import From, To
from api.series.columns import LONGEST, MAX_POINTS, Plan, aligned, gap_of, plan, with_gaps
from api.series.shapes import Limit, Mark, Points, Series
from catalog.model import Signal
from store.sql import queries_beside
from wire.items import BAD

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
_USUAL: Final = timedelta(hours=24)
MAX_MARKS: Final = 200
_Row = tuple[int, float | None, float | None, float | None, int, int]


@router.get("/devices/{id}/series", responses=problems(ProblemCode.NOT_FOUND))
async def get_series(
    *,
    id: DeviceUid,  # noqa: A002
    asked: Asked,
    words: InWords,
    metric: Annotated[
        str,
        Query(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$", description="The signal.", examples=["detector.temperature"]),
    ],
    unit: Annotated[
        str | None,
        Query(max_length=40, pattern=r"^[!-~]*$", description="Of the units it is stored in; none: the catalog's own."),
    ] = None,
    since: From = None,
    until: To = None,
    points: Annotated[int, Query(ge=2, le=MAX_POINTS, description="How many points at most.", examples=[500])] = 500,
) -> Series:
    """A signal over time as columns, at a resolution that fits: readings, or roll-ups by minute, hour or day.

    Without `from`: the last 24 h; without `to`: until now. Bins begin at whole multiples of their width since 1970 UTC.
    """
    device = await find_device(asked.connection, id)
    if device is None:
        raise not_found("device")
    end = until or asked.now
    start = since or end - _USUAL
    if not start < end:
        raise invalid("query.from", "`from` must be before `to`.")
    if end - start > LONGEST:
        raise invalid("query.from", f"Ask for at most {LONGEST.days} days.")
    model = words.catalog.models.get(device["model"])
    signal = None if model is None else model.signals.get(metric)
    stored: dict[str, list[int]] = {}
    for row in await _SQL.many(asked.connection, "metrics_named", {"name": metric}):
        stored.setdefault(unit_of(words.catalog, device["model"], metric, row["unit"]), []).append(row["id"])
    if signal is None and not stored:
        raise not_found("signal")
    shown = _unit(sorted(stored), unit, signal)
    wanted = {"device": device["key"], "metrics": stored.get(shown, []), "from": start, "to": end}
    rows, used = await _points(asked, wanted, plan(start, end, points), points)
    gap = gap_of(signal, used.width)
    columns = with_gaps(rows, gap)
    return Series(
        device=id,
        metric=metric,
        name=words.text(None if signal is None else signal.title, metric),
        unit=shown,
        units=sorted(stored),
        begins=start,
        ends=end,
        now=asked.now,
        resolution=used.resolution,
        width_s=used.width.total_seconds(),
        gap_s=None if gap is None else gap.total_seconds(),
        minimum=None if signal is None else signal.min,
        maximum=None if signal is None else signal.max,
        limits=_limits(signal, words),
        marks=await _marks(asked, words, device["key"], start, end),
        points=Points(t=columns.t, lo=columns.lo, avg=columns.avg, hi=columns.hi, n=columns.n, bad=columns.bad),
    )


def _unit(stored: list[str], asked_for: str | None, signal: Signal | None) -> str:
    """Readings in different units are different signals, and one line never mixes them."""
    if asked_for is not None:
        return asked_for
    if signal is not None and (signal.unit in stored or not stored):
        return signal.unit
    return stored[0]


async def _points(asked: Session, wanted: dict[str, Any], fit: Plan, points: int) -> tuple[list[_Row], Plan]:
    """The rows, and the plan that they came by: few enough readings are shown as they are."""
    if fit.resolution == "raw":
        readings = await _SQL.many(asked.connection, "series_readings", {**wanted, "bad": BAD, "limit": points + 1})
        if len(readings) <= points:
            return [_row(row) for row in readings], Plan(resolution="raw", width=timedelta(0))
    else:
        wanted = {
            **wanted,
            "from": aligned(wanted["from"], fit.width, up=False),
            "to": aligned(wanted["to"], fit.width, up=True),
        }
    rows = await _SQL.many(asked.connection, f"series_{fit.resolution}", {**wanted, "bad": BAD, "width": fit.width})
    return [_row(row) for row in rows], fit


def _row(row: DictRow) -> _Row:
    return row["t"], row["lo"], row["avg"], row["hi"], row["n"], row["bad"]


def _limits(signal: Signal | None, words: Reader) -> list[Limit]:
    return [
        Limit(
            rule=rule.key,
            op=rule.op,
            raise_at=rule.raise_at,
            clear=rule.clear,
            for_s=rule.for_s,
            severity=rule.severity,
            advice=rule.advice.get(words.lang),
        )
        for rule in (() if signal is None else signal.rules)
    ]


async def _marks(asked: Session, words: Reader, device: int, start: datetime, end: datetime) -> list[Mark]:
    rows = await _SQL.many(
        asked.connection, "series_marks", {"device": device, "from": start, "to": end, "limit": MAX_MARKS}
    )
    return [
        Mark(
            alert=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            severity=row["severity"],
            condition=row["condition"],
            begins=row["occurred_at"],
            ends=row["cleared_at"],
            text=words.words(row["message"], row["params"], model=row["model"], zone=row["time_zone"]),
        )
        for row in reversed(rows)
    ]
