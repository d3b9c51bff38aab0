"""docs/messages.md has everything that people read of faults, limits and verdicts, as it is read, in both languages.

It is there to be read by a person: `python -m tests.unit.steth.test_messages_page --write`.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from alerts.reasons import LATE, LATE_SUMMARY, MESSAGES
from alerts.titles import title
from api.devices.state import WORDS
from catalog.load import load
from catalog.messages import render
from catalog.model import SEVERITIES, Lang, LimitRule, Model, Signal
from catalog.quantity import digits_of
from desk.telling.letters import Letter, compose, summarise, trial
from desk.zones import zone_of
from wire.times import time_of

PAGE: Final = Path(__file__).parents[3] / "docs" / "messages.md"
CATALOG: Final = load()
ZONE: Final = zone_of("Asia/Shanghai")
AT: Final = 1_795_312_800_000
ISO: Final = time_of(AT).isoformat()
LATER: Final = time_of(AT + 754_000).isoformat()
LANGS: Final[tuple[Lang, Lang]] = ("zh", "en")
NAMES: Final[Mapping[Lang, str]] = {"zh": "中文", "en": "English"}
_HEAD: Final = """\
# Everything that is said of faults
Made from the catalog by `python -m tests.unit.steth.test_messages_page --write`, and held by that test. Read it whole
whenever a text changes, as somebody who repairs equipment and as somebody who is woken by it: no test sees that a
sentence reads as if a machine had written it.
"""
_FAULT: Final = {"code": "GEN-KV-01", "by": "DET-CAL-02", "count": 3, "after_s": 14_400.0, "quiet_s": 300.0, "lost": 1}
_OTHERS: Final[dict[str, Any]] = {
    **_FAULT,
    "signal": "bath.temperature",
    "rule": "limit:bath-too-warm",
    "value": 37.64,
    "limit": 37.6,
    "clear": 37.3,
    "unit": "Cel",
    "for_s": 60.0,
    "last": ISO,
    "first": ISO,
    "silent_s": 390.0,
    "offset_s": 7380,
    "occurred": ISO,
    "learned": LATER,
}
_OF: Final[dict[str, dict[str, Any]]] = {
    "below": {"rule": "limit:bath-too-cool", "value": 36.36, "limit": 36.4, "clear": 36.7},
    "state": {
        "signal": "detector.nominal",
        "rule": "limit:detector-not-nominal",
        "value": 0.0,
        "limit": 0.5,
        "unit": "1",
    },
    "unknown": {"code": "XYZ-99"},
    "more": {"code": "*"},
    "connection": {"for_s": 600.0},
}
_BACK: Final = {"above": 37.29, "below": 36.71, "state": 1.0}
_TICKET: Final[dict[str, Any]] = {
    "who": "li.na",
    "site": "第一医院 放射科",
    "family": "bath",
    "code": "BTH-TMP-01",
    "rule": "limit:bath-too-warm",
    "number": "WX20261122-007",
    "since": ISO,
    "from": ISO,
    "to": LATER,
    "count": 1,
    "active_alerts": 1,
    "attempts": 1,
    "severity": "major",
    "old": "new",
    "new": "accepted",
    "readings": 50_000,
    "events": 1_000,
    "runbook": "analyzer-check",
    "cause": [{"zh": "加热器故障", "en": "heater failed"}],
    "actions": [{"zh": "更换", "en": "replaced"}],
    "parts": ["1"],
    "usable": "no",
    "words": "反应槽报警",
    "caller": "王医生",
    "unchecked": "incubation",
    "unit": "V",
    "expected": "kV",
    "cpu": 97.2,
    "memory": 96.1,
    "used": 95.7,
    "uptime_s": 130.0,
    "offset_ms": -65_000.0,
    "live": 1,
    "bulk": 1204.0,
    "dropped": 1.0,
    "round_trip_ms": 1210.0,
}


@cache
def models() -> tuple[Model, ...]:
    """Those that a device can be of, and all bases."""
    return tuple(CATALOG.models[key] for key in sorted(CATALOG.models))


def said(message: str, params: Mapping[str, object], lang: Lang, model: str | None = None) -> str:
    return render(message, params, lang, CATALOG, model=model, tz=ZONE)


def codes(lang: Lang) -> Iterator[list[str]]:
    """Each code once: the model where it stands is the first that has it and whose bases don't."""
    seen: set[str] = set()
    for model in sorted(models(), key=lambda each: len(each.faults)):
        for fault in model.faults.values():
            if fault.code in seen:
                continue
            seen.add(fault.code)
            named, params = title(kind="fault", subject=fault.code, rule=f"fault:{fault.code}", family=fault.family)
            family = model.families[fault.family].name.get(lang)
            yield [
                fault.code,
                family,
                said(named, params, lang, model.key),
                said(f"word.severity.{fault.severity}", {}, lang),
                fault.stops.get(lang),
                fault.advice.get(lang),
            ]


def limits() -> Iterator[tuple[Model, Signal, LimitRule]]:
    seen: set[str] = set()
    for model in sorted(models(), key=lambda each: len(each.signals)):
        for signal in model.signals.values():
            for rule in signal.rules:
                if rule.key not in seen:
                    seen.add(rule.key)
                    yield model, signal, rule


