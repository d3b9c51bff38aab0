"""Every class of problem, each on a file that is clean but for it, named with its line (marked `#!`)."""

from pathlib import Path

import pytest

from catalog.check import check, main_lines
from tests.unit.catalog.conftest import FILES, MakeFolder

M = "models/thing.yaml"
B = "models/base.yaml"
R = "runbooks.yaml"
W = "messages.yaml"
P = "parts.yaml"

HOTTER = """\
    rules:
      - key: hot
        title: {zh: 更热, en: hotter}
        op: above
        raise: 60
        clear: 50
        severity: major
        family: heat
        ticket: true
        advice: {zh: 停, en: stop}
"""

_OF_BASE = """\
faults:
  - {code: B-01, family: link, severity: minor, name: {zh: 断, en: cut}, stops: {zh: 无, en: nothing},
     advice: {zh: 看, en: look}, ticket: false, clear: {after_s: 60}, source: test}
codes:
  - {raw: "0", tables: [astm.comment], code: B-01}
"""
_COLD = "detector_reasons:\n  - {id: warm, regex: cold, example: cold, code: T-02}\n"
_T_03 = ("event that never clears", "raw code without end")

# (file, what stands there, what shall stand there, part of the line that says so)
CASES: dict[str, tuple[str, str, str, str]] = {
    "unknown key": (M, "    cadence: 60\n", "    cadense: 60 #!\n    cadence: 60\n", "did you mean `cadence`?"),
    "unknown key at the top": (M, "kind: dr\n", "kind: dr\nmodell: x #!\n", "modell: unknown key"),
    "lacking key": (P, "key: fan, ", "", "parts[0]: lacks `key`; add `key:`"),
    "lacking key at the top": (M, "name: {zh: 设备, en: Thing}\n", "", "lacks `name`"),
    "wrong type": (M, "    max: 90\n", "    max: hot #!\n", "signals[0].max: expected `float`, got `str`"),
    "number for text": (M, "    source: test\n    cad", "    source: 7 #!\n    cad", "put it in quotes"),
    "no such choice": (M, "    severity: critical\n", "    severity: bad #!\n", "use one of: critical, major, minor"),
    "no such comparison": (M, "        op: above\n", "        op: gt #!\n", "use one of: above, below"),
    "no such kind of step": (R, "        kind: dicom_echo\n", "        kind: shell #!\n", "use one of: host_state"),
    "missing translation": (M, "name: {zh: 过热, en: Too hot}", "name: {en: Too hot} #!", "no Chinese text (`zh`)"),
    "missing English": (M, "stops: {zh: 不能使用, en: all of it}", "stops: {zh: 不能使用} #!", "no English text"),
    "empty text": (M, "{zh: 除尘, en: clean it}", "{zh: 除尘, en: ' '} #!", "is empty; write the text"),
    "untranslated": (M, "{zh: 除尘, en: clean it}", "{zh: clean it, en: clean it} #!", "holds no Chinese"),
    "set by nothing": (
        M,
        "    cadence: 60\n",
        "    set_by: thing.target #!\n    cadence: 60\n",
        "no signal thing.target in",
    ),
    "bad name": (M, "  - name: thing.temperature\n", "  - name: Thing Temp #!\n", "isn't a name"),
    "bad code": (M, "  - code: T-02\n", "  - code: T 02 #!\n", "isn't a fault code"),
    "unknown family of a fault": (
        M,
        "    family: heat\n    severity: critical\n",
        "    family: cold #!\n    severity: critical\n",
        "no family cold",
    ),
    "unknown family of a rule": (M, "        family: heat\n", "        family: cold #!\n", "no family cold"),
    "unknown family of silence": (B, "  family: link\n", "  family: heat #!\n", "no family heat"),
    "unknown part": (M, "      - {key: fan,", "      - {key: fun, #!\n        ", "no part fun; add it to parts.yaml"),
    "probability above 1": (M, "probability: 0.5}", "probability: 5} #!", "expected `float` <= 1.0"),
    "unknown runbook": (M, "        runbook: look\n", "        runbook: see #!\n", "no runbook see"),
    "runbook of another model": (B, "runbooks: [look]\n", "", "runbook look isn't the model's"),
    "unknown runbook of a model": (B, "runbooks: [look]\n", "runbooks: [look, see] #!\n", "no runbook see"),
    "unknown base": (M, "extends: [base]\n", "extends: [base, bass] #!\n", "no model bass"),
    "base in a circle": (B, "kind: base\n", "kind: base\nextends: [base] #!\n", "leads back to this model"),
    "duplicate code": (M, "  - code: T-02\n", "  - code: T-01 #!\n", "code T-01 stands twice"),
    "duplicate of a base": (M, "  - key: heat\n", "  - key: link #!\n", "family link stands in base.yaml too"),
    "duplicate rule": (M, "    rules:\n", HOTTER, "rule hot stands twice"),
    "title": (M, "        title: {zh: 设备过热, en: Thing too hot}\n", "", "rules[0]: lacks `title`"),
    "evidence": (M, "[thing.temperature]", "[thing.heat]", "evidence[0]: no signal thing.heat"),
    "no evidence": (M, "    evidence: [thing.temperature]\n", "", "families[0]: lacks `evidence`"),
    "states": (
        M,
        "    source: test\n    cadence",
        "    source: test\n    states: {99: {zh: 是, en: so}}\n    cadence",
        "99 is",
    ),
    "not a number": (M, "        raise: 42\n", "        raise: .nan\n", "rules[0].raise: expected `float` >="),
    "endless": (M, "clear: {after_s: 60}", "clear: {after_s: .inf} #!", "expected `float` <= 31536000"),
    "duplicate part": (
        P,
        "en: 12 V}}\n",
        "en: 12 V}}\n  - {key: fan, name: {zh: 扇, en: f}, spec: {zh: x, en: x}} #!\n",
        "twice",
    ),
    "duplicate step": (R, "    steps:\n", "    steps:\n" + FILES[R].partition("steps:\n")[2], "step echo stands twice"),
    "hysteresis on the wrong side": (M, "        clear: 39\n", "        clear: 43 #!\n", "43 is above raise 42"),
    "hysteresis below": (M, "        op: above\n", "        op: below\n", "39 is below raise 42"),
    "limit beyond the possible": (
        M,
        "        raise: 42\n",
        "        raise: 420 #!\n",
        "outside what thing.temperature",
    ),
    "standing without a deadband": (M, "    max: 90\n", "    max: 90\n    stands: 600 #!\n", "give a deadband"),
    "standing for less than a cadence": (
        M,
        "    max: 90\n",
        "    max: 90\n    deadband: 1\n    stands: 59 #!\n",
        "a cadence in seconds, not above it",
    ),
    "range upside down": (M, "    min: -20\n", "    min: 95 #!\n", "min 95 isn't below max 90"),
    "ticket rule on bulk": (M, "    lane: live\n", "    lane: bulk\n", "set the signal's lane to live"),
    "unknown unit": (M, "    unit: Cel\n    title", "    unit: degC #!\n    title", "unknown unit 'degC'"),
    "clear by nothing": (M, "clear: {by: [T-02]}", "clear: {} #!", "neither or both of `by` and `after_s`"),
    "clear by both": (M, "clear: {by: [T-02]}", "clear: {by: [T-02], after_s: 5} #!", "neither or both"),
    "clear by an unknown code": (M, "clear: {by: [T-02]}", "clear: {by: [T-03]} #!", "no code T-03"),
    "clear by itself": (M, "clear: {by: [T-02]}", "clear: {by: [T-01]} #!", "is the code itself"),
    "event that never clears": (
        M,
        "    fault: {state: active, group: code, prefix: T-}",
        "    fault: {state: event, group: code, prefix: T-} #!",
        "T-03 comes as an event and would never clear",
    ),
    "look-ahead": (M, "T (?P<code>\\d\\d) SET\\b'", "T (?P<code>\\d\\d) (?=SET)' #!", "invalid perl operator"),
    "regex that doesn't compile": (M, "(?P<value>\\d{1,3})'", "(?P<v v>\\d{1,3})' #!", "is no pattern"),
    "example doesn't match": (M, "    example: 'temp=37 and more'\n", "    example: 'T=37' #!\n", "doesn't match"),
    "group lacks": (M, "group: value, unit", "group: number, unit", "has no group `number`"),
    "capture without use": (M, "^temp=(?P<value>", "^(?P<who>temp)=(?P<value>", "captures `who`, which nothing uses"),
    "capture without name": (M, "^temp=(?P<value>", "^(temp)=(?P<value>", "captures a group without a name"),
    "capture of words": (M, "(?P<value>\\d{1,3})'", "temp=37 (?P<value>\\w+)'", "doesn't match"),
    "capture is no number": (
        M,
        "    regex: '^temp=(?P<value>\\d{1,3})'\n    example: 'temp=37 and more'\n",
        "    regex: '^temp=(?P<value>\\w+)'\n    example: 'temp=Wang' #!\n",
        "captures no number",
    ),
    "continuation in no line": (
        M,
        "    example: 'temp=37 and more'\n",
        "    continuation: {regex: '^more', within: 2}\n    example: 'temp=37 and more' #!\n",
        "doesn't match the regex and, in a line after it, the continuation",
    ),
    "continuation too late": (
        M,
        "    example: 'temp=37 and more'\n",
        '    continuation: {regex: "^more", within: 2}\n    example: "temp=37\\n1\\n2\\nmore" #!\n',
        "doesn't match the regex and, in a line after it, the continuation",
    ),
    "continuation that says it again": (
        M,
        "    example: 'temp=37 and more'\n",
        '    continuation: {regex: "^(?P<value>[0-9]{2})", within: 2} #!\n    example: "temp=37\\n38"\n',
        "captures `value` again; let one of the two lines say it",
    ),
    "continuation that is no pattern": (
        M,
        "    example: 'temp=37 and more'\n",
        '    continuation: {regex: "^(?:a+", within: 2} #!\n    example: "temp=37\\naa"\n',
        "missing )",
    ),
    "continuation without bound": (
        M,
        "    example: 'temp=37 and more'\n",
        '    continuation: {regex: "^more", within: 21} #!\n    example: "temp=37\\nmore"\n',
        "20",
    ),
    "time of another format": (M, "    time_format: '%H:%M'\n", "    time_format: '%H.%M'\n", "isn't of the format"),
    "time without group": (
        M,
        "^temp=(?P<value>\\d{1,3})'\n",
        "^temp=(?P<value>\\d{1,3})' #!\n    time_format: '%H'\n",
        "`ts`",
    ),
    "captured code isn't declared": (
        M,
        "example: '08:14 T 01 SET words'",
        "example: '08:14 T 77 SET' #!",
        "no declared",
    ),
    "prefix of nothing": (M, "prefix: T-}", "prefix: Q-} #!", "no code begins with Q-"),
    "two ways to a code": (M, "prefix: T-}", "prefix: T-, code: T-01} #!", "keep one of them"),
    "code of a table": (M, "prefix: T-}", "table: {'01': T-09}} #!", "no code T-09"),
    "pattern without target": (M, "    signal: {name: thing.temperature, group: value, unit: Cel}\n", "", "keep one"),
    "signal unknown": (M, "signal: {name: thing.temperature,", "signal: {name: thing.heat, #!\n    ", "no signal"),
    "unit of another": (M, "group: value, unit: Cel}", "group: value, unit: kV} #!", "the signal's is Cel"),
    "nobody notices silence": (
        B,
        FILES[B].partition("silence:\n")[1] + FILES[B].partition("silence:\n")[2],
        "",
        "silence",
    ),
    "parameter of a step": (R, "params: {peer: pacs}", "params: {address: 10.0.0.1} #!", "has no parameter `address`"),
    "parameter lacks": (R, "        params: {peer: pacs}\n", "", "dicom_echo needs the parameter `peer`"),
    "field of a step": (R, "field: reached", "field: reach", "finds no `reach`; use one of: reached"),
    "no such message": (R, "reason: no-echo}", "reason: echo} #!", "no message echo"),
    "message with other fields": (R, "reason: no-echo}", "reason: hot} #!", "which dicom_echo doesn't find"),
    "parameters differ": (
        W,
        'en: "{signal:signal} at',
        'en: "{signal} at',
        "lacks the parameter {signal:signal} of `zh`",
    ),
    "unknown kind of parameter": (W, "zh: 无应答, en: no answer", 'zh: "无{a:b}", en: "no {a:b}"', "unknown kind"),
    "loose brace": (W, "zh: 无应答, en: no answer", 'zh: "无 {0.x}", en: no answer', "a brace that is no parameter"),
    "message without translation": (W, "{zh: 无应答, en: no answer}", "{en: no answer} #!", "no-echo: has no Chinese"),
    "name of a message": (W, "  no-echo:", "  No Echo: {zh: 无, en: 'no'} #!\n  no-echo:", "isn't a name"),
    "duplicate key": (
        M,
        "    lane: live\n",
        "    lane: live\n    lane: bulk #!\n",
        "'lane' stands twice, first in line",
    ),
    "syntax": (M, "name: {zh: 设备, en: Thing}", "name: {zh: 设备, en: Thing", "is not YAML"),
    "tab": (M, "families:\n", "families:\n\t- key: x #!\n", "is not YAML"),
    "python object": (P, "spec: {zh: 12 V, en: 12 V}}", "spec: !!python/object/apply:os.getcwd []} #!", "is not YAML"),
    "no map": (P, FILES[P], "- 1 #!\n", "isn't a map of keys"),
    "empty file": (P, FILES[P], "# nothing\n", "is empty"),
    "file of another name": (M, "key: thing\n", "key: other #!\n", "name the file other.yaml"),
    "raw code twice": (
        M,
        '  - {raw: "0", tables:',
        '  - {raw: "16", tables:',
        "raw code 16 of astm.comment stands twice",
    ),
    "raw code of a base": (B, "runbooks: [look]\n", "runbooks: [look]\n" + _OF_BASE, "in base.yaml too"),
    "raw code without end": (M, "code: T-02, name: WARM}", "code: T-03, name: WARM} #!", "would never clear"),
    "raw code of nothing": (M, "code: T-02, name: WARM}", "code: T-09, name: WARM} #!", "no code T-09; add it to"),
    "unknown table": (M, "[astm.comment, astm.flag]", "[astm.coment, astm.flag] #!\n    ", "no table astm.coment; use"),
    "raw code in blanks": (M, '{raw: "16", ', '{raw: " 16", #!\n     ', "isn't an id; write it as the equipment does"),
    "number for a raw code": (M, '{raw: "16", ', "{raw: 16, #!\n     ", "should be text, is `int`; put it in quotes"),
    "test of no assay": (M, "  - {key: glu, ids:", "  - {key: glucose, ids:", "no assay glucose"),
    "test id twice": (M, "ids: [GLU, Glucose]}", "ids: [GLU, GLU]} #!", "id GLU stands twice"),
    "control id twice": (M, 'ids: ["1", QC-L1]}', 'ids: ["1", "1"]} #!', "id 1 stands twice"),
    "assay twice": (M, "assays:\n", "assays:\n  - {key: glu, name: {zh: 糖, en: g}, unit: g/L}\n", "assay glu stands"),
    "assay in a strange unit": (M, "unit: mmol/L,", "unit: mmol/l, #!\n     ", "unknown unit 'mmol/l'"),
    "assay of a long name": (M, "  - {key: glu, name:", f"  - {{key: {'g' * 25}, name:", "isn't a key; use up to 24"),
    "reagent without signal": (M, "controls:\n", "reagents:\n  - {key: glu, ids: [G]} #!\ncontrols:\n", "no signal"),
    "analyzer without unknown": (M, "kind: dr\n", "kind: analyzer\n", "has no code UNKNOWN-CODE; add it"),
    "reason of no code": (M, "warm, code: T-01}", "warm, code: T-09} #!", "no code T-09; add it to"),
    "reason that is none": (M, "'^.*too warm'", "'^(a+'", "is no pattern"),
    "reason that captures": (M, "'^.*too warm'", "'^.*(?P<why>too warm)'", "captures `why`, which nothing uses"),
    "reason in capitals": (M, "'^.*too warm'", "'^.*TOO warm'", "doesn't match the regex in lower case"),
    "reason twice": (M, "detector_reasons:\n", _COLD, "detector reason warm stands twice"),
    "impossible date": (M, "    source: test\n    cad", "    source: 2026-13-45\n    cad", "is not YAML"),
}


