"""``steth decode dicom|astm|hl7|log FILE…``: what would leave the device for these files, as JSON Lines, nothing else.

The same functions as in the running agent: an adapter's reading, then the gate of ``agent.privacy``. Three things
differ. A file is a backlog: all its own times are believed, and they don't judge the equipment's clock. Every file is
taken as the first that is heard of its equipment (the agent tells states and inventory only when they change). The time
of receipt, for what bears no time of its own, is the file's last modification, so that the same files give the same
lines. What is refused is counted on stderr. A file that can't be read is one sentence on stderr and the exit code 2;
the others are decoded all the same.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

import msgspec

from agent.adapters.astm.file import read_file as read_astm
from agent.adapters.dicom.objects import read_file
from agent.adapters.dicom.reasons import Reasons
from agent.adapters.hl7.file import read_file as read_hl7
from agent.adapters.logs.encodings import ENCODINGS, why_no_text
from agent.adapters.logs.file import beginning, turns
from agent.adapters.logs.pattern import LineReader, Open
from agent.config.zones import zone_of
from agent.errors import AdapterError, AgentError
from agent.privacy import admit
from catalog.errors import CatalogError
from catalog.load import load
from catalog.model import Model
from wire.items import Item

BAD_INPUT: Final = 2
_MODELS: Final = {"dicom": "generic-dr", "astm": "generic-analyzer", "hl7": "generic-analyzer", "log": "generic-dr"}
"""What can be decoded, and the model that is taken where none is named."""
_json: Final = msgspec.json.Encoder()


def decode_main(argv: list[str]) -> int:
    """Run the command with its arguments; the exit code: 0, or 2 for bad input."""
    args = _arguments().parse_args(argv)
    try:
        model = _model(args.model or _MODELS[args.kind], args.catalog)
        zone = UTC if args.time_zone is None else zone_of(args.time_zone)
    except (AgentError, CatalogError) as error:
        _say(str(error))
        return BAD_INPUT
    if args.time_zone is None:
        _say("local times without an offset are taken as UTC; give --time-zone Asia/Shanghai or the like")
    code = 0
    refused: Counter[str] = Counter()
    for name in args.files:
        file = Path(name)
        try:
            for items, reasons in _decoded(args, file, model, zone):
                passed, stopped = admit(items, model)
                for item in passed:
                    sys.stdout.write(_json.encode(item).decode() + "\n")
                sys.stdout.flush()
                refused += reasons + stopped
        except BrokenPipeError:
            # Whoever read has seen enough; without this Python would complain once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return code
        except AdapterError as error:
            _say(f"{name}: {error}")
            code = BAD_INPUT
        except OSError as error:
            _say(f"{name}: can't be read: {error.strerror}; check its name and rights")
            code = BAD_INPUT
    for reason, times in sorted(refused.items()):
        _say(f"refused {times} {reason}")
    return code


Decoded = tuple[list[Item], Counter[str]]


def _decoded(args: argparse.Namespace, file: Path, model: Model, zone: tzinfo | None) -> Iterator[Decoded]:
    match args.kind:
        case "dicom":
            return _dicom(file, zone, model)
        case "astm":
            return read_astm(
                file,
                model=model,
                zone=zone,
                encoding=args.encoding or "utf-8",
                checksum=not args.no_checksum,
                record_per_frame=args.record_per_frame,
            )
        case "hl7":
            return read_hl7(file, model=model, zone=zone)
        case _:
            return _log(file, model, args.encoding, zone)


def _dicom(file: Path, zone: tzinfo | None, model: Model) -> Iterator[Decoded]:
    for found in read_file(file, zone=zone, reasons=Reasons(model)):
        yield found.items(), found.refused


def _log(file: Path, model: Model, encoding: str | None, zone: tzinfo | None) -> Iterator[Decoded]:
    reader = LineReader(model=model, patterns=model.log_patterns, encoding=encoding, zone=zone)
    why = why_no_text(encoding, beginning(file))
    lines = 0
    told = False
    refused: Counter[str] = Counter()
    waiting: tuple[Open, ...] = ()
    for turn in turns(file, encoding=encoding):
        found = reader.read(turn.lines, received=turn.written, big_endian=turn.big_endian, waiting=waiting)
        waiting = found.open
        lines += len(turn.lines)
        refused += found.refused + Counter({"long-line": turn.long})
        told = told or bool(found.live or found.bulk)
        yield [*found.live, *found.bulk], Counter()
    if why is None and 2 * refused["bad-bytes"] > lines:
        why = f"it is no text in {encoding or 'utf-8'}; give the log's --encoding"
    if why is not None and not told:
        raise AdapterError("not-text", why)
    yield [], refused


def _model(key: str, folder: str | None) -> Model:
    models = load(None if folder is None else Path(folder)).models
    if key not in models:
        raise AgentError(f"the catalog has no model {key}; it has {', '.join(sorted(models))}")
    return models[key]


def _say(text: str) -> None:
    sys.stderr.write(f"steth decode: {text}\n")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="steth decode", description="Print what would leave the device for these files, as JSON Lines."
    )
    parser.add_argument("kind", choices=tuple(_MODELS), help="what the files are")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="key of the catalog (default: the generic one of this kind)")
    parser.add_argument("--catalog", help="a folder of catalog files instead of the shipped ones")
    parser.add_argument("--encoding", choices=ENCODINGS, help="of a log (default: as each pattern says, mostly utf-8)")
    parser.add_argument(
        "--no-checksum", action="store_true", help="of ASTM frames that bear none, or none that is right"
    )
    parser.add_argument(
        "--record-per-frame",
        action=argparse.BooleanOptionalAction,
        help="whether each ASTM frame is a record, where no CR tells (default: judged)",
    )
    parser.add_argument("--time-zone", help="IANA name of the equipment's zone (default: UTC)")
    return parser
