"""The structs of a loaded catalog: frozen, resolved (bases merged, parts filled in), safe to share between threads.

Everything a person reads is a `Text` with both languages. Units are UCUM codes (`catalog.units`). Keys and codes are
plain strings and travel as they are written here. Mappings are plain dicts typed as read-only.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from wire.commands import Scope
from wire.items import Code, Name, Value
from wire.topics import Lane

Kind = Literal["dr", "analyzer", "base"]
Severity = Literal["critical", "major", "minor", "warning"]
Lang = Literal["zh", "en"]
LogState = Literal["active", "cleared", "event"]
StepKind = Literal["host_state", "disk", "clock", "outbox", "dicom_echo"]
Comparison = Literal["lt", "le", "gt", "ge", "eq", "ne"]
Words = Annotated[str, Meta(pattern=r"\S")]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]
Probability = Annotated[float, Meta(ge=0, le=1)]

CodeTable = Literal["astm.comment", "astm.flag", "hl7.notification"]
RawId = Annotated[str, Meta(min_length=1, max_length=48, pattern=r"^\S(?:[^\x00-\x1f\x7f]*\S)?\Z")]
"""An id as the equipment spells it, without the blanks around it, which readers strip before they look it up."""

CODE_TABLES: Final[dict[CodeTable, str]] = {
    "astm.comment": "ASTM E1394 11.1.4, comment text of a C record: its first component",
    "astm.flag": "ASTM E1394 10.1.7 and 10.1.8, flags of an R record",
    "hl7.notification": "HL7 2.x chapter 13, EAN NDS-4 Notification Code: its first component",
}
"""The tables of raw codes (`Model.codes`) and where the equipment writes such a code."""

UNKNOWN_CODE: Final = "UNKNOWN-CODE"
"""A raw code of digits that its table doesn't hold; its parameter `code` is the number. Every analyzer has it."""

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "major", "minor", "warning")
"""From worst to least. critical: the equipment can't be used, or must not be; major: a function is lost or soon will
be; minor: works, needs a visit; warning: to be watched. IEC 62682 asks for few priorities."""

MAX_LOG_LINE: Final = 2048
"""Characters of a log line that are looked at."""

MAX_CONTINUATION: Final = 20
"""Lines after a log line in which what completes it may stand."""

STEP_PARAMS: Final[dict[StepKind, tuple[str, ...]]] = {
    "host_state": (),
    "disk": (),
    "clock": (),
    "outbox": (),
    "dicom_echo": ("peer",),
}
"""The parameters of each kind of step, all needed. `peer`: a name of the agent's configuration, never an address."""

STEP_FIELDS: Final[dict[StepKind, tuple[str, ...]]] = {
    "host_state": ("cpu", "memory", "uptime_s"),  # %, %, s
    "disk": ("used", "free"),  # %, bytes: of the fullest disk
    "clock": ("offset_ms",),  # device minus server
    "outbox": ("live", "bulk", "dropped"),  # reports waiting, reports waiting, reports dropped in this epoch
    "dicom_echo": ("reached", "round_trip_ms"),  # 0 or 1, ms
}
"""What each kind of step finds: the fields that a verdict may judge and its message may show."""


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """The same words for a Chinese and an English reader; neither may be empty."""

    zh: Words
    en: Words

    def get(self, lang: Lang) -> str:
        """The words in `lang`."""
        return self.zh if lang == "zh" else self.en


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spare part by what it is. `spec` tells the storekeeper what to match (rating, type, connector)."""

    key: Name
    name: Text
    spec: Text


class PartRef(Struct, frozen=True, kw_only=True):
    """A part to bring: `quantity` pieces, with the `probability` (0..1) that this fault needs it."""

    key: str
    name: Text
    spec: Text
    quantity: int
    probability: float


class FaultFamily(Struct, frozen=True, kw_only=True):
    """Faults that one visit would repair together: at most one open ticket for each device and family.

    `causes` and `parts` come likeliest first. `evidence`: the signals that show the fault, the most telling first;
    none: no signal does, and what the device told is the evidence.
    """

    key: str
    name: Text
    subsystem: str
    evidence: tuple[str, ...] = ()
    causes: tuple[Text, ...]
    parts: tuple[PartRef, ...]


class Assay(Struct, frozen=True, kw_only=True):
    """A test whose quality control is reported, never its patients' results.

    A control's result becomes the readings `qc.<key>.<control>.value` in `unit` (UCUM) and, where target and standard
    deviation are known, `qc.<key>.<control>.z` (unit 1). `units`: unit as the equipment may write it -> factor to
    `unit`; a value in any other unit is refused.
    """

    key: str
    name: Text
    unit: str
    units: Mapping[str, float]


class LimitRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit on one signal, in the signal's unit.

    It holds when the value stays beyond `raise_at` (in YAML: `raise`) for `for_s` seconds, 0: at once. It ends when the
    value is at or back beyond `clear`: for `above` clear <= raise, for `below` clear >= raise. `title`: what is wrong
    then, with its subject and direction ("Reagent low"), never the bare signal. `advice`: what to do.
    """

    key: Name
    title: Text
    op: Literal["above", "below"]
    raise_at: Value = field(name="raise")
    clear: Value
    for_s: Annotated[float, Meta(ge=0, le=31_536_000)] = 0.0
    severity: Severity
    family: Name
    ticket: bool
    advice: Text
    runbook: Name | None = None


