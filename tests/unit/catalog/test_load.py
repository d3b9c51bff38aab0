"""The loader: a pure, light function of the files, that says where it can't go on."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from catalog.errors import CatalogError
from catalog.load import SHIPPED, load
from catalog.model import Catalog, Clear, Text
from tests.unit.catalog.conftest import FILES, MakeFolder

M = "models/thing.yaml"
_OPEN = "    continuation: {regex: '^(?:a+$', within: 3}\n    example: 'temp=37"
HOT = (
    "title: {zh: 热, en: hot}, op: above, raise: 60, clear: 50, severity: major, family: heat, ticket: true, "
    "advice: {zh: 停, en: stop}}\n"
)


def test_resolves_bases_parts_and_tables(make_folder: MakeFolder) -> None:
    catalog = load(make_folder())
    model = catalog.models["thing"]

    assert list(model.families) == ["link", "heat"]
    assert model.runbooks == ("look",)
    assert model.silence is not None
    assert model.silence.after_s == 180
    (part,) = model.faults["T-01"].parts
    assert (part.key, part.name, part.spec, part.quantity, part.probability) == (
        "fan",
        Text(zh="风扇", en="fan"),
        Text(zh="12 V", en="12 V"),
        1,
        0.5,
    )
    assert model.faults["T-01"].causes == (Text(zh="灰尘", en="dust"),)
    assert model.faults["T-01"].clear == Clear(by=("T-02",))
    (rule,) = model.signals["thing.temperature"].rules
    assert (rule.raise_at, rule.clear, rule.for_s) == (42, 39, 300)
    line = model.log_patterns[0].fault
    assert line is not None
    assert line.table == {"01": "T-01", "02": "T-02"}


def test_resolves_what_the_equipment_spells(make_folder: MakeFolder) -> None:
    sub = 'key: sub\nkind: dr\nname: {zh: 子, en: Sub}\nextends: [thing]\ntests: [{key: glu, ids: ["717"]}]\n'
    model = load(make_folder({"models/sub.yaml": sub})).models["sub"]
    assert model.codes == {"astm.comment": {"16": "T-02", "0": ""}, "astm.flag": {"16": "T-02"}, "hl7.notification": {}}
    assert set(model.assays) == {"GLU", "Glucose", "717"}
    assay = model.assays["717"]
    assert (assay.key, assay.name, assay.unit) == ("glu", Text(zh="葡萄糖", en="Glucose"), "mmol/L")
    assert assay.units["mmol/l"] == assay.units["mmol/L"] == 1
    assert assay.units["mg/dL"] == 0.0555
    assert model.controls == {"1": "l1", "QC-L1": "l1"}
    assert model.signals["qc.glu.l1.value"].unit == "mmol/L"
    assert model.signals["qc.glu.l1.z"].unit == "1"


def test_a_model_s_own_detector_reasons_come_before_its_bases(make_folder: MakeFolder) -> None:
    own = "detector_reasons: [{id: cold, regex: cold, example: cold, code: T-02}]\n"
    sub = "key: sub\nkind: dr\nname: {zh: 子, en: Sub}\nextends: [thing]\n" + own
    model = load(make_folder({"models/sub.yaml": sub})).models["sub"]
    assert [reason.id for reason in model.detector_reasons] == ["cold", "warm"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("warm, code: T-01}", "warm, code: T-09}", "no code"), ("'^.*too warm'", "'(a+'", "no pattern")],
)
def test_a_detector_reason_that_can_not_be_used_is_refused(
    make_folder: MakeFolder, old: str, new: str, said: str
) -> None:
    assert old in FILES["models/thing.yaml"]
    with pytest.raises(CatalogError, match=said):
        load(make_folder({"models/thing.yaml": FILES["models/thing.yaml"].replace(old, new)}))


def test_a_fault_may_have_causes_and_parts_of_its_own(make_folder: MakeFolder) -> None:
    text = FILES[M].replace("    clear: {by:", "    causes: [{zh: 堵, en: blocked}]\n    parts: []\n    clear: {by:")
    fault = load(make_folder({M: text})).models["thing"].faults["T-01"]
    assert (fault.causes, fault.parts) == ((Text(zh="堵", en="blocked"),), ())


def test_parts_come_likeliest_first(make_folder: MakeFolder) -> None:
    parts = FILES["parts.yaml"] + "  - {key: filter, name: {zh: 滤网, en: filter}, spec: {zh: 任意, en: any}}\n"
    text = FILES[M].replace("probability: 0.5}", "probability: 0.5}\n      - {key: filter, probability: 0.8}")
    family = load(make_folder({"parts.yaml": parts, M: text})).models["thing"].families["heat"]
    assert [(part.key, part.probability) for part in family.parts] == [("filter", 0.8), ("fan", 0.5)]


def test_a_model_has_its_own_silence_rule_before_its_bases(make_folder: MakeFolder) -> None:
    own = FILES["models/base.yaml"].partition("silence:")[2].replace("180", "900")
    model = load(make_folder({M: FILES[M] + "silence:" + own})).models["thing"]
    assert model.silence is not None
    assert model.silence.after_s == 900


def test_a_diamond_of_bases_counts_each_once(make_folder: MakeFolder) -> None:
    middle = "key: middle\nkind: base\nname: {zh: 中, en: Middle}\nextends: [base]\n"
    text = FILES[M].replace("extends: [base]", "extends: [base, middle]")
    model = load(make_folder({M: text, "models/middle.yaml": middle})).models["thing"]
    assert model.runbooks == ("look",)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (M, "    max: 90\n", "    max: hot\n", "models/thing.yaml:21:10: Expected `float`, got `str`"),
        (M, "    lane: live\n", "    lane: live\n    lane: live\n", "models/thing.yaml:20:5: key 'lane' stands twice"),
        (M, "extends: [base]", "extends: [bass]", "models/thing.yaml:4:11: base 'bass' isn't there"),
        (
            "models/base.yaml",
            "kind: base\n",
            "kind: base\nextends: [thing]\n",
            "models/thing.yaml:4:11: base 'base' extends itself",
        ),
        (M, "      - {key: fan,", "      - {key: fun,", "models/thing.yaml:12:15: no part 'fun'"),
        (M, "    family: heat\n    sev", "    family: cold\n    sev", "models/thing.yaml:36:13: no family 'cold'"),
        (M, "        family: heat\n", "        family: cold\n", "no family 'cold'"),
        ("models/base.yaml", "  family: link\n", "  family: heat\n", "no family 'heat'"),
        (M, "        runbook: look\n", "        runbook: see\n", "no runbook 'see'"),
        ("models/thing.yaml", "    rules:\n", "    rules:\n      - {key: hot, " + HOT, "rule 'hot' stands twice"),
        (M, "(?P<value>\\d{1,3})", "(?P<value>(?=\\d))", "models/thing.yaml:60:12: is no pattern: invalid perl"),
        (M, "(?P<value>\\d{1,3})", "(?P<v v>\\d{1,3})", "models/thing.yaml:60:12: is no pattern: invalid named"),
        (M, "    example: 'temp=37", _OPEN, "models/thing.yaml:61:27: is no pattern: missing )"),
        (M, "code: T-02, name", "code: T-09, name", "models/thing.yaml:64:58: no code 'T-09'"),
        (M, "astm.comment, astm.flag", "astm.comment, astm.flags", "models/thing.yaml:64:40: no table 'astm.flags'"),
        (M, "  - {key: glu, ids", "  - {key: glc, ids", "models/thing.yaml:69:11: no assay 'glc'"),
        (M, "kind: dr\n", "kind: analyzer\n", "models/thing.yaml:1:1: has no code 'UNKNOWN-CODE'"),
        ("parts.yaml", "spec: {zh: 12 V, en: 12 V}}\n", "spec: &a 12 V}\n  - *a\n", "parts.yaml:3:5: an alias"),
    ],
)
def test_says_where_it_cannot_go_on(make_folder: MakeFolder, file: str, old: str, new: str, said: str) -> None:
    text = FILES[file].replace(old, new, 1)
    assert text != FILES[file]
    with pytest.raises(CatalogError) as raised:
        load(make_folder({file: text}))
    assert said in str(raised.value)


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"parts\.yaml: can't be read: No such file"):
        load(tmp_path / "nowhere")


def test_same_files_same_catalog(shipped: Catalog) -> None:
    assert load(SHIPPED) == shipped


def test_structs_are_frozen(shipped: Catalog) -> None:
    with pytest.raises(AttributeError):
        shipped.models["generic-dr"].key = "other"  # type: ignore[misc]  # that it is refused is what is tested


def test_the_catalog_travels_as_json(shipped: Catalog) -> None:
    assert msgspec.json.decode(msgspec.json.encode(shipped), type=Catalog) == shipped


def test_is_light_and_quick_in_a_fresh_process() -> None:
    code = """
import json, sys, time
began = time.process_time()
from catalog.load import load
imported = time.process_time()
catalog = load()
loaded = time.process_time()
import tracemalloc
del catalog
tracemalloc.start()
catalog = load()
print(json.dumps({
    "load_s": loaded - imported,
    "kept": tracemalloc.get_traced_memory()[0],
    "peak": tracemalloc.get_traced_memory()[1],
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)

    assert found["load_s"] < 0.3
    assert found["kept"] < 2_000_000
    assert found["peak"] < 10_000_000
    ours_and_theirs = {"catalog", "wire", "msgspec", "yaml"}
    assert ours_and_theirs <= set(found["modules"])
    heavy = {"pydantic", "jsonschema", "numpy", "pydicom", "asyncio", "sqlite3", "ssl"}
    assert not heavy & set(found["modules"])
