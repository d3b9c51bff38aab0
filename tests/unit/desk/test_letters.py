import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from catalog.load import load
from catalog.model import Lang, Model, PartRef, Text
from desk.telling.letters import LINES, ComposeError, Letter, compose, summarise, trial

CATALOG = load()
RAW = re.compile(r"[{}‹›]|\[['\"(]|None|\bzh\b|\bText\(|PartRef\(")
"""What no person should read: a dict, a list, a placeholder, a struct."""
PART = PartRef(
    key="inverter",
    name=Text(zh="逆变板", en="inverter board"),
    spec=Text(zh="80 kW 高频", en="80 kW, high frequency"),
    quantity=2,
    probability=0.5,
)


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "message": "notify.ticket",
        "severity": "critical",
        "params": {},
        "number": "WX20261122-007",
        "title": "ticket.title",
        "title_params": {"family": "generator.kv", "code": "GEN-KV-01"},
        "parts": [PART],
        "occurred_ms": 1_795_312_800_000,
        "device": "DR 一室",
        "model": "generic-dr",
        "org": "第一医院",
        "site_id": 1,
        "site": "放射科",
        "zone": "Asia/Shanghai",
    }
    return Letter(**(fields | changes))


def test_in_chinese() -> None:
    text = compose(letter(), "zh", CATALOG)
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert text.subject.startswith("[紧急] WX20261122-007 DR 一室")
    assert fault.name.zh in text.subject
    for word in (
        "第一医院 放射科",
        "2026-11-22 10:00:00 UTC+8",
        fault.stops.zh,
        fault.advice.zh,
        "逆变板 ×2（80 kW 高频）",
    ):
        assert word in text.body


def test_in_english_with_a_link_to_the_ticket_on_the_page() -> None:
    text = compose(letter(), "en", CATALOG, public_url="https://steth.example/")
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert text.subject.startswith("[critical] WX20261122-007")
    assert fault.advice.en in text.body
    assert "inverter board ×2 (80 kW, high frequency)" in text.body
    assert text.body.endswith("https://steth.example/tickets/WX20261122-007")


def known(model: Model) -> Iterator[tuple[str, dict[str, str], tuple[PartRef, ...]]]:
    """Title, parameters and parts of every ticket that a model's faults, limits and silence can open."""
    for code, fault in model.faults.items():
        yield "ticket.title", {"family": fault.family, "code": code}, fault.parts
    for signal in model.signals.values():
        for rule in signal.rules:
            params = {"family": rule.family, "signal": signal.name, "rule": f"limit:{rule.key}"}
            yield "ticket.title.limit", params, model.families[rule.family].parts
    if model.silence is not None:
        params = {"family": model.silence.family, "rule": "silence"}
        yield "ticket.title.silence", params, model.families[model.silence.family].parts
    for key, family in model.families.items():
        yield "ticket.title.silence", {"family": key, "rule": "silence"}, family.parts


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("key", list(CATALOG.models))
def test_whatever_the_catalog_can_open_reads_as_words_with_its_parts(key: str, lang: Lang) -> None:
    named = 0
    for title, params, parts in known(CATALOG.models[key]):
        stored = msgspec.json.decode(msgspec.json.encode(parts), type=tuple[PartRef, ...])  # as the row keeps them
        one = letter(model=key, title=title, title_params=params, parts=stored, device="D", org="O", site="S")
        many = summarise([one, msgspec.structs.replace(one, number="WX20261122-008")], lang, CATALOG)
        text = compose(one, lang, CATALOG)
        for part in parts:
            spec = f"（{part.spec.zh}）" if lang == "zh" else f" ({part.spec.en})"
            assert f"{part.name.get(lang)} ×{part.quantity}{spec}" in text.body
            named += 1
        for words in (text.subject, text.body, many.subject, many.body):
            assert not RAW.search(words), words
    assert named or not any(family.parts for family in CATALOG.models[key].families.values())


def test_what_the_catalog_does_not_know_is_told_all_the_same() -> None:
    text = compose(
        letter(model="nobody-knows", title="no.such.message", title_params={}, parts=[], zone="Not/A zone"),
        "zh",
        CATALOG,
    )
    assert "WX20261122-007" in text.subject
    assert "2026-11-22 10:00:00" in text.body


@pytest.mark.parametrize("message", ["no.such", "notify.cleared"])
def test_a_frame_that_is_unknown_or_lacks_a_parameter_cannot_be_composed(message: str) -> None:
    with pytest.raises(ComposeError, match=message):
        compose(letter(message=message), "en", CATALOG)


def test_hostile_names_break_neither_the_subject_nor_the_lines() -> None:
    device = "DR\r\nBcc: everybody@example.org\u202e{number}"
    text = compose(letter(device=device), "en", CATALOG)
    many = summarise([letter(device=device), letter(number="2", org=device)], "en", CATALOG)
    for subject, body in ((text.subject, text.body), (many.subject, many.body)):
        assert "\r" not in subject + body
        assert "\n" not in subject
        assert "\u202e" not in subject + body
    assert len(text.body.splitlines()) == len(compose(letter(), "en", CATALOG).body.splitlines())
    assert len(many.body.splitlines()) == 3
    assert "{number}" in text.subject


def test_many_of_a_site_are_counted_and_the_worst_are_named_first() -> None:
    letters = [letter(number=f"WX20261122-{n:03}", severity="minor") for n in range(1, 30)]
    letters += [letter(number="WX20261122-099", severity="critical"), letter(number="WX20261122-003", severity="major")]
    text = summarise(letters, "zh", CATALOG, public_url="https://steth.example")
    lines = text.body.splitlines()
    assert text.severity == "critical"
    assert text.subject == "[紧急] 第一医院 放射科：30 张工单"
    assert lines[0] == "第一医院 放射科：30 张工单（紧急 1、重要 1、一般 28）"
    assert [line.split()[1] for line in lines[1:3]] == ["WX20261122-099", "WX20261122-003"]
    assert len(lines) == 1 + LINES + 1 + 1
    assert lines[-2:] == ["……另有 20 张", "全部工单：https://steth.example/tickets"]


def test_many_of_several_sites_say_where() -> None:
    letters = [letter(number=str(n), site_id=n, site=f"Site {n}", severity="major") for n in range(1, 4)]
    text = summarise(letters, "en", CATALOG)
    assert text.subject == "[major] 3 sites: 3 tickets"
    assert text.body.splitlines()[0] == "3 tickets at 3 sites (3 major)"
    assert "第一医院 Site 2 DR 一室" in text.body.splitlines()[2]


def test_a_ticket_told_of_twice_counts_once_by_the_worse() -> None:
    assert summarise([letter(severity="minor"), letter()], "en", CATALOG) == compose(letter(), "en", CATALOG)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_test_message_names_who_gets_it(lang: Lang) -> None:
    text = trial("值班 NOC", lang, CATALOG)
    assert "值班 NOC" in text.body
    assert not RAW.search(text.subject + text.body)


def test_a_ticket_closed_before_it_was_told_says_so_and_comes_last() -> None:
    assert "（已关闭）" in compose(letter(closed=True), "zh", CATALOG).subject
    assert "(closed)" in compose(letter(closed=True), "en", CATALOG).subject
    closed, still = letter(closed=True), letter(number="WX20261122-008", severity="minor")
    text = summarise([closed, still], "en", CATALOG)
    assert text.severity == "minor"
    assert text.body.index("-008") < text.body.index("-007")
    assert text.body.count("(closed)") == 1