class Signal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity that the equipment reports.

    `name`: dotted metric name. `unit`: UCUM. `title`: what a person reads. `source`: standard and section or tag.
    `cadence`: "exposure", or seconds between samples. `min`..`max`: what is physically possible; the adapter refuses
    and counts what lies outside. `deadband`: a change up to this needn't be sent (0: send all).
    `stands`: seconds for which a value is unchanged if no newer one comes, since its sender keeps back what didn't
    change and repeats it by then; None: no news is no news. It lets a limit's `for` be met by one value.
    `set_by`: the signal, of the same unit, that says what was asked for where this one says what was delivered.
    `digits`: decimals that a person reads (None: as usual for the unit, `catalog.units.DIGITS`). `counter`: the Chinese
    measure word of a plain number of things. `states`: for a signal that says one of several things, the words of each.
    """

    name: Name
    unit: str
    title: Text
    source: Words
    cadence: Literal["exposure"] | Seconds
    lane: Lane
    min: Value
    max: Value
    deadband: Annotated[float, Meta(ge=0, le=1e18)] = 0.0
    stands: Seconds | None = None
    set_by: Name | None = None
    digits: Annotated[int, Meta(ge=0, le=6)] | None = None
    counter: Words | None = None
    states: Mapping[int, Text] = {}
    rules: tuple[LimitRule, ...] = ()


class Clear(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ends a fault besides a `cleared` of its own code. Exactly one is given.

    `by`: one of these codes was seen (active or event); `after_s`: that many seconds passed without a repeat.
    """

    by: tuple[Code, ...] = ()
    after_s: Seconds | None = None


class FaultCode(Struct, frozen=True, kw_only=True):
    """One code of the equipment.

    `stops`: what can't be done meanwhile. `causes` and `parts` are the family's unless the file gives the code its own.
    `clear` None: only a `cleared` of this code ends it. `source`: who published it.
    """

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


class Silence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The absence rule of a device: nothing heard for `after_s` seconds on the probed clock (delivery 15)."""

    after_s: Seconds
    severity: Severity
    family: Name
    ticket: bool
    advice: Text
    runbook: Name | None = None


class LogFault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log line that reports a fault: the literal `code`, or what the named `group` captured, found in `table`.

    `table`: captured text -> code; what it doesn't hold never leaves the device. A file may give `prefix` instead: then
    loading fills the table with all codes of the model that begin with it, captured without it.
    """

    state: LogState
    code: Code | None = None
    group: str | None = None
    table: Mapping[str, Code] = {}
    prefix: str | None = None


class LogSignal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log line that holds a number: the named `group` is it, in `unit`, a reading of the signal `name`."""

    name: Name
    group: str
    unit: str


class Continuation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What completes a log line: the first of the `within` lines after it that `regex` matches.

    Each pattern waits for at most one continuation at a time, so that a line is tried by at most two expressions of a
    pattern. Another line that begins the same starts the waiting anew.
    """

    regex: Words
    within: Annotated[int, Meta(ge=1, le=MAX_CONTINUATION)]