def rules(lang: Lang) -> Iterator[list[str]]:
    for model, signal, rule in limits():
        away = 10.0 ** -(digits_of(signal, signal.unit) or 0)
        beyond = rule.raise_at + (away if rule.op == "above" else -away)
        if signal.states:
            beyond = 1.0 if rule.op == "above" else 0.0
        params = {"rule": f"limit:{rule.key}", "signal": signal.name, "value": beyond, "limit": rule.raise_at}
        params |= {"clear": rule.clear, "unit": signal.unit}
        named, of = title(kind="limit", subject=signal.name, rule=f"limit:{rule.key}", family=rule.family)
        over = {**params, "value": 1.0 - beyond if signal.states else rule.clear}
        yield [
            model.families[rule.family].name.get(lang),
            said(named, of, lang, model.key),
            said("alert.state.held" if signal.states else f"alert.limit.{rule.op}", params, lang, model.key),
            said("alert.state.cleared" if signal.states else "alert.limit.cleared", over, lang, model.key),
            rule.advice.get(lang),
        ]


def alerts(lang: Lang) -> Iterator[list[str]]:
    kinds = {(f"{variant}", f"{reason}"): message for (reason, variant), message in MESSAGES.items()}
    kinds |= {(f"{variant}", "late"): message for variant, message in LATE.items()} | {("", "late"): LATE_SUMMARY}
    for (variant, reason), message in sorted(kinds.items()):
        params = {**_OTHERS, **_OF.get(variant, {})}
        if reason in {"cleared", "not-held"}:
            params["value"] = _BACK.get(variant, 0.0)
        yield [f"{variant} {reason}".strip(), said(message, params, lang, "generic-dr")]


def others(lang: Lang, *begin: str) -> Iterator[list[str]]:
    for message in CATALOG.messages:
        if message.startswith(begin):
            state = _OF["state"] if ".state" in message else {}
            of = {"signal": "tube.voltage"} if message == "device.foreign_unit" else {"unit": "Cel"}
            yield [message, said(message, {**_OTHERS, **_TICKET, **of, **state}, lang, "generic-analyzer")]


def letter(number: int, **changes: Any) -> Letter:
    fault = CATALOG.models["generic-analyzer"].families["bath"]
    fields: dict[str, Any] = {
        "message": "notify.ticket",
        "severity": "major",
        "params": {},
        "number": f"WX20261122-{number:03}",
        "title": "ticket.title.limit",
        "parts": fault.parts,
        "occurred_ms": AT,
        "device": "AU5800",
        "title_params": {"family": "bath", "signal": "bath.temperature", "rule": "limit:bath-too-warm"},
        "model": "generic-analyzer",
        "org": "第一医院",
        "site_id": 1,
        "site": "检验科",
        "zone": "Asia/Shanghai",
    }
    return Letter(**(fields | changes))


def letters(lang: Lang) -> Iterator[str]:
    public = "https://steth.example"
    code = {"title": "ticket.title", "title_params": {"family": "bath", "code": "BTH-TMP-02"}, "severity": "critical"}
    silent = {"title": "ticket.title.silence", "title_params": {"family": "link", "rule": "silence"}, "parts": ()}
    many = [letter(1), letter(2, **code), letter(3, closed=True), letter(4, site="放射科", **silent)]
    for text in (
        compose(letter(7), lang, CATALOG, public_url=public),
        compose(letter(8, **code), lang, CATALOG),
        compose(letter(9, **silent), lang, CATALOG, public_url=public),
        summarise(many[:3], lang, CATALOG, public_url=public),
        summarise([*many, *(letter(n) for n in range(5, 15))], lang, CATALOG, public_url=public),
        trial("NOC", lang, CATALOG),
    ):
        yield f"```text\n{text.subject}\n\n{text.body}\n```"
    head = {"at": "2026-11-22T02:00:00Z", "entries": 1, "head": "…"}
    yield f"```text\n{said('notify.head.subject', head, lang)}\n\n{said('notify.head.body', head, lang)}\n```"


def facts(lang: Lang) -> Iterator[list[str]]:
    for reason, text in WORDS.items():
        yield [reason.value, text.get(lang)]


def table(head: list[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '·') for cell in line)} |" for line in lines)


def page() -> str:
    parts = [_HEAD]
    for lang in LANGS:
        parts += [
            f"## {NAMES[lang]}",
            "### Codes",
            table(["code", "family", "title", "severity", "stops", "advice"], codes(lang)),
            "### Limits",
            table(["family", "title", "message", "over", "advice"], rules(lang)),
            "### Alerts, by kind of rule and reason",
            table(["kind, reason", "message"], alerts(lang)),
            "### What an alert means",
            table(["id", "text"], others(lang, "alert.meaning.", "alert.advice.", "device.")),
            "### Tickets",
            table(["id", "text"], others(lang, "ticket.", "episode.")),
            "### Remote diagnosis",
            table(["id", "text"], others(lang, "remote.")),
            "### A device's three facts",
            table(["reason", "text"], facts(lang)),
            "### Letters",
            *letters(lang),
        ]
    return "\n\n".join(parts) + "\n"


def test_the_page_is_what_is_said() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.unit.steth.test_messages_page --write"


def test_no_text_of_it_lacks_anything() -> None:
    assert not re.search(r"[‹›{}]", page())


@pytest.mark.parametrize("lang", LANGS)
def test_each_rule_has_a_title_of_its_own_that_is_no_signals(lang: Lang) -> None:
    for model in models():
        titles = [rule.title.get(lang) for signal in model.signals.values() for rule in signal.rules]
        assert len(set(titles)) == len(titles)
        assert not {signal.title.get(lang) for signal in model.signals.values() if not signal.states} & set(titles)


def test_every_subsystem_has_a_word_for_what_was_not_checked() -> None:
    subsystems = {family.subsystem for model in models() for family in model.families.values()}
    assert {f"word.subsystem.{each}" for each in subsystems} <= CATALOG.messages.keys()


def test_severities_are_all_said() -> None:
    assert {row[3] for row in codes("en")} == set(SEVERITIES)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
