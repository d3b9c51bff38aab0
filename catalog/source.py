"""The structs of the files as people write them. They differ from `catalog.model` only where loading resolves something:
a part is named by key, a fault may leave causes and parts to its family, a model holds only what its bases lack."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from catalog.model import Clear, Kind, LogPattern, Part, Runbook, Severity, Signal, Silence, Text


class PartUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    quantity: int = 1
    probability: float


class FamilySource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    name: Text
    subsystem: str
    causes: tuple[Text, ...]
    parts: tuple[PartUse, ...] = ()


class FaultSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    family: str
    severity: Severity
    name: Text
    stops: Text
    advice: Text
    causes: tuple[Text, ...] | None = None
    parts: tuple[PartUse, ...] | None = None
    ticket: bool
    runbook: str | None = None
    clear: Clear | None = None
    source: str


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """models/*.yaml: one model or base a file; the file's name is its key."""

    key: str
    kind: Kind
    name: Text
    extends: tuple[str, ...] = ()
    families: tuple[FamilySource, ...] = ()
    signals: tuple[Signal, ...] = ()
    faults: tuple[FaultSource, ...] = ()
    silence: Silence | None = None
    log_patterns: tuple[LogPattern, ...] = ()
    runbooks: tuple[str, ...] = ()


class PartsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """parts.yaml"""

    parts: tuple[Part, ...]


class RunbooksFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """runbooks.yaml"""

    runbooks: tuple[Runbook, ...]


class MessagesFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """messages.yaml: message id -> template in both languages."""

    messages: Mapping[str, Text]
