"""JSON Schema (draft 2020-12) of every message, from the structs that the codec decodes into.

A schema says what one struct says: types, bounds, patterns, descriptions. What spans fields it can't say, and the
descriptions do: columns of equal length, finite numbers of MessagePack, all readings of a report together, bytes.
"""

import ast
import inspect
import re
import textwrap
from itertools import pairwise
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from wire import codec, examples
from wire.commands import Ack, Command, Will
from wire.ids import DEVICE_FORM, EPOCH_FORM
from wire.items import Name
from wire.limits import MAX_BODY, MAX_READINGS
from wire.report import Report

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MESSAGES: Final[dict[str, type[Struct]]] = {"report": Report, "command": Command, "ack": Ack, "will": Will}
"""Every message that is one JSON body, by the name of its schema."""

Schema = dict[str, Any]

# What white space is to Python's `re` among the characters a text may hold: engines differ in what `\s` covers.
_SPACES: Final = r"[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"


def message_schema(name: str) -> Schema:
    """The schema of one message, complete in itself."""
    struct = MESSAGES[name]
    (_,), parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    described: Schema = {key: _described(key, part) for key, part in parts.items()}
    schema = described.pop(struct.__name__)
    if struct is Report:
        _say_more_of_readings(described["Readings"])
        schema["description"] += (
            f" At most {MAX_BODY} bytes, and {MAX_READINGS} readings over all its items. "
            "Fields that a reader doesn't know are ignored."
        )
    whole: Schema = _portable(
        {
            "$schema": DIALECT,
            "$id": f"urn:steth:1:{name}",
            **schema,
            "examples": [msgspec.json.decode(codec_body(each)) for each in examples.of(struct)],
            "$defs": described,
        }
    )
    return whole


def codec_body(message: Report | Command | Ack | Will) -> bytes:
    """A message's body as JSON."""
    return codec.encode_report(message) if isinstance(message, Report) else codec.encode(message)


def numbers_schema(*, birth: bool | None = None) -> Schema:
    """What travels in MQTT 5 user properties (all of them texts); ``birth``: of a birth alone, of all but births."""
    sequence = {"type": "string", "pattern": r"^[0-9]{1,19}$"}
    seq: Schema = {**sequence, "description": "The report's number in its lane, from 1; 0 is a birth."}
    if birth is not None:
        seq |= {"pattern": "^0$" if birth else "^0*[1-9][0-9]*$", "maxLength": 19}
    return {
        "type": "object",
        "description": (
            "The numbers of a report, outside its body: all of epoch, seq and floor, or none of them at all. A client "
            "without numbers is taken at least once, the same body within 24 h counts once."
        ),
        "properties": {
            "epoch": {
                "type": "string",
                "pattern": f"^{EPOCH_FORM}$",
                "description": "Names one life of the sender's outbox; random, never used again.",
            },
            "seq": seq,
            "floor": {**sequence, "description": "The lowest number the sender can still send; not above seq."},
            "head": {**sequence, "description": "The highest number it has; above seq while more is waiting."},
            "again": {
                "enum": ["0", "1"],
                "description": "1: renumbered into a new epoch, may be stored already under its old number.",
            },
            "offset": {
                "type": "string",
                "pattern": r"^-?[0-9]{1,19}$",
                "description": "Server's clock less device's clock, ms, for the clock segment of the report.",
            },
            "sent": {**sequence, "description": "The device's clock when it was published, ms; echoed by the ack."},
        },
        "dependentRequired": {
            name: ["epoch", "seq", "floor"] for name in ("epoch", "seq", "floor", "head", "again", "offset", "sent")
        },
    }


def device_schema() -> Schema:
    """The id of a device as it stands in a topic."""
    return {"type": "string", "pattern": f"^{DEVICE_FORM}$", "description": "Minted by the server (POST /devices)."}


def _described(name: str, part: Schema) -> Schema:
    """With the texts that stand under the fields; their docstrings are not kept at run time, so the source is read."""
    if "description" in part:
        part["description"] = _prose(part["description"])
    struct = _STRUCTS.get(name)
    if struct is not None:
        for field, text in _texts_under_fields(struct).items():
            part["properties"][field]["description"] = _prose(text)
    part.pop("title", None)
    return part


def _prose(text: str) -> str:
    """A docstring as others read it: Markdown, without the numbers of our own rules."""
    plain = re.sub(r" \(delivery \d+(, \d+)*\)", "", " ".join(text.split()))
    return plain.replace("``", "`").replace("None:", "null:")


def _all_structs() -> dict[str, type[Struct]]:
    found: dict[str, type[Struct]] = {}
    todo: list[Any] = list(MESSAGES.values())
    while todo:
        kind = todo.pop()
        if isinstance(kind, type) and issubclass(kind, Struct):
            if kind.__name__ not in found:
                found[kind.__name__] = kind
                todo += [field.type for field in fields(kind)]
        else:
            todo += getattr(kind, "__args__", ())
    return found


_STRUCTS: Final = _all_structs()


def _texts_under_fields(struct: type[Struct]) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _say_more_of_readings(readings: Schema) -> None:
    """What the codec checks by itself, and not by the types, for speed."""
    properties = readings["properties"]
    properties["metric"]["items"] = {"type": "string", "pattern": get_args(Name)[1].pattern}
    properties["metric"]["description"] = "Names of signals, as the catalog of the device's model has them."
    properties["unit"]["anyOf"][0]["items"] = {"type": "string", "pattern": f"^{codec.UNIT_FORM}$"}
    readings["description"] += f" At most {MAX_READINGS} over all items of a report."


def _portable(schema: Any) -> Any:
    """Patterns as every regular expression engine reads them, and no keyword that JSON Schema doesn't know."""
    if isinstance(schema, dict):
        return {
            key: _pattern(value) if key == "pattern" and isinstance(value, str) else _portable(value)
            for key, value in schema.items()
            if key != "discriminator"
        }
    if isinstance(schema, list):
        return [_portable(each) for each in schema]
    return schema


def _pattern(pattern: str) -> str:
    return re.sub(r"\\Z\Z", "$", pattern).replace(r"\s", _SPACES)
