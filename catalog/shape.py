"""Reads one catalog file for the lint: all that its schema refuses, each with its place, and what is sound.

A list's or map's entries are judged one by one, so that one bad entry hides neither its neighbours' faults nor, by
its absence, makes false ones: `Book.named` still knows the names of the bad.
"""

import difflib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import yaml

from catalog import model, source, tree
from catalog.errors import CatalogError
from catalog.tree import KeyPath
from wire.commands import Scope
from wire.topics import Lane

T = TypeVar("T")


class Problem(NamedTuple):
    """One thing that is wrong: where, what, and what to do. Line and column count from 1 (0: the whole file)."""

    file: Path
    line: int
    column: int
    key: str
    what: str
    do: str

    def line_of_text(self) -> str:
        """`file:line:column: key: what; what to do`."""
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{self.column}:{key} {self.what}; {self.do}"


class Found(NamedTuple, Generic[T]):
    """A sound entry and where it stands."""

    path: KeyPath
    value: T


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "severity": model.SEVERITIES,
    "lane": tuple(lane.value for lane in Lane),
    "scopes": tuple(scope.value for scope in Scope),
    "state": get_args(model.LogState),
    "level": ("warn", "fail"),
    "encoding": ("utf-8", "gb18030", "latin-1"),
}
_STRUCTS: Final = (
    *(model.Text, model.Part, model.LimitRule, model.Signal, model.Clear, model.Silence, model.LogFault),
    *(
        model.LogSignal,
        model.Continuation,
        model.LogPattern,
        model.DetectorReason,
        model.Verdict,
        model.Step,
        model.Runbook,
    ),
    *(source.PartUse, source.FamilySource, source.FaultSource, source.ModelFile),
    *(source.CodeSource, source.AssaySource, source.SpelledSource),
    *(source.PartsFile, source.RunbooksFile, source.RepairsFile, source.MessagesFile, model.RepairWord),
)
_KNOWN_KEYS: Final = sorted({name for struct in _STRUCTS for name in struct.__struct_encode_fields__})


class Anything(Container[str]):
    """Stands for the names of a file that couldn't be read, so that nobody is told that they aren't there."""

    def __contains__(self, name: object) -> bool:
        """Always."""
        return True