class LogPattern(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read one kind of log line. Exactly one of `fault` and `signal`.

    `regex` (`catalog.pattern`) is tried from the start of the line on its first `MAX_LOG_LINE` characters.
    `continuation`: for what stands in a following line; each group is then in one of the two. `time_format`: of
    strptime, for the group `ts`, in the device's local time (None: the time of reading counts). `example`: a line that
    matches, with the lines after it where there is a continuation. Only the code found or the number leaves the device,
    never a line.
    """

    id: Name
    regex: Words
    continuation: Continuation | None = None
    example: Words
    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"
    time_format: str | None = None
    fault: LogFault | None = None
    signal: LogSignal | None = None


class DetectorReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a detector isn't nominal: what its description (DICOM (0018,7006)) says beside (0018,7000) = NO, as a code.

    `regex` (`catalog.pattern`) is tried from the start of the description in lower case, its blanks and line ends as
    one blank each. `example`: a description that it matches. Only the code leaves the device, never the description.
    """

    id: Name
    regex: Words
    example: Words
    code: Code


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Judges one field of a step's result: `field op value` gives `level`, for the `reason` (a message id).

    The worst level that holds wins, the first of equals; none: ok, for the reason `remote.step.ok`.
    """

    field: str
    op: Comparison
    value: Value
    level: Literal["warn", "fail"]
    reason: Name


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One read-only check that the agent has code for (`kind`); there is no shell.

    `params`: those of `STEP_PARAMS`. `time_limit_s` seconds, `output_limit` bytes: beyond either the step fails.
    """

    id: Name
    kind: StepKind
    title: Text
    params: Mapping[str, str] = {}
    time_limit_s: Annotated[float, Meta(gt=0, le=300)]
    output_limit: Annotated[int, Meta(gt=0, le=65_536)]
    verdicts: tuple[Verdict, ...] = ()


class Runbook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read-only steps that diagnose the equipment.

    `name`: what it looks at, which its verdict is about. `covers`: the subsystems that it looks at; of any other a
    verdict says that it wasn't checked. `read_only`: changes nothing, so a standing policy may allow it. `scopes`: what
    a remote session needs for it. `suggested`: when to run it.
    """

    key: Name
    name: Text
    covers: tuple[Name, ...]
    read_only: bool
    scopes: tuple[Scope, ...]
    suggested: Text
    steps: tuple[Step, ...]


class Model(Struct, frozen=True, kw_only=True):
    """A model of equipment with all that its bases (`extends`) bring. A `kind` of "base" is no equipment by itself.
    `detector_reasons`: the first that matches counts, its own before its bases'.

    What the equipment spells in its own way, looked up after stripping blanks, exactly as written:
    `codes`: table (`CODE_TABLES`) -> raw code -> fault code, or "" for a code that is known and tells nothing of the
    equipment (no flag; a result out of its range): dropped without a word. `assays`: test id -> its assay. `controls`:
    control id, level or type -> control key (`l1`). `reagents`: substance id -> key of `reagent.<key>.remaining`.
    `signals` holds what they promise: `qc.<assay>.<control>.value` and `.z` of every assay and control (`catalog.qc`).
    """

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
    detector_reasons: tuple[DetectorReason, ...] = ()
    codes: Mapping[str, Mapping[str, str]] = {}
    assays: Mapping[str, Assay] = {}
    controls: Mapping[str, str] = {}
    reagents: Mapping[str, str] = {}


class RepairWord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cause that a repair may name, or something that was done. `parts`: what was put in must be named; `note`: a few
    words must say what."""

    key: Name
    name: Text
    parts: bool = False
    note: bool = False


class Repairs(Struct, frozen=True, kw_only=True):
    """How a repair is told, by key: causes, where none of the ticket's own fits, and what was done."""

    causes: Mapping[str, RepairWord]
    actions: Mapping[str, RepairWord]


class Catalog(Struct, frozen=True, kw_only=True):
    """Everything known: models, runbooks and parts by key, how repairs are told, message templates by id."""

    models: Mapping[str, Model]
    runbooks: Mapping[str, Runbook]
    parts: Mapping[str, Part]
    repairs: Repairs
    messages: Mapping[str, Text]
