"""The structs of a loaded catalog: frozen, resolved (bases merged, parts filled in), safe to share between threads.

Everything a person reads is a `Text` with both languages. Units are UCUM codes (`catalog.units`). Keys and codes are
plain strings and travel as they are written here. Mappings are plain dicts typed as read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Kind = Literal["dr", "analyzer", "base"]
Severity = Literal["critical", "major", "minor", "warning"]
Lane = Literal["live", "bulk"]
Lang = Literal["zh", "en"]
LogState = Literal["active", "cleared", "event"]
StepKind = Literal["host_state", "disk", "clock", "outbox", "dicom_echo", "tcp_reach"]
Comparison = Literal["lt", "le", "gt", "ge", "eq", "ne"]
Scope = Literal["diagnose", "logs", "terminal", "view", "control", "files"]

SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor", "warning")
"""From worst to least: critical = the equipment can't be used; major = a function is lost or will be within hours;
minor = works, needs a visit; warning = to be watched. IEC 62682 asks for few priorities."""


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same words for a Chinese and an English reader; neither may be empty."""

    zh: str
    en: str

    def get(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spare part by what it is. `spec` tells the storekeeper what to match (rating, type, connector)."""

    key: str
    name: Text
    spec: str


class PartRef(msgspec.Struct, frozen=True, kw_only=True):
    """A part to bring: `quantity` pieces, with the `probability` (0..1) that this fault needs it."""

    key: str
    name: Text
    spec: str
    quantity: int
    probability: float


class FaultFamily(msgspec.Struct, frozen=True, kw_only=True):
    """Faults that one visit would mend together: at most one open ticket for each device and family."""

    key: str
    name: Text
    subsystem: str
    causes: tuple[Text, ...]
    parts: tuple[PartRef, ...]


class LimitRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit on one signal. Holds when the value is beyond `raise_at` (YAML: `raise`) for `for_s` seconds; ends when it is
    back beyond `clear`. For `above`, clear <= raise; for `below`, clear >= raise. `advice` says what a person must do."""

    key: str
    op: Literal["above", "below"]
    raise_at: float = msgspec.field(name="raise")
    clear: float
    for_s: float = 0.0
    severity: Severity
    family: str
    ticket: bool
    advice: Text
    runbook: str | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that the equipment tells.

    `name`: dotted lower case metric name. `unit`: UCUM. `title`: what a person reads. `source`: standard and section, or
    tag. `cadence`: "exposure", or seconds between samples. `min`..`max`: physically plausible; the adapter refuses and
    counts what lies outside. `deadband`: a change smaller than this needn't be sent (0: send all).
    """

    name: str
    unit: str
    title: Text
    source: str
    cadence: Literal["exposure"] | float
    lane: Lane
    min: float
    max: float
    deadband: float = 0.0
    rules: tuple[LimitRule, ...] = ()


class Clear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ends a fault besides an explicit `cleared` of its own code: one of the codes in `by` becoming active or an
    event, or `after_s` seconds without a repeat. Exactly one of the two is given."""

    by: tuple[str, ...] = ()
    after_s: float | None = None


class FaultCode(msgspec.Struct, frozen=True, kw_only=True):
    """One code of the equipment. `causes` and `parts` are the family's unless the file gives the code its own.
    `stops` says what can't be done meanwhile. `clear` None: only an explicit `cleared` ends it."""

    code: str
    family: str
    severity: Severity
    name: Text
    stops: Text
    advice: Text
    causes: tuple[Text, ...]
    parts: tuple[PartRef, ...]
    ticket: bool
    runbook: str | None
    clear: Clear | None
    source: str


class Silence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The absence rule of a device: nothing heard for `after_s` seconds on our probed clock."""

    after_s: float
    severity: Severity
    family: str
    ticket: bool
    advice: Text
    runbook: str | None = None


class LogFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log line that tells of a fault: either the literal `code`, or what the named `group` captured, looked up in
    `table` (captured text -> code). What the table doesn't hold never leaves the device."""

    state: LogState
    code: str | None = None
    group: str | None = None
    table: Mapping[str, str] = {}


class LogSignal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log line that holds a number: the named `group` is that number, in `unit`, a reading of the signal `name`."""

    name: str
    group: str
    unit: str


class LogPattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read one kind of log line. Exactly one of `fault` and `signal`.

    `regex` is matched from the start of the line (`re.match`) on at most `MAX_LOG_LINE` characters. `time_format` is a
    strptime format for the group `ts`, in the device's local time (None: the time of reading counts). `example` is a line
    that matches. Only the looked-up code or the number leaves the device, never the line.
    """

    id: str
    regex: str
    example: str
    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"
    time_format: str | None = None
    fault: LogFault | None = None
    signal: LogSignal | None = None


MAX_LOG_LINE = 2048
"""Characters of a log line that are looked at: bounds the time a pattern can take."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Judges one number or flag of a step's result: `field op value` gives `level`. The worst level that holds wins; none: ok."""

    field: str
    op: Comparison
    value: float
    level: Literal["warn", "fail"]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One read-only check that the agent has code for (`kind`); there is no shell.

    `params`: parameters of the kind, typed. `time_limit_s` seconds, `output_limit` bytes: beyond either the step fails.
    """

    id: str
    kind: StepKind
    title: Text
    params: Mapping[str, str | int | float | bool] = {}
    time_limit_s: float
    output_limit: int
    verdicts: tuple[Verdict, ...] = ()


class Runbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps that tell an engineer how the equipment is. `read_only`: changes nothing, so a standing policy may allow it.
    `scopes`: what a remote session needs for it. `suggested`: when to run it."""

    key: str
    name: Text
    read_only: bool
    scopes: tuple[Scope, ...]
    suggested: Text
    steps: tuple[Step, ...]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model of equipment with everything its bases (`extends`) bring. `kind` "base" is no equipment by itself."""

    key: str
    kind: Kind
    name: Text
    extends: tuple[str, ...]
    families: Mapping[str, FaultFamily]
    signals: Mapping[str, Signal]
    faults: Mapping[str, FaultCode]
    silence: Silence | None
    log_patterns: tuple[LogPattern, ...]
    runbooks: tuple[str, ...]


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known: models by key, runbooks by key, parts by key, message templates by id."""

    models: Mapping[str, Model]
    runbooks: Mapping[str, Runbook]
    parts: Mapping[str, Part]
    messages: Mapping[str, Text]