def test_the_clean_catalog_is_clean(make_folder: MakeFolder) -> None:
    assert main_lines(make_folder()) == []


@pytest.mark.parametrize("name", sorted(CASES))
def test_says_file_line_and_what(name: str, make_folder: MakeFolder) -> None:
    file, old, new, said = CASES[name]
    assert FILES[file].count(old) >= 1
    text = FILES[file].replace(old, new, 1)
    if name in _T_03:
        text = text.replace("log_patterns:", _LASTING + "log_patterns:")
    folder = make_folder({file: text})

    lines = main_lines(folder)

    assert any(said in line for line in lines), lines
    marked = [number for number, line in enumerate(text.splitlines(), 1) if "#!" in line]
    for number in marked:
        assert any(line.startswith(f"{folder / file}:{number}:") and said in line for line in lines), lines


_LASTING = """\
  - {code: T-03, family: heat, severity: minor, name: {zh: 热, en: heat}, stops: {zh: 无, en: nothing},
     advice: {zh: 无, en: none}, ticket: false, source: test}
"""


def test_one_spoilt_entry_hides_no_other_and_makes_no_false_ones(make_folder: MakeFolder) -> None:
    text = (
        FILES[M]
        .replace("    unit: Cel\n    title", "    unit: 7\n    title")
        .replace("family: heat\n", "family: cold\n")
    )

    lines = main_lines(make_folder({M: text}))

    assert [line.partition(": ")[2].partition(";")[0] for line in lines] == [
        "signals[0].unit: should be text, is `int`",
        "faults[0].family: no family cold",
        "faults[1].family: no family cold",
    ]


