"""A small clean catalog that a test spoils in one place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.load import load
from catalog.model import Catalog

PARTS = """\
parts:
  - {key: fan, name: {zh: 风扇, en: fan}, spec: {zh: 12 V, en: 12 V}}
"""

RUNBOOKS = """\
runbooks:
  - key: look
    name: {zh: 检查, en: Look}
    covers: [network]
    read_only: true
    scopes: [diagnose]
    suggested: {zh: 任何时候, en: any time}
    steps:
      - id: echo
        kind: dicom_echo
        title: {zh: 回显, en: echo}
        params: {peer: pacs}
        time_limit_s: 10
        output_limit: 4096
        verdicts:
          - {field: reached, op: eq, value: 0, level: fail, reason: no-echo}
"""

MESSAGES = """\
messages:
  no-echo: {zh: 无应答, en: no answer}
  hot: {zh: "{signal:signal} {value:quantity}", en: "{signal:signal} at {value:quantity}"}
"""

BASE = """\
key: base
kind: base
name: {zh: 基础, en: Base}
runbooks: [look]
families:
  - key: link
    name: {zh: 失联, en: Silent}
    subsystem: network
    evidence: []
    causes: [{zh: 关机, en: switched off}]
silence:
  after_s: 180
  severity: major
  family: link
  ticket: true
  advice: {zh: 致电科室, en: call the department}
"""

MODEL = """\
key: thing
kind: dr
name: {zh: 设备, en: Thing}
extends: [base]
families:
  - key: heat
    name: {zh: 过热, en: Heat}
    subsystem: cooling
    evidence: [thing.temperature]
    causes: [{zh: 灰尘, en: dust}]
    parts:
      - {key: fan, probability: 0.5}
signals:
  - name: thing.temperature
    unit: Cel
    title: {zh: 温度, en: Temperature}
    source: test
    cadence: 60
    lane: live
    min: -20
    max: 90
    rules:
      - key: hot
        title: {zh: 设备过热, en: Thing too hot}
        op: above
        raise: 42
        clear: 39
        for_s: 300
        severity: major
        family: heat
        ticket: true
        advice: {zh: 除尘, en: clean it}
        runbook: look
faults:
  - code: T-01
    family: heat
    severity: critical
    name: {zh: 过热, en: Too hot}
    stops: {zh: 不能使用, en: all of it}
    advice: {zh: 关机, en: switch off}
    ticket: true
    clear: {by: [T-02]}
    source: test
  - code: T-02
    family: heat
    severity: warning
    name: {zh: 变热, en: Warm}
    stops: {zh: 无, en: nothing}
    advice: {zh: 观察, en: watch}
    ticket: false
    clear: {after_s: 60}
    source: test
log_patterns:
  - id: line
    regex: '^(?P<ts>\\d\\d:\\d\\d) T (?P<code>\\d\\d) SET\\b'
    example: '08:14 T 01 SET words'
    time_format: '%H:%M'
    fault: {state: active, group: code, prefix: T-}
  - id: temperature
    regex: '^temp=(?P<value>\\d{1,3})'
    example: 'temp=37 and more'
    signal: {name: thing.temperature, group: value, unit: Cel}
codes:
  - {raw: "16", tables: [astm.comment, astm.flag], code: T-02, name: WARM}
  - {raw: "0", tables: [astm.comment]}
assays:
  - {key: glu, name: {zh: 葡萄糖, en: Glucose}, unit: mmol/L, also: {mg/dL: 0.0555}}
tests:
  - {key: glu, ids: [GLU, Glucose]}
controls:
  - {key: l1, ids: ["1", QC-L1]}
detector_reasons:
  - {id: warm, regex: '^.*too warm', example: Is TOO  warm, code: T-01}
"""

FILES = {
    "parts.yaml": PARTS,
    "runbooks.yaml": RUNBOOKS,
    "messages.yaml": MESSAGES,
    "models/base.yaml": BASE,
    "models/thing.yaml": MODEL,
}

MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes the clean catalog, with the files of `changed` (by name, text or bytes) instead or besides."""

    def make(changed: dict[str, str | bytes] | None = None) -> Path:
        (tmp_path / "models").mkdir(exist_ok=True)
        for name, content in {**FILES, **(changed or {})}.items():
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return make


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    return load()
