"""What loading refuses in a model's file: what would raise, hang or mislead later, where no person could mend it.

The first such thing, with its line. `catalog.check` finds more, and all of it at once.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from catalog import pattern, tree
from catalog.errors import CatalogError
from catalog.model import CODE_TABLES, UNKNOWN_CODE
from catalog.source import ModelFile, PartUse
from catalog.tree import KeyPath

Level = tuple[Path, ModelFile]


class _Wrong(NamedTuple):
    path: KeyPath
    what: str


def lineage(key: str, files: dict[str, Level]) -> list[Level]:
    """A model's bases and then itself, each once, bases first.

    Raises CatalogError for a base that is missing or that leads back to the model.
    """
    order: list[Level] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        for index, base in enumerate(files[name][1].extends):
            if base in (*above, name) or base not in files:
                what = "extends itself" if base in files else "isn't there"
                raise _at(files[name][0], _Wrong(("extends", index), f"base '{base}' {what}"))
            if files[base] not in order:
                visit(base, (*above, name))
        order.append(files[name])

    visit(key, ())
    return order


def refuse(chain: list[Level], *, parts: Collection[str], runbooks: Collection[str]) -> None:
    """Raises CatalogError for the first wrong name, double or pattern of the last model of the chain."""
    file, own = chain[-1]
    levels = [source for _, source in chain]
    for wrong in _wrongs(own, levels, parts=parts, runbooks=runbooks):
        raise _at(file, wrong)


def _at(file: Path, wrong: _Wrong) -> CatalogError:
    node, _ = tree.read(file)
    return tree.at(file, tree.locate(node, wrong.path), wrong.what)


def _wrongs(
    own: ModelFile, levels: list[ModelFile], *, parts: Collection[str], runbooks: Collection[str]
) -> Iterator[_Wrong]:
    families = {family.key for level in levels for family in level.families}
    for path, item in _judged(own):
        if item.family not in families:
            yield _Wrong((*path, "family"), f"no family '{item.family}'")
        if item.runbook is not None and item.runbook not in runbooks:
            yield _Wrong((*path, "runbook"), f"no runbook '{item.runbook}'")
    for index, key in enumerate(own.runbooks):
        if key not in runbooks:
            yield _Wrong(("runbooks", index), f"no runbook '{key}'")
    for path, uses in _part_uses(own):
        for index, use in enumerate(uses):
            if use.key not in parts:
                yield _Wrong((*path, "parts", index, "key"), f"no part '{use.key}'")
    yield from _rules(own, levels)
    for path, regex in _expressions(own):
        try:
            pattern.compiled(regex)
        except pattern.PatternError as error:
            yield _Wrong(path, f"is no pattern: {error}")
    try:
        pattern.Choice([log.regex for level in levels for log in level.log_patterns])
    except pattern.PatternError as error:
        yield _Wrong(("log_patterns",), str(error))
    yield from _spelled(own, levels)


def _judged(own: ModelFile) -> Iterator[tuple[KeyPath, Any]]:
    for number, signal in enumerate(own.signals):
        for index, rule in enumerate(signal.rules):
            yield ("signals", number, "rules", index), rule
    for number, fault in enumerate(own.faults):
        yield ("faults", number), fault
    if own.silence is not None:
        yield ("silence",), own.silence


def _part_uses(own: ModelFile) -> Iterator[tuple[KeyPath, tuple[PartUse, ...]]]:
    for number, family in enumerate(own.families):
        yield ("families", number), family.parts
    for number, fault in enumerate(own.faults):
        yield ("faults", number), fault.parts or ()


def _expressions(own: ModelFile) -> Iterator[tuple[KeyPath, str]]:
    for number, log in enumerate(own.log_patterns):
        yield ("log_patterns", number, "regex"), log.regex
        if log.continuation is not None:
            yield ("log_patterns", number, "continuation", "regex"), log.continuation.regex
    for number, reason in enumerate(own.detector_reasons):
        yield ("detector_reasons", number, "regex"), reason.regex


def _rules(own: ModelFile, levels: list[ModelFile]) -> Iterator[_Wrong]:
    seen = {rule.key for level in levels[:-1] for signal in level.signals for rule in signal.rules}
    for number, signal in enumerate(own.signals):
        for index, rule in enumerate(signal.rules):
            if rule.key in seen:
                yield _Wrong(("signals", number, "rules", index, "key"), f"rule '{rule.key}' stands twice")
            seen.add(rule.key)


def _spelled(own: ModelFile, levels: list[ModelFile]) -> Iterator[_Wrong]:
    codes = {fault.code for level in levels for fault in level.faults}
    for index, reason in enumerate(own.detector_reasons):
        if reason.code not in codes:
            yield _Wrong(("detector_reasons", index, "code"), f"no code '{reason.code}'")
    for index, one in enumerate(own.codes):
        if one.code is not None and one.code not in codes:
            yield _Wrong(("codes", index, "code"), f"no code '{one.code}'")
        for number, table in enumerate(one.tables):
            if table not in CODE_TABLES:
                yield _Wrong(("codes", index, "tables", number), f"no table '{table}'")
    if own.kind == "analyzer" and UNKNOWN_CODE not in codes:
        yield _Wrong((), f"has no code '{UNKNOWN_CODE}'")
    assays = {assay.key for level in levels for assay in level.assays}
    for index, test in enumerate(own.tests):
        if test.key not in assays:
            yield _Wrong(("tests", index, "key"), f"no assay '{test.key}'")
