"""The shipped catalog: clean, in both languages, complete over the families of a DR, true to its sources."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from catalog.check import main_lines
from catalog.messages import PLACEHOLDER
from catalog.model import SEVERITIES, STEP_FIELDS, Catalog, Model, Text
from catalog.units import SYMBOLS
from wire.topics import Lane


@pytest.fixture(scope="module")
def model(shipped: Catalog) -> Model:
    return shipped.models["generic-dr"]


def test_is_clean() -> None:
    assert main_lines() == []


# Fault families of a DR. For each at least two codes, one of which opens a ticket.
FAMILIES = [
    *("generator.kv", "generator.ma", "generator.rotor", "generator.filament", "generator.arcing", "generator.heat"),
    *("tube.heat", "tube.age", "tube.output"),
    *("detector.link", "detector.temperature", "detector.battery", "detector.pixels", "detector.calibration"),
    *("detector.selftest", "collimator", "aec", "motion", "dose-calibration", "pacs", "disk", "ups"),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_a_dr_has_codes(model: Model, family: str) -> None:
    codes = [fault for fault in model.faults.values() if fault.family == family]
    assert len(codes) >= (1 if family == "tube.output" else 2)
    assert model.families[family].causes
    if family != "tube.age":  # wear is planned work, no emergency
        assert any(fault.ticket for fault in codes)


def test_has_the_codes_it_promises(model: Model) -> None:
    own = [code for code in model.faults if not code.startswith("IRAY-")]
    assert len(own) >= 40
    assert {model.faults[code].severity for code in own} == set(SEVERITIES)


def test_no_family_is_without_a_code_or_rule(model: Model) -> None:
    used = {fault.family for fault in model.faults.values()}
    used |= {rule.family for signal in model.signals.values() for rule in signal.rules}
    assert model.silence is not None
    used.add(model.silence.family)
    assert used == set(model.families)


def test_no_part_is_unused(shipped: Catalog) -> None:
    models = shipped.models.values()
    used = {part.key for one in models for fault in one.faults.values() for part in fault.parts}
    used |= {part.key for one in models for family in one.families.values() for part in family.parts}
    assert used == set(shipped.parts)


def test_the_panel_makers_codes_are_all_there_with_their_source(model: Model, shared_data: Path) -> None:
    published = json.loads((shared_data / "iray_fpd_codes_subset.json").read_text(encoding="utf-8"))
    ours = {code.removeprefix("IRAY-"): fault for code, fault in model.faults.items() if code.startswith("IRAY-")}
    assert set(ours) == set(published)
    assert {fault.source for fault in ours.values()} == {"iRay FPD error codes (published, subset)"}
    for number, meaning in published.items():  # each name shares a word with what the maker published
        words = {word[:4] for word in re.findall("[a-z]+", meaning.lower().replace("-", ""))}
        named = {word[:4] for word in re.findall("[a-z]+", ours[number].name.en.lower().replace("-", ""))}
        assert words & named, number


# What a DR and its host tell, with units; the DICOM adapter's names.
SIGNALS = {
    "detector.nominal": "1",
    "detector.temperature": "Cel",
    "detector.exposures_since_calibration": "1",
    "detector.exposures_total": "1",
    "detector.time_since_exposure": "s",
    "detector.active_time": "ms",
    "detector.sensitivity": "1",
    "exposure.index": "1",
    "exposure.target_index": "1",
    "exposure.deviation_index": "1",
    "tube.voltage": "kV",
    "tube.current": "mA",
    "exposure.time": "ms",
    "exposure.mas": "mAs",
    "exposure.dap": "dGy.cm2",
    "exposure.aborted": "1",
    "dicom.values_refused": "1",
    "host.cpu": "%",
    "host.memory": "%",
    "host.disk_used": "%",
    "host.disk_free": "By",
    "host.clock_offset": "ms",
    "host.uptime": "s",
    "host.certificate": "d",
    "host.temperature": "Cel",
}


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_has_the_signals_of_the_standard(model: Model, name: str) -> None:
    signal = model.signals[name]
    assert signal.unit == SIGNALS[name]
    assert signal.min < signal.max
    assert signal.cadence == ("exposure" if not name.startswith("host.") else signal.cadence)


def test_dicom_signals_name_their_tag(model: Model) -> None:
    for signal in model.signals.values():
        if signal.name.startswith("exposure.") or signal.name in {"tube.voltage", "tube.current"}:
            assert re.search(r"DICOM .*\(\d{4},[0-9A-F]{4}\)", signal.source), signal.name


def test_what_opens_tickets_travels_live_and_the_rest_bulk(model: Model) -> None:
    for signal in model.signals.values():
        opens = any(rule.ticket for rule in signal.rules)
        assert signal.lane is (Lane.LIVE if opens else Lane.BULK), signal.name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detector.temperature", 18.9),
        ("exposure.deviation_index", -9.3),
        ("exposure.dap", 0.41),
        ("exposure.mas", 1.04),
        ("tube.voltage", 28.0),
        ("detector.sensitivity", 9452.55),
    ],
)
def test_readings_of_real_systems_are_possible(model: Model, name: str, value: float) -> None:
    assert model.signals[name].min <= value <= model.signals[name].max


@pytest.mark.parametrize("name", ["tube.voltage", "tube.current", "exposure.time", "exposure.mas", "exposure.dap"])
def test_a_placeholder_of_zero_is_never_possible(model: Model, name: str) -> None:
    assert model.signals[name].min > 0


def test_what_opens_a_ticket_says_what_to_run(model: Model) -> None:
    """The ticket carries a prepared remote session with a runbook."""
    rules = [rule for signal in model.signals.values() for rule in signal.rules if rule.ticket]
    assert all(rule.runbook in model.runbooks for rule in rules)
    assert all(fault.runbook in model.runbooks for fault in model.faults.values() if fault.ticket)
    assert model.silence is not None
    assert model.silence.runbook in model.runbooks


def test_a_part_is_named_once(model: Model) -> None:
    for parts in (
        *(family.parts for family in model.families.values()),
        *(fault.parts for fault in model.faults.values()),
    ):
        assert len({part.key for part in parts}) == len(parts)


def test_runbooks_are_read_only_and_judge(shipped: Catalog) -> None:
    assert {"host-health", "dicom-reach", "dr-check", "analyzer-check"} == set(shipped.runbooks)
    kinds = {step.kind for book in shipped.runbooks.values() for step in book.steps}
    assert kinds == set(STEP_FIELDS)
    for book in shipped.runbooks.values():
        assert book.read_only
        assert all(step.verdicts for step in book.steps)


def test_names_within_a_model_are_told_apart(model: Model) -> None:
    own = [fault.name for code, fault in model.faults.items() if not code.startswith("IRAY-")]
    for names in (own, [signal.title for signal in model.signals.values()], [f.name for f in model.families.values()]):
        for lang in ("zh", "en"):
            counted = Counter(name.get(lang) for name in names)
            assert [name for name, count in counted.items() if count > 1] == []


def texts(value: object) -> list[Text]:
    if isinstance(value, Text):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, tuple | list):
        return [text for inner in value for text in texts(inner)]
    fields = getattr(value, "__struct_fields__", ())
    return [text for name in fields for text in texts(getattr(value, name))]


def test_every_text_is_in_both_languages_and_tidy(shipped: Catalog) -> None:
    found = texts(shipped)
    assert len(found) > 500
    for text in found:
        assert re.search(r"[\u4e00-\u9fff]", text.zh) or not re.search("[a-z]", PLACEHOLDER.sub("", text.en)), text
        assert not re.search(r"[\u4e00-\u9fff]", text.en), text
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", text.zh), f"Chinese punctuation: {text.zh}"
        assert text.zh == text.zh.strip()
        assert text.en == text.en.strip()
        assert not text.en.endswith("."), text.en


def test_every_unit_of_the_list_is_a_symbol_or_nothing() -> None:
    assert SYMBOLS["1"] == ""
    assert all(symbol or unit == "1" for unit, symbol in SYMBOLS.items())