class Book:
    """One file: its nodes, its raw value, and what is wrong with it so far."""

    def __init__(self, *, file: Path, kind: type[msgspec.Struct]) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.root: yaml.Node | None = None
        self.raw: dict[str, Any] = {}
        self.sound: dict[str, list[Found[Any]]] = {}
        try:
            self.root, value = tree.read(file)
        except CatalogError as error:
            self.problems.append(
                Problem(file, error.line, error.column, "", error.what, "the rest of the file isn't checked before")
            )
            return
        if isinstance(value, dict):
            self.raw = value
            self._read(kind)
        else:
            self.say((), "isn't a map of keys", "begin with `key:` as in docs/contract/catalog.schema.json")

    def say(self, path: KeyPath, what: str, do: str, *, key: bool = False) -> None:
        """Notes a problem at a key path; `key`: it is about the key, not its value."""
        line, column = (0, 0) if self.root is None else tree.place(tree.locate(self.root, path, key=key))
        self.problems.append(Problem(self.file, line, column, written(path), what, do))

    def named(self, section: str, name: str) -> list[tuple[KeyPath, str]]:
        """The names of a list's entries (field `name`) with their places, sound or not."""
        entries = self.raw.get(section)
        if not isinstance(entries, list):
            return []
        return [
            ((section, index, name), entry[name])
            for index, entry in enumerate(entries)
            if isinstance(entry, dict) and isinstance(entry.get(name), str)
        ]

    def names(self, section: str, name: str) -> Container[str]:
        """All names of a list's entries, sound or not."""
        return Anything() if self.root is None else {found for _, found in self.named(section, name)}

    def _read(self, kind: type[msgspec.Struct]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        defaults = {info.encode_name: info.required for info in msgspec.structs.fields(kind)}
        for name, required in defaults.items():
            if name not in self.raw:
                if required:
                    self.say((), f"lacks `{name}`", f"add `{name}:`")
                continue
            self.sound[name] = list(self._entries(name, hints[name]))
        for name in self.raw:
            if name not in defaults:
                self.say((name,), f"unknown key `{name}`", _closest(str(name), sorted(defaults)), key=True)

    def _entries(self, name: str, hint: Any) -> list[Found[Any]]:
        value = self.raw[name]
        inner = get_args(hint)
        if get_origin(hint) is tuple and isinstance(value, list):
            found = [self._one((name, index), entry, inner[0]) for index, entry in enumerate(value)]
        elif get_origin(hint) is Mapping and isinstance(value, dict):
            found = [self._one((name, key), {key: entry}, hint) for key, entry in value.items()]
        else:
            found = [self._one((name,), value, hint)]
        return [entry for entry in found if entry is not None]

    def _one(self, path: KeyPath, value: object, hint: Any) -> Found[Any] | None:
        try:
            return Found(path, msgspec.convert(value, hint))
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `")
            below = tree.key_path(where.partition("[...]")[2] if "[...]" in where else where)
            self._explain((*path, *below), what, in_key=where.startswith("key"))
            return None

    def _explain(self, path: KeyPath, what: str, *, in_key: bool) -> None:
        last = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
        quoted = what.split("`")[1::2]
        if what.startswith("Object missing required field"):
            lacking = quoted[0]
            said = {"zh": "has no Chinese text (`zh`)", "en": "has no English text (`en`)"}
            self.say(path, said.get(lacking, f"lacks `{lacking}`"), f"add `{lacking}:`")
        elif what.startswith("Object contains unknown field"):
            self.say((*path, quoted[0]), f"unknown key `{quoted[0]}`", _closest(quoted[0], _KNOWN_KEYS), key=True)
        elif what.startswith("Invalid enum value"):
            choices = _choices(last, path)
            self.say(path, what.lower().replace("enum value", "value"), f"use one of: {', '.join(choices)}")
        elif what.startswith("Expected `str` matching regex"):
            self.say(path, *_not_matching(last, path, in_key=in_key), key=in_key)
        elif what.startswith("Expected `str`, got"):
            self.say(path, f"should be text, is `{quoted[-1]}`", "put it in quotes")
        else:
            self.say(path, what[:1].lower() + what[1:], "see docs/contract/catalog.schema.json", key=in_key)


def written(path: KeyPath) -> str:
    """A key path as people read it: `faults[3].code`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _closest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f"did you mean `{near[0]}`?" if near else "remove it"


def _choices(last: str, path: KeyPath) -> tuple[str, ...]:
    if last == "op":
        return get_args(model.Comparison) if "verdicts" in path else ("above", "below")
    if last == "kind":
        return get_args(model.StepKind) if "steps" in path else get_args(model.Kind)
    return _CHOICES.get(last, ())


def _not_matching(last: str, path: KeyPath, *, in_key: bool) -> tuple[str, str]:
    if last in {"raw", "ids"}:
        return "isn't an id", "write it as the equipment does, without blanks around it, up to 48 characters"
    if last == "key" and path[0] in {"assays", "tests", "controls", "reagents"}:
        return "isn't a key", "use up to 24 lower case letters, digits and _-, such as glu"
    if last in {"code", "by", "table"}:
        return "isn't a fault code", "use up to 48 letters, digits and _.:/+-, such as GEN-KV-01"
    if in_key or last in _NAMES:
        return "isn't a name", "use up to 64 lower case letters, digits and _.-, such as detector.temperature"
    return "is empty", "write the text"


_NAMES: Final = frozenset({"key", "id", "name", "family", "subsystem", "runbook", "runbooks", "extends", "reason"})
