"""Loads the catalog: a pure function of the files of one folder.

The folder holds `models/*.yaml`, `parts.yaml`, `runbooks.yaml` and `messages.yaml` (`catalog.source`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import structs

from catalog import tree
from catalog.errors import CatalogError
from catalog.model import Catalog, FaultCode, FaultFamily, LogPattern, Model, Part, PartRef
from catalog.source import MessagesFile, ModelFile, PartsFile, PartUse, RunbooksFile

SHIPPED = Path(__file__).parent / "data"

F = TypeVar("F", ModelFile, PartsFile, RunbooksFile, MessagesFile)


def load(path: Path | None = None) -> Catalog:
    """The catalog of the folder `path`, or the shipped one.

    Raises CatalogError with file and line when a file is missing, isn't what its schema says, or names a base, family
    or part that isn't there. `catalog.check` finds more, and all of it at once.
    """
    folder = SHIPPED if path is None else path
    parts = {part.key: part for part in read_file(folder / "parts.yaml", PartsFile).parts}
    runbooks = {book.key: book for book in read_file(folder / "runbooks.yaml", RunbooksFile).runbooks}
    messages = read_file(folder / "messages.yaml", MessagesFile).messages
    files: dict[str, tuple[Path, ModelFile]] = {}
    for file in sorted((folder / "models").glob("*.yaml")):
        source = read_file(file, ModelFile)
        files[source.key] = (file, source)
    models = {key: _model(key, files, parts) for key in files}
    return Catalog(models=models, runbooks=runbooks, parts=parts, messages=messages)


def read_file(file: Path, kind: type[F]) -> F:
    """One file as its struct. Raises CatalogError with the line of the first thing that is wrong."""
    node, value = tree.read(file)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise tree.at(file, tree.locate(node, tree.key_path(where)), what) from error


def lineage(key: str, files: dict[str, tuple[Path, ModelFile]]) -> list[str]:
    """A model's bases and then itself, each once, bases first.

    Raises CatalogError for a base that is missing or that leads back to the model.
    """
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above or name not in files:
            what = "extends itself" if name in above else "isn't there"
            raise CatalogError(file=files[above[-1]][0], what=f"base '{name}' {what}")
        if name not in order:
            for base in files[name][1].extends:
                visit(base, (*above, name))
            order.append(name)

    visit(key, ())
    return order


def _model(key: str, files: dict[str, tuple[Path, ModelFile]], parts: dict[str, Part]) -> Model:
    file, source = files[key]
    chain = [files[name][1] for name in lineage(key, files)]
    try:
        families = {
            family.key: FaultFamily(
                key=family.key,
                name=family.name,
                subsystem=family.subsystem,
                causes=family.causes,
                parts=_parts(family.parts, parts),
            )
            for level in chain
            for family in level.families
        }
        faults: dict[str, FaultCode] = {}
        for level in chain:
            for fault in level.faults:
                family = families[fault.family]
                faults[fault.code] = FaultCode(
                    code=fault.code,
                    family=fault.family,
                    severity=fault.severity,
                    name=fault.name,
                    stops=fault.stops,
                    advice=fault.advice,
                    causes=family.causes if fault.causes is None else fault.causes,
                    parts=family.parts if fault.parts is None else _parts(fault.parts, parts),
                    ticket=fault.ticket,
                    runbook=fault.runbook,
                    clear=fault.clear,
                    source=fault.source,
                )
    except KeyError as error:
        raise CatalogError(file=file, what=f"names the family or part {error}, which isn't there") from error
    silences = [level.silence for level in chain if level.silence is not None]
    return Model(
        key=key,
        kind=source.kind,
        name=source.name,
        extends=source.extends,
        families=families,
        signals={signal.name: signal for level in chain for signal in level.signals},
        faults=faults,
        silence=silences[-1] if silences else None,
        log_patterns=tuple(_filled(pattern, faults) for level in chain for pattern in level.log_patterns),
        runbooks=tuple(dict.fromkeys(name for level in chain for name in level.runbooks)),
    )


def _filled(pattern: LogPattern, faults: Mapping[str, FaultCode]) -> LogPattern:
    if pattern.fault is None or pattern.fault.prefix is None:
        return pattern
    prefix = pattern.fault.prefix
    table = {code.removeprefix(prefix): code for code in faults if code.startswith(prefix)}
    return structs.replace(pattern, fault=structs.replace(pattern.fault, table=table))


def _parts(uses: tuple[PartUse, ...], parts: dict[str, Part]) -> tuple[PartRef, ...]:
    return tuple(
        PartRef(
            key=use.key,
            name=parts[use.key].name,
            spec=parts[use.key].spec,
            quantity=use.quantity,
            probability=use.probability,
        )
        for use in uses
    )
