"""The structs of the files as people write them.

They differ from `catalog.model` only where loading resolves something: a part is named by key, a fault may leave causes
and parts to its family, a model holds only what its bases lack.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from catalog.model import (
    Clear,
    DetectorReason,
    Kind,
    LogPattern,
    Part,
    Probability,
    RawId,
    RepairWord,
    Runbook,
    Severity,
    Signal,
    Silence,
    Text,
    Words,
)
from wire.items import Code, Name

Key = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_\-]{0,23}\Z")]
"""A piece of a metric's name: of an assay, a control or a reagent."""


class PartUse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of `parts.yaml` that may be needed."""

    key: Name
    quantity: Annotated[int, Meta(ge=1)] = 1
    probability: Probability


class FamilySource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`catalog.model.FaultFamily` as written; that no signal shows it is said, by an empty `evidence`."""

    key: Name
    name: Text
    subsystem: Name
    evidence: tuple[Name, ...]
    causes: Annotated[tuple[Text, ...], Meta(min_length=1)]
    parts: tuple[PartUse, ...] = ()


class FaultSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`catalog.model.FaultCode` as written; without `causes` or `parts` the family's hold."""

    code: Code
    family: Name
    severity: Severity
    name: Text
    stops: Text
    advice: Text
    causes: Annotated[tuple[Text, ...], Meta(min_length=1)] | None = None
    parts: tuple[PartUse, ...] | None = None
    ticket: bool
    runbook: Name | None = None
    clear: Clear | None = None
    source: Words


class CodeSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One raw code of the equipment, in one or several tables (`catalog.model.CODE_TABLES`).

    Without `code` it is known and tells nothing of the equipment. `name`: the maker's short name of it, for whoever
    reads the file.
    """

    raw: RawId
    tables: Annotated[tuple[str, ...], Meta(min_length=1)]
    code: Code | None = None
    name: Words | None = None


class AssaySource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`catalog.model.Assay` as written. `also`: other units that the equipment writes -> factor to `unit`.

    Common spellings of `unit` itself are known (`catalog.units.SPELLINGS`).
    """

    key: Key
    name: Text
    unit: str
    also: Mapping[Words, Annotated[float, Meta(gt=0, le=1e9)]] = {}


class SpelledSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the equipment spells an assay, a control or a reagent, which `key` names."""

    key: Key
    ids: Annotated[tuple[RawId, ...], Meta(min_length=1)]


class ModelFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`models/*.yaml`: one model or base a file, which is named after its key.

    `tests`: test ids -> key of an assay, here or in a base. A base's spellings hold for what extends it.
    """

    key: Name
    kind: Kind
    name: Text
    extends: tuple[Name, ...] = ()
    families: tuple[FamilySource, ...] = ()
    signals: tuple[Signal, ...] = ()
    faults: tuple[FaultSource, ...] = ()
    silence: Silence | None = None
    log_patterns: tuple[LogPattern, ...] = ()
    detector_reasons: tuple[DetectorReason, ...] = ()
    runbooks: tuple[Name, ...] = ()
    codes: tuple[CodeSource, ...] = ()
    assays: tuple[AssaySource, ...] = ()
    tests: tuple[SpelledSource, ...] = ()
    controls: tuple[SpelledSource, ...] = ()
    reagents: tuple[SpelledSource, ...] = ()


class PartsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`parts.yaml`."""

    parts: tuple[Part, ...]


class RunbooksFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`runbooks.yaml`."""

    runbooks: tuple[Runbook, ...]


class RepairsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`repairs.yaml`."""

    causes: tuple[RepairWord, ...]
    actions: tuple[RepairWord, ...]


class MessagesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`messages.yaml`: message id -> template in both languages."""

    messages: Mapping[Name, Text]
