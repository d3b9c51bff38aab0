"""``steth decode dicom|log FILE…``: what would leave the device for these files, and nothing else, as JSON Lines.

The same functions as in the running agent: an adapter's reading, then the gate of ``agent.privacy``. Two things differ.
Every file is taken as the first that is heard of its equipment (the agent tells states and inventory only when they
change), and the time of receipt, for what bears no time of its own, is the file's last modification, so that the same
files give the same lines. What is refused is counted on stderr. A file that can't be read is one sentence on stderr and
the exit code 2; the others are decoded all the same.
"""

import argparse
import sys
from collections import Counter
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

import msgspec

from agent.dicom import read_header
from agent.dicom_elements import HEADER_LIMIT
from agent.errors import AdapterError, AgentError
from agent.privacy import admit
from agent.zones import zone_of
from catalog.errors import CatalogError
from catalog.load import load
from catalog.model import Model
from wire.items import Item

BAD_INPUT: Final = 2
_json: Final = msgspec.json.Encoder()


def decode_main(argv: list[str]) -> int:
    """Run the command with its arguments; the exit code: 0, or 2 for bad input."""
    args = _arguments().parse_args(argv)
    try:
        model = _model(args.model, args.catalog)
        zone = UTC if args.time_zone is None else zone_of(args.time_zone)
    except (AgentError, CatalogError) as error:
        _say(str(error))
        return BAD_INPUT
    if args.time_zone is None:
        _say("local times without an offset are taken as UTC; give --time-zone Asia/Shanghai or the like")
    code = 0
    refused: Counter[str] = Counter()
    for file in args.files:
        try:
            items, reasons = _dicom(Path(file), zone)
        except AdapterError as error:
            _say(f"{file}: {error}")
            code = BAD_INPUT
        except OSError as error:
            _say(f"{file}: can't be read: {error.strerror}; check its name and rights")
            code = BAD_INPUT
        else:
            passed, stopped = admit(items, model)
            for item in passed:
                sys.stdout.write(_json.encode(item).decode() + "\n")
            refused += reasons + stopped
    for reason, times in sorted(refused.items()):
        _say(f"refused {times} {reason}")
    return code


def _dicom(file: Path, zone: tzinfo | None) -> tuple[list[Item], Counter[str]]:
    with file.open("rb") as stream:
        data = stream.read(HEADER_LIMIT + 1)
    image = read_header(data, received=file.stat().st_mtime_ns // 1_000_000, zone=zone)
    return image.items(), image.refused


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
    parser.add_argument("kind", choices=("dicom", "log"), help="what the files are")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", default="generic-dr", help="key of the catalog (default: %(default)s)")
    parser.add_argument("--catalog", help="a folder of catalog files instead of the shipped ones")
    parser.add_argument("--time-zone", help="IANA name of the equipment's zone (default: UTC)")
    return parser
