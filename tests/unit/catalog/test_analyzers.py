"""The shipped analyzers: complete over the fault families, true to what the makers published, silent about patients."""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from catalog import qc
from catalog.model import CODE_TABLES, SEVERITIES, UNKNOWN_CODE, Catalog, Model
from wire.items import Code, Name
from wire.topics import Lane

ANALYZERS = ("generic-analyzer", "indiko", "roche-cobas")


@pytest.fixture(scope="module")
def model(shipped: Catalog) -> Model:
    return shipped.models["generic-analyzer"]


@pytest.fixture(params=ANALYZERS)
def each(shipped: Catalog, request: pytest.FixtureRequest) -> Model:
    found: Model = shipped.models[request.param]
    return found


# Fault families of biochemistry analyzers. For each at least one code; those that a visit mends open a ticket.
FAMILIES = [
    *("photometer", "bath", "cuvette", "probe.clot", "probe.crash", "probe.level", "reagent.supply", "water", "waste"),
    *("vacuum", "syringe", "ise", "barcode", "detergent", "calibration", "qc"),
]
OF_THE_LABORATORY = {"reagent.supply", "calibration", "qc"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_an_analyzer_has_codes(model: Model, family: str) -> None:
    codes = [fault for fault in model.faults.values() if fault.family == family]
    assert len(codes) >= 2
    assert model.families[family].causes
    assert any(fault.ticket for fault in codes) == (family not in OF_THE_LABORATORY)


def test_all_models_together_know_more_than_a_hundred_codes(shipped: Catalog) -> None:
    codes = {code for one in shipped.models.values() for code in one.faults}
    assert len(codes) >= 150
    assert len(model_codes(shipped, "generic-analyzer")) >= 50


def model_codes(shipped: Catalog, key: str) -> set[str]:
    return set(shipped.models[key].faults) - set(shipped.models["host"].faults)


def test_an_analyzer_uses_every_severity_and_no_family_in_vain(model: Model, shipped: Catalog) -> None:
    assert {fault.severity for fault in model.faults.values()} == set(SEVERITIES)
    used = {fault.family for fault in model.faults.values()}
    used |= {rule.family for signal in model.signals.values() for rule in signal.rules}
    assert set(model.families) - used <= {"link"}


def test_what_opens_a_ticket_can_be_acted_on(each: Model) -> None:
    rules = [rule for signal in each.signals.values() for rule in signal.rules if rule.ticket]
    assert all(rule.runbook in each.runbooks for rule in rules)
    assert all(fault.runbook in each.runbooks for fault in each.faults.values() if fault.ticket)
    for fault in each.faults.values():
        assert fault.causes
        assert len({part.key for part in fault.parts}) == len(fault.parts)


def test_what_opens_tickets_travels_live_and_the_rest_bulk(each: Model) -> None:
    for signal in each.signals.values():
        opens = any(rule.ticket for rule in signal.rules)
        assert signal.lane is Lane.LIVE or not opens, signal.name
        if not signal.name.startswith(("host.", "ups.")):
            assert signal.lane is (Lane.LIVE if opens else Lane.BULK), signal.name


def test_names_within_an_analyzer_are_told_apart(each: Model) -> None:
    faults = [fault.name for fault in each.faults.values()]
    titles = [signal.title for signal in each.signals.values()]
    for names in (faults, titles, [family.name for family in each.families.values()]):
        for lang in ("zh", "en"):
            counted = Counter(name.get(lang) for name in names)
            assert [name for name, count in counted.items() if count > 1] == []


def test_every_code_of_a_table_ends_by_itself(each: Model) -> None:
    """A comment or a notification has no end of its own."""
    for table in CODE_TABLES:
        for code in each.codes[table].values():
            if code:
                assert each.faults[code].clear is not None, code
    assert each.faults[UNKNOWN_CODE].clear is not None
    assert not each.faults[UNKNOWN_CODE].ticket


def test_the_makers_numbers_are_all_there_under_their_names(shipped: Catalog, shared_data: Path) -> None:
    published = json.loads((shared_data / "cobas_C4_flag_codes.json").read_text(encoding="utf-8"))
    cobas = shipped.models["roche-cobas"]
    for table in ("astm.comment", "astm.flag"):
        assert {raw for raw in cobas.codes[table] if raw.isdigit()} == {"0", *published}
    for number, flag in published.items():
        code = cobas.codes["astm.comment"][number]
        assert bool(code) == flag["publish"], "what tells of a patient's result is known and dropped"
        if code:
            assert flag["symbol"] in cobas.faults[code].name.en or number in cobas.faults[code].name.en
            assert cobas.faults[code].source == "Roche cobas data flags (published table)"


def test_each_meaning_of_a_makers_number_has_its_family(shipped: Catalog, shared_data: Path) -> None:
    published = json.loads((shared_data / "cobas_C4_flag_codes.json").read_text(encoding="utf-8"))
    cobas = shipped.models["roche-cobas"]
    families: dict[str, set[str]] = {}
    for number, flag in published.items():
        if flag["publish"]:
            families.setdefault(flag["family"], set()).add(cobas.faults[f"COBAS-{number}"].family)
    assert families["photometer"] == {"photometer"}
    assert families["cuvette"] == {"cuvette"}
    assert families["calibration"] == {"calibration"}
    assert families["ise"] == {"ise"}
    assert families["qc"] == {"qc"}
    assert families["clot"] == {"probe.clot"}
    assert families["detergent"] == {"detergent"}
    assert families["temperature"] == {"bath", "cooler", "cell"}
    assert families["sampling"] == families["level_detect"] == families["reagent_probe"] == {"probe.level"}


def test_indikos_numbers_mean_what_the_maker_says(shipped: Catalog) -> None:
    indiko = shipped.models["indiko"]
    named = {
        raw: indiko.faults[code].family for raw, code in indiko.codes["astm.comment"].items() if code and raw.isdigit()
    }
    assert named == {"1": "instrument", "16": "syringe", "17": "ise", "26": "calibration", "27": "qc"}


def test_every_notification_names_a_code_of_its_own(model: Model) -> None:
    codes = list(model.codes["hl7.notification"].values())
    assert len(codes) == len(set(codes)) >= 40


def test_tests_controls_and_reagents_are_spelled_as_samples_do(shipped: Catalog, model: Model) -> None:
    assert model.assays["GLU"].key == model.assays["Glucose"].key == "glu"
    assert model.assays["GLU"].units["mg/dL"] == pytest.approx(1 / 18.016, rel=1e-3)
    assert model.assays["GLU"].units["mmol/l"] == 1
    assert model.assays["CREA"].units["mg/dL"] == pytest.approx(88.42, rel=1e-3)
    assert model.controls["CTRL-Normal"] == model.controls["M"] == "l2"
    assert shipped.models["roche-cobas"].assays["685"].key == "alt"
    assert shipped.models["roche-cobas"].assays["GLU"].key == "glu", "a base's spellings hold"
    for key in model.reagents.values():
        assert f"reagent.{key}.remaining" in model.signals


def test_each_control_of_each_assay_is_a_signal(model: Model) -> None:
    keys = {assay.key for assay in model.assays.values()}
    assert len(keys) >= 20
    for assay in model.assays.values():
        for control in ("l1", "l2", "l3"):
            value = model.signals[qc.name(assay.key, control, "value")]
            assert (value.unit, value.lane) == (assay.unit, Lane.BULK)
            assert model.signals[qc.name(assay.key, control, "z")].unit == "1"
    assert len([name for name in model.signals if name.startswith("qc.")]) == len(keys) * 3 * 2


def test_names_and_codes_can_travel(each: Model) -> None:
    for signal in each.signals:
        msgspec.convert(signal, Name)
    for code in each.faults:
        msgspec.convert(code, Code)


# What the ways of measuring give: beyond is no reading.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bath.temperature", 37.0),
        ("photometer.lamp_energy", 100.0),
        ("ise.na.slope", 57.5),
        ("ise.cl.slope", -48.0),
        ("vacuum.pressure", -75.0),
        ("photometer.baseline", -21.0),
    ],
)
def test_a_healthy_value_is_possible_and_breaks_no_limit(model: Model, name: str, value: float) -> None:
    signal = model.signals[name]
    assert signal.min <= value <= signal.max
    for rule in signal.rules:
        assert value < rule.raise_at if rule.op == "above" else value > rule.raise_at


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("photometer.lamp_energy", 60.0, "lamp-worn"),
        ("bath.temperature", 38.0, "bath-too-warm"),
        ("bath.temperature", 36.0, "bath-too-cool"),
        ("ise.cl.slope", -35.0, "ise-cl-slope-low"),
        ("vacuum.pressure", -40.0, "vacuum-weak"),
        ("water.conductivity", 3.0, "water-impure"),
    ],
)
def test_a_sick_value_opens_a_ticket(model: Model, name: str, value: float, rule: str) -> None:
    found = next(one for one in model.signals[name].rules if one.key == rule)
    assert found.ticket
    assert value > found.raise_at if found.op == "above" else value < found.raise_at
