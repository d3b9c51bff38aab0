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
from api.http.shapes import of_row
from api.http.signals import said_of
from api.readings.routes import From, To
from api.series.columns import LONGEST, MAX_POINTS, Columns, Plan, aligned, gap_of, plan, with_gaps
from api.series.lanes import STATE_BEFORE, WORK, lanes, said
from api.series.runs import runs_of
from api.series.shapes import Limit, Mark, Points, Run, Series, SetPoints, Timeline, Unheard
from catalog.model import Model, Signal
from store.sql import queries_beside
from wire.items import BAD

_SQL: Final = queries_beside(__file__)

router = APIRouter(prefix=PREFIX, route_class=Route, tags=["devices"])
_USUAL: Final = timedelta(hours=24)
MAX_MARKS: Final = 200
MAX_EVENTS: Final = 1000
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
    device = await _device(asked, id)
    start, end = _range(asked, since, until)
    model = words.catalog.models.get(device["model"])
    signal = None if model is None else model.signals.get(metric)
    stored = await _stored(asked, words, device["model"], metric)
    if signal is None and not stored:
        raise not_found("signal")
    shown = _unit(sorted(stored), unit, signal)
    judged = signal if signal is not None and signal.unit == shown else None
    wanted = {"device": device["key"], "metrics": stored.get(shown, []), "from": start, "to": end}
    rows, used = await _points(asked, wanted, plan(start, end, points), points)
    gap = gap_of(signal, used.width)
    columns = with_gaps(rows, gap)
    return Series(
        device=id,
        metric=metric,
        **said_of(words, signal, metric, shown),
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
        per_event=signal is not None and signal.cadence == "exposure",
        limits=_limits(judged, words),
        marks=await _marks(asked, words, device, start, end),
        unheard=[Unheard(**row) for row in reversed(await _in_range(asked, "series_unheard", device, start, end))],
        points=Points(t=columns.t, lo=columns.lo, avg=columns.avg, hi=columns.hi, n=columns.n, bad=columns.bad),
        set=None if model is None or judged is None else await _set(asked, words, model, judged, wanted, used),
        runs=_runs(signal, columns, used),
    )


@router.get("/devices/{id}/timeline", responses=problems(ProblemCode.NOT_FOUND))
async def get_timeline(
    *,
    id: DeviceUid,  # noqa: A002
    asked: Asked,
    words: InWords,
    since: From = None,
    until: To = None,
) -> Timeline:
    """What happened to a device: when it wasn't heard, its alerts and fault codes, its states, its tickets.

    Without `from`: the last 24 h; without `to`: until now.
    """
    device = await _device(asked, id)
    start, end = _range(asked, since, until)
    told = await _in_range(
        asked, "timeline_events", device, start, end, before=start - STATE_BEFORE, limit=MAX_EVENTS + 1
    )
    rows = {
        "events": told[:MAX_EVENTS],
        "alerts": await _in_range(asked, "series_marks", device, start, end),
        "unheard": await _in_range(asked, "series_unheard", device, start, end),
        "tickets": await _in_range(asked, "timeline_tickets", device, start, end),
        "work": await _in_range(asked, "timeline_work", device, start, end, events=list(WORK)),
    }
    cut = len(told) > MAX_EVENTS and told[-1]["at"] >= start
    return Timeline(
        device=id,
        begins=start,
        ends=end,
        now=asked.now,
        cut=cut or any(len(found) == MAX_MARKS for name, found in rows.items() if name != "events"),
        lanes=lanes(rows, words, device, begins=start),
    )


async def _device(asked: Session, uid: str) -> DictRow:
    device = await find_device(asked.connection, uid)
    if device is None:
        raise not_found("device")
    return device


