"""Turns a stored message id and its parameters into words.

Templates hold `{name}` or `{name:kind}`. Parameters come from equipment and are hostile text: they are put in as they are,
never read as a template or format, and stripped of control characters. A kind translates a language-neutral value:

    signal, fault, family, model, runbook   a key of the catalog -> its name (`{code:fault}`; unknown: the key itself)
    unit        UCUM code -> symbol
    severity, state, verdict, lane, reason  a word -> the message `word.<kind>.<value>` (unknown: the word itself)
    duration    seconds -> "5 min" / "5 分钟"
    time        ISO 8601 -> local date and time of `tz`
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from catalog.model import Catalog, Lang, Model, Text
from catalog.units import SYMBOLS

Param = str | int | float | bool | None

MAX_PARAM = 500
"""Characters of one parameter that are shown."""

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")
WORDS = frozenset({"severity", "state", "verdict", "lane", "reason"})
NAMES = frozenset({"signal", "fault", "family", "model", "runbook"})
KINDS = WORDS | NAMES | {"unit", "duration", "time"}

_SPANS: tuple[tuple[int, Text], ...] = (
    (86_400, Text(zh="天", en="d")),
    (3_600, Text(zh="小时", en="h")),
    (60, Text(zh="分钟", en="min")),
    (1, Text(zh="秒", en="s")),
)


def placeholders(template: str) -> frozenset[tuple[str, str]]:
    """(name, kind) of each parameter of a template; kind "" where none is given."""
    return frozenset((name, kind or "") for name, kind in PLACEHOLDER.findall(template))


def render(
    message_id: str,
    params: Mapping[str, Param],
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

    def fill(match: re.Match[str]) -> str:
        name, kind = match.group(1), match.group(2) or ""
        if name not in params or params[name] is None:
            return f"‹{name}?›"
        return _show(params[name], kind, lang, catalog, model, tz)

    return PLACEHOLDER.sub(fill, text.get(lang))


def _show(value: Param, kind: str, lang: Lang, catalog: Catalog, model: str | None, tz: tzinfo) -> str:
    plain = _plain(value)
    if kind == "unit":
        return SYMBOLS.get(plain, plain)
    if kind == "duration":
        return _duration(value, lang)
    if kind == "time":
        return _time(plain, tz)
    if kind in WORDS:
        word = catalog.messages.get(f"word.{kind}.{plain}")
        return plain if word is None else word.get(lang)
    if kind in NAMES:
        found = _name(plain, kind, catalog, model)
        return plain if found is None else found.get(lang)
    return plain


def _name(key: str, kind: str, catalog: Catalog, model: str | None) -> Text | None:
    if kind == "model":
        return catalog.models[key].name if key in catalog.models else None
    if kind == "runbook":
        return catalog.runbooks[key].name if key in catalog.runbooks else None
    own = catalog.models.get(model) if model is not None else None
    for candidate in (*((own,) if own else ()), *catalog.models.values()):
        found = _name_in(candidate, key, kind)
        if found is not None:
            return found
    return None


def _name_in(model: Model, key: str, kind: str) -> Text | None:
    if kind == "signal":
        signal = model.signals.get(key)
        return None if signal is None else signal.title
    if kind == "fault":
        fault = model.faults.get(key)
        return None if fault is None else fault.name
    family = model.families.get(key)
    return None if family is None else family.name


def _plain(value: Param) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    shown = text if len(text) <= MAX_PARAM else text[:MAX_PARAM] + "…"
    # Cc control, Cf format (bidirectional overrides turn text around), Cs lone surrogates (no UTF-8), Zl/Zp line breaks
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in shown)


def _duration(value: Param, lang: Lang) -> str:
    if isinstance(value, (bool, str)) or value is None or not abs(value) < 1e12:
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


def _time(value: str, tz: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(tz)
    except (ValueError, OverflowError):
        return value
    return moment.strftime("%Y-%m-%d %H:%M:%S")
