from typing import Any

from catalog.load import load
from desk.letters import Letter, compose

CATALOG = load()


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "message": "notify.ticket",
        "params": {"severity": "critical"},
        "number": "WX20261122-007",
        "title": "ticket.title",
        "title_params": {"family": "generator.kv", "code": "GEN-KV-01"},
        "parts": [{"name": {"zh": "逆变板", "en": "inverter board"}, "spec": "80 kW", "quantity": 2}],
        "occurred_ms": 1_795_312_800_000,
        "device": "DR 一室",
        "model": "generic-dr",
        "org": "第一医院",
        "site": "放射科",
        "zone": "Asia/Shanghai",
    }
    return Letter(**(fields | changes))


def test_in_chinese() -> None:
    subject, body = compose(letter(), "zh", CATALOG)
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert subject.startswith("[紧急] WX20261122-007 DR 一室")
    assert fault.name.zh in subject
    for word in ("第一医院 放射科", "2026-11-22 10:00:00", fault.stops.zh, fault.advice.zh, "逆变板 ×2 (80 kW)"):
        assert word in body
    assert "‹" not in subject + body


def test_in_english_with_a_link() -> None:
    subject, body = compose(letter(), "en", CATALOG, public_url="https://steth.example/")
    fault = CATALOG.models["generic-dr"].faults["GEN-KV-01"]
    assert subject.startswith("[critical] WX20261122-007")
    assert fault.advice.en in body
    assert "inverter board ×2 (80 kW)" in body
    assert "https://steth.example/tickets/WX20261122-007" in body


def test_what_the_catalog_does_not_know_is_told_all_the_same() -> None:
    subject, body = compose(
        letter(model="nobody-knows", title="no.such.message", title_params={}, parts=[], zone="Not/A zone"),
        "zh",
        CATALOG,
    )
    assert "WX20261122-007" in subject
    assert "2026-11-22 10:00:00" in body


def test_hostile_names_break_neither_the_subject_nor_the_lines() -> None:
    device = "DR\r\nBcc: everybody@example.org\u202e{number}"
    subject, body = compose(letter(device=device), "en", CATALOG)
    assert "\r" not in subject
    assert "\n" not in subject
    assert "\u202e" not in subject + body
    assert len(body.splitlines()) == len(compose(letter(), "en", CATALOG)[1].splitlines())
    assert "{number}" in subject