def test_aliases_are_refused_before_they_grow(make_folder: MakeFolder) -> None:
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
    )
    (line,) = [line for line in main_lines(make_folder({P: bomb})) if "parts.yaml" in line]
    assert ":2:" in line
    assert "an alias" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"parts: " + b"[" * 100_000, "nested deeper"),
        (b"- " * 100_000, "nested deeper"),
        (b"{a: " * 10_000, "nested deeper"),
        (b"parts: []\n" + b"#" * 1_000_001, "larger than"),
        (b"parts:\n  - {key: \xff}\n", ":2:1: is not UTF-8"),
        (b"parts: []\n\x00", "is not YAML"),
        (b"? [a]\n: 1\n", "a key must be a word"),
        (b"1: 2\n", "unknown key"),
    ],
    ids=["brackets", "dashes", "braces", "size", "bytes", "nul", "complex key", "number as key"],
)
def test_hostile_files_are_a_problem_and_no_crash(make_folder: MakeFolder, content: bytes, said: str) -> None:
    lines = [line for line in main_lines(make_folder({P: content})) if "parts.yaml:" in line]
    assert any(said in line for line in lines), lines


def test_a_missing_file_and_folder(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder()
    (folder / "runbooks.yaml").unlink()
    assert f"{folder}/runbooks.yaml:0:0: can't be read: No such file or directory" in "\n".join(main_lines(folder))
    assert len(check(tmp_path / "nowhere")) == 3


def test_two_models_of_one_key(make_folder: MakeFolder) -> None:
    folder = make_folder({"models/zz.yaml": FILES[B]})
    assert any("zz.yaml:1:6: key: model base is in base.yaml too" in line for line in main_lines(folder))


def test_problems_come_in_order_and_once(make_folder: MakeFolder) -> None:
    text = FILES[M].replace("family: heat\n", "family: cold\n").replace("unit: Cel\n", "unit: x\n", 1)
    problems = check(make_folder({M: text}))
    assert [(problem.file, problem.line) for problem in problems] == sorted(
        {(problem.file, problem.line) for problem in problems}
    )