def _range(asked: Session, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    end = until or asked.now
    start = since or end - _USUAL
    if not start < end:
        raise invalid("query.from", "`from` must be before `to`.")
    if end - start > LONGEST:
        raise invalid("query.from", f"Ask for at most {LONGEST.days} days.")
    return start, end


async def _in_range(
    asked: Session, statement: str, device: DictRow, start: datetime, end: datetime, **more: Any
) -> list[DictRow]:
    """The newest first."""
    of = {"device": device["key"], "from": start, "to": end, "limit": MAX_MARKS, **more}
    return await _SQL.many(asked.connection, statement, of)


async def _stored(asked: Session, words: Reader, model: str, metric: str) -> dict[str, list[int]]:
    """The ids of a metric's readings by their unit."""
    stored: dict[str, list[int]] = {}
    for row in await _SQL.many(asked.connection, "metrics_named", {"name": metric}):
        stored.setdefault(unit_of(words.catalog, model, metric, row["unit"]), []).append(row["id"])
    return stored


async def _set(
    asked: Session, words: Reader, model: Model, signal: Signal, wanted: dict[str, Any], used: Plan
) -> SetPoints | None:
    """What was asked for, in the bins of what was delivered."""
    asked_by = None if signal.set_by is None else model.signals.get(signal.set_by)
    if asked_by is None:
        return None
    stored = await _stored(asked, words, model.key, asked_by.name)
    wanted = {**wanted, "metrics": stored.get(signal.unit, [])}
    rows = await (_binned(asked, wanted, used) if used.width else _readings(asked, wanted, MAX_POINTS))
    t, value = [row[0] for row in rows], [row[2] for row in rows]
    return SetPoints(metric=asked_by.name, name=asked_by.title.get(words.lang), t=t, value=value)


def _runs(signal: Signal | None, columns: Columns, used: Plan) -> list[Run] | None:
    if signal is None or not signal.states:
        return None
    width_ms = used.width // timedelta(milliseconds=1)
    return [
        Run(begins=run.begins, ends=run.ends, value=run.value, n=run.n)
        for run in runs_of(columns, width_ms=width_ms, lasts=signal.cadence != "exposure")
    ]


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
        readings = await _readings(asked, wanted, points + 1)
        if len(readings) <= points:
            return readings, Plan(resolution="raw", width=timedelta(0))
    return await _binned(asked, wanted, fit), fit


async def _readings(asked: Session, wanted: dict[str, Any], limit: int) -> list[_Row]:
    rows = await _SQL.many(asked.connection, "series_readings", {**wanted, "bad": BAD, "limit": limit})
    return [_row(row) for row in rows]


async def _binned(asked: Session, wanted: dict[str, Any], fit: Plan) -> list[_Row]:
    if fit.resolution != "raw":
        wanted = {
            **wanted,
            "from": aligned(wanted["from"], fit.width, up=False),
            "to": aligned(wanted["to"], fit.width, up=True),
        }
    rows = await _SQL.many(asked.connection, f"series_{fit.resolution}", {**wanted, "bad": BAD, "width": fit.width})
    return [_row(row) for row in rows]


def _row(row: DictRow) -> _Row:
    return row["t"], row["lo"], row["avg"], row["hi"], row["n"], row["bad"]


def _limits(signal: Signal | None, words: Reader) -> list[Limit]:
    return [
        Limit(
            rule=f"limit:{rule.key}",
            title=rule.title.get(words.lang),
            op=rule.op,
            raise_at=rule.raise_at,
            clear=rule.clear,
            for_s=rule.for_s,
            severity=rule.severity,
            advice=rule.advice.get(words.lang),
        )
        for rule in (() if signal is None else signal.rules)
    ]


async def _marks(asked: Session, words: Reader, device: DictRow, start: datetime, end: datetime) -> list[Mark]:
    rows = await _in_range(asked, "series_marks", device, start, end)
    return [
        of_row(
            Mark, row, alert=row["id"], begins=row["occurred_at"], ends=row["cleared_at"], text=said(words, row, device)
        )
        for row in reversed(rows)
    ]
