"""Loads the catalog: a pure function of the files of one folder.

The folder holds `models/*.yaml`, `parts.yaml`, `runbooks.yaml`, `repairs.yaml` and `messages.yaml` (`catalog.source`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import structs

from catalog import qc, refuse, tree
from catalog.model import (
    CODE_TABLES,
    Assay,
    Catalog,
    FaultCode,
    FaultFamily,
    LogPattern,
    Model,
    Part,
    PartRef,
    Repairs,
    Runbook,
)
from catalog.source import (
    AssaySource,
    FamilySource,
    FaultSource,
    MessagesFile,
    ModelFile,
    PartsFile,
    PartUse,
    RepairsFile,
    RunbooksFile,
    SpelledSource,
)
from catalog.units import SPELLINGS

SHIPPED = Path(__file__).parent / "data"

F = TypeVar("F", ModelFile, PartsFile, RunbooksFile, RepairsFile, MessagesFile)


def load(path: Path | None = None) -> Catalog:
    """The catalog of the folder `path`, or the shipped one.

    Raises CatalogError, with the line where that is known, when a file is missing, isn't what its schema says, names a
    base, family, part or runbook that isn't there, or holds a pattern that could hang. `catalog.check` finds more, and
    all of it at once.
    """
    folder = SHIPPED if path is None else path
    parts = {part.key: part for part in read_file(folder / "parts.yaml", PartsFile).parts}
    runbooks = {book.key: book for book in read_file(folder / "runbooks.yaml", RunbooksFile).runbooks}
    repairs = read_file(repairs_file(folder), RepairsFile)
    messages = read_file(folder / "messages.yaml", MessagesFile).messages
    files: dict[str, tuple[Path, ModelFile]] = {}
    for file in sorted((folder / "models").glob("*.yaml")):
        source = read_file(file, ModelFile)
        files[source.key] = (file, source)
    models = {key: _model(key, files, parts, runbooks) for key in files}
    return Catalog(
        models=models,
        runbooks=runbooks,
        parts=parts,
        repairs=Repairs(
            causes={cause.key: cause for cause in repairs.causes},
            actions={action.key: action for action in repairs.actions},
        ),
        messages=messages,
    )


def repairs_file(folder: Path) -> Path:
    """A folder that somebody made for a former version has no `repairs.yaml`: then the shipped one counts."""
    own = folder / "repairs.yaml"
    return own if own.exists() else SHIPPED / "repairs.yaml"


def read_file(file: Path, kind: type[F]) -> F:
    """One file as its struct. Raises CatalogError with the line of the first thing that is wrong."""
    node, value = tree.read(file)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise tree.at(file, tree.locate(node, tree.key_path(where)), what) from error


def _model(
    key: str, files: dict[str, tuple[Path, ModelFile]], parts: dict[str, Part], runbooks: Mapping[str, Runbook]
) -> Model:
    _, source = files[key]
    lineage = refuse.lineage(key, files)
    refuse.refuse(lineage, parts=parts, runbooks=runbooks)
    chain = [level for _, level in lineage]
    families = {family.key: _family(family, parts) for level in chain for family in level.families}
    faults = {fault.code: _fault(fault, families[fault.family], parts) for level in chain for fault in level.faults}
    assays = {assay.key: _assay(assay) for level in chain for assay in level.assays}
    controls = _spelled(level.controls for level in chain)
    silences = [level.silence for level in chain if level.silence is not None]
    return Model(
        key=key,
        kind=source.kind,
        name=source.name,
        extends=source.extends,
        families=families,
        signals={signal.name: signal for level in chain for signal in level.signals}
        | qc.signals(assays.values(), dict.fromkeys(controls.values())),
        faults=faults,
        silence=silences[-1] if silences else None,
        log_patterns=tuple(_filled(pattern, faults) for level in chain for pattern in level.log_patterns),
        runbooks=tuple(dict.fromkeys(name for level in chain for name in level.runbooks)),
        detector_reasons=tuple(reason for level in reversed(chain) for reason in level.detector_reasons),
        codes={
            table: {one.raw: one.code or "" for level in chain for one in level.codes if table in one.tables}
            for table in CODE_TABLES
        },
        assays={raw: assays[key] for raw, key in _spelled(level.tests for level in chain).items()},
        controls=controls,
        reagents=_spelled(level.reagents for level in chain),
    )


def _assay(assay: AssaySource) -> Assay:
    spelled = SPELLINGS.get(assay.unit, (assay.unit,))
    units = dict.fromkeys(spelled, 1.0) | dict(assay.also)
    return Assay(key=assay.key, name=assay.name, unit=assay.unit, units=units)


def _spelled(levels: Iterable[tuple[SpelledSource, ...]]) -> dict[str, str]:
    return {raw: spelled.key for level in levels for spelled in level for raw in spelled.ids}


def _family(family: FamilySource, parts: dict[str, Part]) -> FaultFamily:
    return FaultFamily(
        key=family.key,
        name=family.name,
        subsystem=family.subsystem,
        evidence=family.evidence,
        causes=family.causes,
        parts=_parts(family.parts, parts),
    )


def _fault(fault: FaultSource, family: FaultFamily, parts: dict[str, Part]) -> FaultCode:
    return FaultCode(
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


def _filled(log: LogPattern, faults: Mapping[str, FaultCode]) -> LogPattern:
    if log.fault is None or log.fault.prefix is None:
        return log
    prefix = log.fault.prefix
    table = {code.removeprefix(prefix): code for code in faults if code.startswith(prefix)}
    return structs.replace(log, fault=structs.replace(log.fault, table=table))


def _parts(uses: tuple[PartUse, ...], parts: dict[str, Part]) -> tuple[PartRef, ...]:
    """Filled in, likeliest first."""
    return tuple(
        PartRef(
            key=use.key,
            name=parts[use.key].name,
            spec=parts[use.key].spec,
            quantity=use.quantity,
            probability=use.probability,
        )
        for use in sorted(uses, key=lambda use: -use.probability)
    )
