"""What happened to a device, sorted into lanes of a timeline. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import DictRow

from api.http.language import Reader
from api.series.shapes import Lane, LaneKind, Moment, Span
from catalog.model import SEVERITIES

STATE_BEFORE: Final = timedelta(days=1)
"""How long before a range a state may have been told, and is still known when it begins."""
WORK: Final = ("arrive", "need-parts", "parts-here", "mend", "verify", "reject")
"""What people did at the equipment, of the events of a ticket."""
_KINDS: Final[Mapping[str, LaneKind]] = {"fault": "fault", "limit": "limit", "silence": "heard", "connection": "heard"}
_ORDER: Final[Sequence[LaneKind]] = ("heard", "fault", "limit", "doubt", "state", "ticket", "told")
_WHEN_IT_HAPPENS: Final = ("exposure.", "mpps.")
"""States of one exposure or examination: between two of them nobody knows."""

Rows = Mapping[str, Sequence[DictRow]]
"""`events`, `alerts`, `unheard`, `tickets` and `work`, each from newest to oldest."""


def said(words: Reader, row: DictRow, device: DictRow) -> str:
    """A row's message in the names of a device's model."""
    return words.words(row["message"], row["params"], model=device["model"], zone=device["time_zone"])


def lanes(rows: Rows, words: Reader, device: DictRow, *, begins: datetime) -> list[Lane]:
    """Those that have something in them: whether it was heard, then what is wrong, the worst first, then the rest."""
    made = _Lanes(words, device, begins)
    for alert in reversed(rows["alerts"]):
        made.alert(alert)
    for lost in reversed([row for row in rows["unheard"] if row["kind"] == "lost"]):
        made.lane("heard", "heard").spans.append(_span(lost["begins"], lost["ends"], text=made.word("lost")))
    for event in reversed(rows["events"]):
        made.event(event)
    for ticket in reversed(rows["tickets"]):
        made.ticket(ticket)
    for work in reversed(rows["work"]):
        text = f"{work['number']} {said(words, work, device)}"
        made.lane("ticket", "ticket").moments.append(Moment(at=work["at"], text=text))
    return sorted((lane for lane in made.by_key.values() if lane.spans or lane.moments), key=_rank)


def _rank(lane: Lane) -> tuple[int, int, str]:
    worst = min((SEVERITIES.index(span.severity) for span in lane.spans if span.severity), default=len(SEVERITIES))
    return _ORDER.index(lane.kind), worst, lane.key


def _span(begins: datetime, ends: datetime | None, *, text: str, **more: Any) -> Span:
    return Span(**{"severity": None, "alert": None, "ticket": None, **more}, begins=begins, ends=ends, text=text)


class _Lanes:
    def __init__(self, words: Reader, device: DictRow, begins: datetime) -> None:
        self._words = words
        self._device = device
        self._begins = begins
        self._model = words.catalog.models.get(device["model"])
        self.by_key: dict[str, Lane] = {}

    def lane(self, kind: LaneKind, key: str, name: str | None = None) -> Lane:
        if key not in self.by_key:
            self.by_key[key] = Lane(key=key, kind=kind, name=name or self.word(kind), spans=[], moments=[])
        return self.by_key[key]

    def word(self, of: str, **params: Any) -> str:
        return self._words.words(f"timeline.{of}", params, model=self._device["model"], zone=self._device["time_zone"])

    def alert(self, row: DictRow) -> None:
        kind = _KINDS.get(row["kind"], "doubt")
        key = row["rule"] if kind in ("fault", "limit") else kind
        lane = self.lane(kind, key, self._rule(key) if kind == "limit" else self._fault(row["subject"]))
        text = said(self._words, row, self._device)
        lane.spans.append(
            _span(row["occurred_at"], row["cleared_at"], text=text, severity=row["severity"], alert=row["id"])
        )
        lane.moments += [Moment(at=at, text=self.word("again")) for at in row["again"] if at >= self._begins]

    def _rule(self, rule: str) -> str:
        return self._words.words("ticket.title.limit", {"rule": rule}, model=self._device["model"])

    def _fault(self, code: str) -> str | None:
        known = None if self._model is None else self._model.faults.get(code)
        return self._words.text(None if known is None else known.name, code) if code else None

    def event(self, row: DictRow) -> None:
        kind, body, at = row["kind"], row["body"], row["at"]
        if kind == "state":
            self._state(at, str(body.get("name", "")), str(body.get("value", "")))
            return
        if at < self._begins:
            return
        if kind == "fault":
            code = str(body.get("code", ""))
            text = self.word(f"fault.{body.get('state', 'event')}", code=code, count=body.get("count", 1))
            self.lane("fault", f"fault:{code}", self._fault(code)).moments.append(Moment(at=at, text=text))
        else:
            params = {name: value for name, value in body.items() if isinstance(value, str | int | float)}
            self.lane("told", "told").moments.append(Moment(at=at, text=self.word(f"told.{kind}", **params)))

    def _state(self, at: datetime, name: str, value: str) -> None:
        spans = self.lane("state", f"state:{name}", self._state_name(name)).spans
        text = self._slugged("word.state_value.", value)
        if name.startswith(_WHEN_IT_HAPPENS):
            if at < self._begins:
                return
            if spans and spans[-1].text == text:
                spans[-1].ends = at
            else:
                spans.append(_span(at, at, text=text))
            return
        if spans and spans[-1].text == text:
            return
        if spans:
            spans[-1].ends = at
            if at <= self._begins:
                spans.pop()
        spans.append(_span(at, None, text=text))

    def _state_name(self, name: str) -> str:
        if not name.startswith("reagent."):
            return self._slugged("word.state_name.", name)
        left = f"{name.removesuffix('.status')}.remaining"
        return self.word("reagent", signal=left)

    def _slugged(self, prefix: str, word: str) -> str:
        return self._words.text(self._words.catalog.messages.get(prefix + word.lower().replace(" ", "-")), word)

    def ticket(self, row: DictRow) -> None:
        family = None if self._model is None else self._model.families.get(row["family"])
        name = self._words.text(None if family is None else family.name, row["family"])
        self.lane("ticket", "ticket").spans.append(
            _span(
                row["opened_at"],
                row["closed_at"],
                text=f"{row['number']} {name}",
                severity=row["severity"],
                ticket=row["number"],
            )
        )
