"""Turns a stored message id and its parameters into words.

Templates hold `{name}` or `{name:kind}`. Parameters come from equipment and are hostile text: they are put in as they
are, never read as a template or a format, and stripped of control characters. What a parameter may be:

- a text or a number, shown as it is;
- `{"zh": …, "en": …}`, of which the reader's language is shown;
- a list of those, shown with commas;
- with a kind, a language-neutral value that is translated; what can't be is shown as it is:
  `signal`, `fault`, `rule`, `family`, `model`, `runbook`: a key of the catalog becomes its name (a family of no model,
  such as `identity`: the message `word.family.<key>`);
  `named`: a fault code becomes its name in parentheses, as it stands behind the code, or that the catalog hasn't it;
  `step`: "runbook/step" becomes the step's title;
  `quantity`, `limit`: a number becomes what its signal says, with digits, unit or words (`catalog.quantity`); signal
  and UCUM unit are the parameters `signal` and `unit` of the same message;
  `severity`, `state`, `outcome`, `lane`, `subsystem`, `usable`: becomes the message `word.<kind>.<value>`;
  `duration`: seconds become "5 min", `millis`: milliseconds do; `time`: milliseconds since 1970, or ISO 8601, become
  date and time in the zone, whose offset stands behind the last one ("UTC+8"; ADR 0041);
  `s`: an English plural, "s" unless the number is 1; Chinese has none, and leaves it out.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from catalog import quantity
from catalog.model import Catalog, Lang, Model, Signal, Text

MAX_PARAM: Final = 500
"""Characters of one parameter that are shown."""

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")
PLURAL: Final = "s"
_WORDS: Final = frozenset({"family", "severity", "state", "outcome", "lane", "subsystem", "usable"})
_NAMES: Final = frozenset({"signal", "fault", "family", "rule"})
NAMED: Final = "named"
_NUMBERS: Final = frozenset({"quantity", "limit", "duration", "millis", PLURAL})
KINDS: Final = _WORDS | _NAMES | _NUMBERS | {"model", "runbook", "step", "time", NAMED}
_LIMIT: Final = "limit:"
"""How the engine's key of a limit's rule begins; the catalog's own follows."""
_OF_STATES: Final = {"alert.limit.above": "alert.state.held", "alert.limit.below": "alert.state.held"}
"""What a former version kept of a signal that says yes or no, as it is said now: it isn't above or below anything."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def placeholders(template: str) -> frozenset[tuple[str, str]]:
    """(name, kind) of each parameter of a template; the kind is "" where none is given."""
    return frozenset(PLACEHOLDER.findall(template))


def render(
    message_id: str,
    params: Mapping[str, object],
    lang: Lang,
    catalog: Catalog,
    *,
    model: str | None = None,
    tz: tzinfo = UTC,
) -> str:
    """The words of a message. Never raises: an unknown id is shown as ‹id?› and a missing parameter as ‹name?›.

    `model`: key of the device's model, whose names of signals, faults and families come first. `tz`: of times.
    """
    text = catalog.messages.get(message_id)
    if text is None:
        return f"‹{_plain(message_id)}?›"
    own = None if model is None else catalog.models.get(model)
    models = (*(() if own is None else (own,)), *catalog.models.values())
    signal = _signal(_plain(params.get("signal")), models)
    if signal is not None and signal.states:
        text = catalog.messages.get(_OF_STATES.get(message_id, message_id), text)
    filling = _Filling(text.get(lang), params, lang, catalog, models=models, signal=signal, tz=tz)
    return PLACEHOLDER.sub(filling.fill, filling.template)


class _Filling:
    """One template with its parameters. `signal`: what the parameter `signal` names."""

    def __init__(
        self,
        template: str,
        params: Mapping[str, object],
        lang: Lang,
        catalog: Catalog,
        *,
        models: tuple[Model, ...],
        signal: Signal | None,
        tz: tzinfo,
    ) -> None:
        self.template = template
        self._params = params
        self._lang = lang
        self._catalog = catalog
        self._models = models
        self._signal = signal
        self._tz = tz
        times = [match for match in PLACEHOLDER.finditer(template) if match[2] == "time"]
        self._offsets = {_offset(params.get(match[1]), tz) for match in times}
        self._last_time = times[-1].start() if times else -1

    def fill(self, match: re.Match[str]) -> str:
        value, kind = self._params.get(match[1]), match[2] or ""
        if value is None:
            if kind == "rule" and self._signal is not None:
                return _title_of_limit(self._signal, self._params.get("limit")).get(self._lang)
            return f"‹{match[1]}?›"
        if kind == "time":
            return _time(value, self._tz, marked=len(self._offsets) > 1 or match.start() == self._last_time)
        if isinstance(value, list | tuple):
            return ("、" if self._lang == "zh" else ", ").join(self._show(item, kind) for item in value)
        return self._show(value, kind)

    def _show(self, value: object, kind: str) -> str:
        if isinstance(value, Mapping):
            return _plain(value.get(self._lang, ""))
        if kind in _NUMBERS:
            if (number := _number(value)) is not None:
                return self._say(number, kind)
            return "" if kind == PLURAL else _plain(value)
        shown = _plain(value)
        if kind == NAMED:
            known = _name(shown, "fault", self._models) or self._catalog.messages.get("word.fault.unknown")
            said = shown if known is None else known.get(self._lang)
            return f"（{said}）" if self._lang == "zh" else f" ({said})"
        name = _name(shown, kind, self._models) or _word(shown, kind, self._catalog)
        if name is not None:
            return name.get(self._lang)
        return shown.removeprefix(_LIMIT) if kind == "rule" else shown

    def _say(self, value: float, kind: str) -> str:
        if kind == PLURAL:
            return "" if value == 1 else PLURAL
        if kind in {"duration", "millis"}:
            return quantity.duration(value / 1000 if kind == "millis" else value, self._lang)
        unit = _plain(self._params.get("unit")) or ("" if self._signal is None else self._signal.unit)
        if kind == "limit":
            return quantity.limit(value, signal=self._signal, unit=unit, lang=self._lang)
        beside = [_number(self._params.get(name)) for name, other in placeholders(self.template) if other == "limit"]
        others = [each for each in beside if each is not None]
        return quantity.spoken(value, signal=self._signal, unit=unit, lang=self._lang, others=others)


def _word(shown: str, kind: str, catalog: Catalog) -> Text | None:
    if kind in _WORDS:
        return catalog.messages.get(f"word.{kind}.{shown}")
    if kind == "model":
        return catalog.models[shown].name if shown in catalog.models else None
    if kind == "runbook":
        return catalog.runbooks[shown].name if shown in catalog.runbooks else None
    if kind == "step":
        book, _, step_id = shown.partition("/")
        steps = catalog.runbooks[book].steps if book in catalog.runbooks else ()
        return next((step.title for step in steps if step.id == step_id), None)
    return None


def _name(shown: str, kind: str, models: tuple[Model, ...]) -> Text | None:
    if kind not in _NAMES:
        return None
    for model in models:
        if kind == "signal" and shown in model.signals:
            return model.signals[shown].title
        if kind == "fault" and shown in model.faults:
            return model.faults[shown].name
        if kind == "family" and shown in model.families:
            return model.families[shown].name
        if kind == "rule" and (found := _rule_title(shown.removeprefix(_LIMIT), model)) is not None:
            return found
    return None


def _rule_title(key: str, model: Model) -> Text | None:
    return next((rule.title for signal in model.signals.values() for rule in signal.rules if rule.key == key), None)


def _title_of_limit(signal: Signal, limit: object) -> Text:
    """Of a row that a former version kept, which names its signal and its limit, but not their rule."""
    return next((rule.title for rule in signal.rules if rule.raise_at == limit), signal.title)


def _signal(name: str, models: tuple[Model, ...]) -> Signal | None:
    return next((model.signals[name] for model in models if name in model.signals), None)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and abs(value) >= 10**18:  # str() of thousands of digits raises
        return "∞" if value > 0 else "-∞"
    text = str(value) if isinstance(value, str | int) else ""
    shown = text if len(text) <= MAX_PARAM else text[:MAX_PARAM] + "…"
    # Cc control, Cf format (bidirectional overrides turn the text around), Cs lone surrogates, Zl and Zp line breaks
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in shown)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else None


def _moment(value: object, tz: tzinfo) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return (_EPOCH + timedelta(milliseconds=value)).astimezone(tz)
        moment = datetime.fromisoformat(_plain(value))
        return moment if moment.tzinfo is None else moment.astimezone(tz)
    except (ValueError, OverflowError):
        return None


def _offset(value: object, tz: tzinfo) -> timedelta | None:
    moment = _moment(value, tz)
    return None if moment is None else moment.utcoffset()


def _time(value: object, tz: tzinfo, *, marked: bool) -> str:
    moment = _moment(value, tz)
    if moment is None:
        return _plain(value)
    shown = moment.isoformat(sep=" ", timespec="seconds")[:19]
    offset = moment.utcoffset()
    return shown if offset is None or not marked else f"{shown} {_zone_mark(offset)}"


def _zone_mark(offset: timedelta) -> str:
    """`UTC`, `UTC+8`, `UTC-3:30`."""
    hours, minutes = divmod(abs(round(offset.total_seconds() / 60)), 60)
    if not hours and not minutes:
        return "UTC"
    return f"UTC{'-' if offset < timedelta(0) else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
