"""Turns a stored message id and its parameters into words.

Templates hold `{name}` or `{name:kind}`. Parameters come from equipment and are hostile text: they are put in as they
are, never read as a template or a format, and stripped of control characters. What a parameter may be:

- a text or a number, shown as it is;
- `{"zh": …, "en": …}`, of which the reader's language is shown;
- a list of those, shown with commas;
- with a kind, a language-neutral value that is translated; what can't be is shown as it is:
  `signal`, `fault`, `family`, `model`, `runbook`: a key of the catalog becomes its name (a family of no model, such
  as `identity`: the message `word.family.<key>`);
  `step`: "runbook/step" becomes the step's title;
  `unit`: a UCUM code becomes its symbol and the space before it (write `{value}{unit:unit}`);
  `severity`, `state`, `outcome`, `lane`: becomes the message `word.<kind>.<value>`;
  `duration`: seconds become "5 min"; `time`: milliseconds since 1970, or ISO 8601, become date and time.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from catalog.model import Catalog, Lang, Model, Text
from catalog.units import SYMBOLS

MAX_PARAM: Final = 500
"""Characters of one parameter that are shown."""

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")
_WORDS: Final = frozenset({"family", "severity", "state", "outcome", "lane"})
_NAMES: Final = frozenset({"signal", "fault", "family"})
KINDS: Final = _WORDS | _NAMES | {"model", "runbook", "step", "unit", "duration", "time"}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS: Final = (
    (86_400, Text(zh="天", en="d")),
    (3_600, Text(zh="小时", en="h")),
    (60, Text(zh="分钟", en="min")),
    (1, Text(zh="秒", en="s")),
)


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

    def translate(value: object, kind: str) -> str:
        shown = _plain(value)
        if kind == "duration":
            return _duration(value, lang)
        if kind == "time":
            return _time(value, tz)
        if kind == "unit":
            symbol = SYMBOLS.get(shown, shown)
            return symbol if symbol in {"", "%"} else f" {symbol}"
        name = _name(shown, kind, models) or _word(shown, kind, catalog)
        return shown if name is None else name.get(lang)

    def show(value: object, kind: str) -> str:
        if isinstance(value, Mapping):
            return _plain(value.get(lang, ""))
        return translate(value, kind)

    def fill(match: re.Match[str]) -> str:
        value = params.get(match[1])
        if value is None:
            return f"‹{match[1]}?›"
        kind = match[2] or ""
        if isinstance(value, list | tuple):
            return ("、" if lang == "zh" else ", ").join(show(item, kind) for item in value)
        return show(value, kind)

    return PLACEHOLDER.sub(fill, text.get(lang))


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
    return None


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and abs(value) >= 10**18:  # str() of thousands of digits raises
        return "∞" if value > 0 else "-∞"
    text = str(value) if isinstance(value, str | int) else ""
    shown = text if len(text) <= MAX_PARAM else text[:MAX_PARAM] + "…"
    # Cc control, Cf format (bidirectional overrides turn the text around), Cs lone surrogates, Zl and Zp line breaks
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in shown)


def _duration(value: object, lang: Lang) -> str:
    if not isinstance(value, int | float) or not abs(value) < 1e12:
        return _plain(value)
    rest = round(abs(value))
    if rest == 0:
        return f"{_plain(value)} {_SPANS[-1][1].get(lang)}"
    shown: list[str] = []
    for seconds, unit in _SPANS:
        count, rest = divmod(rest, seconds)
        if count:
            shown.append(f"{count} {unit.get(lang)}")
    return ("-" if value < 0 else "") + " ".join(shown[:2])


def _time(value: object, tz: tzinfo) -> str:
    try:
        if isinstance(value, int | float):
            moment = (_EPOCH + timedelta(milliseconds=value)).astimezone(tz)
        else:
            moment = datetime.fromisoformat(_plain(value))
            if moment.tzinfo is not None:
                moment = moment.astimezone(tz)
    except (ValueError, OverflowError):
        return _plain(value)
    return moment.isoformat(sep=" ", timespec="seconds")[:19]
