"""What an alert's page says beyond its row: its meaning, why it is, what to do, and what became of the ones before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import DictRow

from alerts.plan import CONNECTION_HOLD_MS, LIMIT, MORE, NUMBERS
from alerts.reasons import WATCHED
from api.alerts.shapes import AlertEvent, Around, Earlier, EarlierOnes, EarlierTicket, Elsewhere, Figures, TicketEnd
from api.http.context import Session
from api.http.language import Reader
from api.http.shapes import of_row
from api.http.signals import fitting
from catalog import quantity
from catalog.model import LimitRule, Model
from desk.tickets.opening import EVIDENCE_MS, guidance
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)
MAX_EVENTS: Final = 1000
MAX_EARLIER: Final = 20
ELSEWHERE: Final = timedelta(days=30)
_AROUND: Final = timedelta(milliseconds=EVIDENCE_MS)


async def detail_of(asked: Session, words: Reader, row: DictRow) -> dict[str, Any]:
    """The fields of `AlertDetail` that `Alert` hasn't, of a row of the statement `alerts`. Four statements."""
    model = words.catalog.models.get(row["model"])
    known = guidance(model, {"family": row["family"], "code": row["subject"], "rule": row["rule"]})
    fault = None if model is None or row["kind"] != "fault" else model.faults.get(row["subject"])
    advice = f"alert.advice.{_own(row)}"
    return {
        "read_only": not row["own"],
        "raised": row["message"] not in WATCHED,
        "meaning": _meaning(words, row, model),
        "source": None if fault is None else fault.source,
        "stops": None if known.stops is None else known.stops.get(words.lang),
        "advice": known.advice.get(words.lang)
        if known.advice is not None
        else (words.words(advice, {}) if advice in words.catalog.messages else None),
        "causes": [cause.get(words.lang) for cause in known.causes],
        "figures": figures_of(words, row, model),
        "picture": Around(
            begins=row["occurred_at"] - _AROUND,
            ends=min(asked.now, (row["cleared_at"] or asked.now) + _AROUND),
            fitting=fitting(model, row["family"], [row["subject"]]),
        ),
        "earlier": await _earlier(asked, words, row),
        "elsewhere": await _elsewhere(asked, row),
        "events": await _events(asked, words, row),
    }


def _own(row: DictRow) -> str:
    """What its messages are called by: a rule that every device has, or the kind of rule."""
    return "numbers" if row["rule"] == NUMBERS else str(row["kind"])


def _limit(model: Model | None, rule: str) -> LimitRule | None:
    limits = () if model is None else (limit for signal in model.signals.values() for limit in signal.rules)
    return next((limit for limit in limits if LIMIT + limit.key == rule), None)


def _meaning(words: Reader, row: DictRow, model: Model | None) -> str:
    said, params = f"alert.meaning.{_own(row)}", dict[str, Any](row["params"])
    match row["kind"]:
        case "fault":
            params["code"] = row["subject"]
            if row["subject"] == MORE:
                said = "alert.meaning.more"
            elif model is None or row["subject"] not in model.faults:
                said = "alert.meaning.unknown"
        case "limit":
            figures = figures_of(words, row, model)
            if figures is not None:
                said = f"alert.meaning.{figures.op}"
            elif _states(row, model):
                said = "alert.meaning.state"
            else:
                return words.said(row, row).text
            said += "" if row["params"].get("for_s") else "_at_once"
        case "silence":
            if model is None or model.silence is None:
                return words.said(row, row).text
            params["after_s"] = model.silence.after_s
        case "connection":
            params["for_s"] = CONNECTION_HOLD_MS / 1000
        case _:
            pass
    return words.words(said, params, model=row["model"], zone=row["time_zone"])


def _states(row: DictRow, model: Model | None) -> bool:
    """Whether it is about a signal that says one of several things, where no limit is of interest."""
    return model is not None and row["subject"] in model.signals and bool(model.signals[row["subject"]].states)


def figures_of(words: Reader, row: DictRow, model: Model | None) -> Figures | None:
    """As they were when it was judged; which way, the catalog says, or the message of a limit that it has no longer."""
    told: Mapping[str, Any] = row["params"]
    if row["kind"] != "limit" or not isinstance(told.get("value"), int | float) or "limit" not in told:
        return None
    if _states(row, model):
        return None
    limit = _limit(model, row["rule"])
    below = limit.op == "below" if limit is not None else row["message"].endswith("below")
    value, raised, clear, unit = told["value"], told["limit"], told.get("clear", told["limit"]), told.get("unit", "")
    of = {"signal": None if model is None else model.signals.get(row["subject"]), "unit": unit, "lang": words.lang}
    return Figures(
        value=value,
        limit=raised,
        clear=clear,
        unit=unit,
        op="below" if below else "above",
        for_s=told.get("for_s", 0.0),
        value_text=quantity.spoken(value, **of, others=[raised]),
        limit_text=quantity.limit(raised, **of),
        clear_text=quantity.limit(clear, **of),
    )


def _value_text(words: Reader, row: DictRow, value: float | None) -> str | None:
    """Another value of the same limit in words."""
    told = {**row, "params": {**row["params"], "value": value}}
    figures = figures_of(words, told, words.catalog.models.get(row["model"]))
    return None if figures is None else figures.value_text


async def _earlier(asked: Session, words: Reader, row: DictRow) -> EarlierOnes:
    of = {"device": row["device_id"], "rule": row["rule"], "at": row["occurred_at"], "alert": row["id"]}
    rows = await _SQL.many(asked.connection, "alert_earlier", {**of, "watched": list(WATCHED), "limit": MAX_EARLIER})
    tickets: dict[Any, list[EarlierTicket]] = {}
    for ticket in await _SQL.many(asked.connection, "alert_tickets", {"alerts": [each["id"] for each in rows]}):
        ended = None if ticket["event"] is None else of_row(TicketEnd, ticket)
        tickets.setdefault(ticket["alert_id"], []).append(of_row(EarlierTicket, ticket, ended=ended))
    return EarlierOnes(
        count=rows[0]["total"] if rows else 0,
        items=[
            of_row(
                Earlier, each, tickets=tickets.get(each["id"], []), value_text=_value_text(words, row, each["value"])
            )
            for each in rows
        ],
    )


async def _elsewhere(asked: Session, row: DictRow) -> Elsewhere:
    since: datetime = asked.now - ELSEWHERE
    [found] = await _SQL.many(
        asked.connection,
        "alert_elsewhere",
        {
            "device": row["device_id"],
            "rule": row["rule"],
            "model": row["model"],
            "since": since,
            "hospital": asked.hospital(None),
            "dealer": asked.dealer(),
            "watched": list(WATCHED),
        },
    )
    return of_row(Elsewhere, found, days=ELSEWHERE.days)


async def _events(asked: Session, words: Reader, row: DictRow) -> list[AlertEvent]:
    events = await _SQL.many(asked.connection, "alert_events", {"alert": row["id"], "limit": MAX_EVENTS})
    return [
        of_row(AlertEvent, event, note=event["params"].get("note", ""), message=words.said(event, row))
        for event in events
    ]
