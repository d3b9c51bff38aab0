"""The committed schemas and the AsyncAPI document say what the codec does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct, to_builtins

from tests.fixtures.npm import installed
from wire import examples
from wire.codec import decode_ack, decode_command, decode_report, decode_will
from wire.contract import FOLDER, files, main
from wire.errors import WireError
from wire.jsonschema import MESSAGES, codec_body, numbers_schema
from wire.report import parse_numbers

DECODE: Final[dict[str, Callable[[bytes], Struct]]] = {
    "report": decode_report,
    "command": decode_command,
    "ack": decode_ack,
    "will": decode_will,
}
SCHEMAS: Final = {name: json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")) for name in MESSAGES}
VALIDATORS: Final = {name: jsonschema_rs.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
DOCUMENT: Final = json.loads((FOLDER / "asyncapi.json").read_text(encoding="utf-8"))
GOOD: Final = [(name, to_builtins(message)) for name, struct in MESSAGES.items() for message in examples.of(struct)]


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_committed_is_what_the_structs_say(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "run `python -m wire.contract --write`"


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.count("\n") == len(files())
    assert main(["--nonsense"]) == 2


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one(name: str) -> None:
    jsonschema_rs.meta.validate(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"].endswith("2020-12/schema")
    assert SCHEMAS[name]["description"]
    for text in walk(SCHEMAS[name]):
        if isinstance(text, dict) and isinstance(text.get("pattern"), str):
            assert "\\Z" not in text["pattern"], "no regular expression of JSON Schema"
            assert "\\s" not in text["pattern"], "engines differ in it"


def test_every_kind_of_item_is_shown() -> None:
    shown = {item["t"] for report in SCHEMAS["report"]["examples"] for item in report["items"]}
    parts = [part.get("properties", {}) for part in SCHEMAS["report"]["$defs"].values()]
    kinds = {part["t"]["enum"][0] for part in parts if "t" in part}
    assert shown == kinds


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_example_is_valid_and_understood(name: str) -> None:
    for shown in SCHEMAS[name]["examples"]:
        VALIDATORS[name].validate(shown)
        DECODE[name](json.dumps(shown).encode())


# The schema and the codec against each other --------------------------------------------------------------------------

EDGES: Final[list[Any]] = [
    *(None, True, -1, 0, 0.5, 1, 2, 3, 86_400, 86_401, 2**53, 2**53 + 1, 2**64),
    *(253_402_300_799_999, 253_402_300_800_000, -253_402_300_799_999, -253_402_300_800_000),
    *("", "a", "A", "a b", " a", "a ", "a\n", "\ufeff", "\ufeffa", "a\x1c", "\u3000a", "\u00e9", "_", "-", "a/b"),
    *("\U0001f600", "\ud7ff", "\ue000", "\u009f", "\u00a0a", "a\u00ad"),
    *("live", "active", "done", "run", "readings", "0" * 32, "0" * 33),
    *("x" * length for length in (7, 8, 24, 25, 32, 33, 40, 41, 48, 49, 64, 65)),
    *([], [1], ["a"], ["A"], [None], [[]], [0] * 10_001, [{"t": "heartbeat", "at": 1}] * 1000),
    *({}, {"a": 1}, {"a": "b"}, {"A": 1}, {"a": None}, {"t": "announce"}, {f"k{number}": 1 for number in range(65)}),
]  # fmt: skip
"""Values at and beyond the bounds of every field."""
_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def places(message: Any) -> list[tuple[int, Any]]:
    """Every value inside a message: which of its parts, in the order of `walk`, and the key there."""
    return [
        (number, key)
        for number, part in enumerate(walk(message))
        if isinstance(part, dict | list)
        for key in (list(part) if isinstance(part, dict) else range(len(part)))
    ]


def twisted(good: Any, place: tuple[int, Any], junk: Any, *, drop: bool = False) -> Any:
    """A copy of a good message with one value replaced or gone."""
    bad = json.loads(json.dumps(good))
    part = list(walk(bad))[place[0]]
    if drop:
        del part[place[1]]
    else:
        part[place[1]] = junk
    return bad


def beyond_a_schema(message: Any) -> bool:
    """What no schema can say and the codec refuses: columns of unequal length."""
    columns = ("metric", "value", "dt", "unit", "quality")
    return any(
        len({len(item[column]) for column in columns if isinstance(item.get(column), list)}) > 1
        for item in walk(message)
        if isinstance(item, dict) and item.get("t") == "readings"
    )


def has_whole_float(message: Any) -> bool:
    """JSON Schema takes 1.0 for an integer, the codec only where a number may have a fraction."""
    return any(isinstance(part, float) and part.is_integer() for part in walk(message))


def agree(name: str, message: Any) -> None:
    try:
        DECODE[name](json.dumps(message).encode())
    except WireError:
        if VALIDATORS[name].is_valid(message):
            assert beyond_a_schema(message) or has_whole_float(message), "the codec refuses it, the schema does not"
    else:
        assert VALIDATORS[name].is_valid(message), "the codec takes it, the schema does not"


@pytest.mark.parametrize(("name", "message"), GOOD, ids=[f"{n}-{name}" for n, (name, _) in enumerate(GOOD)])
def test_schema_and_codec_agree_at_the_bounds_of_every_field(name: str, message: Any) -> None:
    for place in places(message):
        agree(name, twisted(message, place, None, drop=True))
        for edge in EDGES:
            agree(name, twisted(message, place, edge))


@given(st.data(), st.sampled_from(GOOD), _junk)
def test_schema_and_codec_agree_on_anything(data: st.DataObject, good: tuple[str, Any], junk: Any) -> None:
    name, message = good
    agree(name, twisted(message, data.draw(st.sampled_from(places(message))), junk))


_texts = st.text(max_size=4) | st.sampled_from(["0", "1", "2", "-5", "01", "abcdefgh", "９", "9" * 20, "yes"])


@given(st.dictionaries(st.sampled_from(["epoch", "seq", "floor", "head", "again", "offset", "sent", "x"]), _texts))
@example({"epoch": "abcdefgh", "seq": "2", "floor": "1", "head": "2", "again": "1", "offset": "-5", "sent": "0"})
@example({"again": "0"})
def test_the_schema_of_the_numbers_takes_what_ingest_takes(properties: dict[str, str]) -> None:
    try:
        parse_numbers(properties.items())
    except WireError as error:
        told = error.detail.startswith(("is outside", "is above", "is below"))
        assert told or not NUMBERS.is_valid(properties)
    else:
        assert NUMBERS.is_valid(properties)


NUMBERS: Final = jsonschema_rs.Draft202012Validator(numbers_schema())


# AsyncAPI -------------------------------------------------------------------------------------------------------------


def resolve(reference: str) -> Any:
    place, _, pointer = reference.partition("#")
    found = json.loads((FOLDER / place).read_text(encoding="utf-8")) if place else DOCUMENT
    for step in pointer.split("/")[1:]:
        found = found[step]
    return found


def test_every_reference_leads_somewhere() -> None:
    found = [part["$ref"] for part in walk(DOCUMENT) if isinstance(part, dict) and "$ref" in part]
    assert found
    for reference in found:
        assert resolve(reference)


def test_the_document_is_of_asyncapi_s_own_schema() -> None:
    folder = installed(
        "asyncapi",
        source=Path(__file__).parent / "asyncapi_npm",
        files=("package.json", "package-lock.json"),
        part="AsyncAPI's JSON Schema",
    )
    version = DOCUMENT["asyncapi"]
    file = folder / "node_modules" / "@asyncapi" / "specs" / "schemas" / f"{version}-without-$id.json"
    schema = jsonschema_rs.Draft7Validator(json.loads(file.read_text(encoding="utf-8")))
    assert [f"{error.instance_path}: {error.message}"[:300] for error in schema.iter_errors(DOCUMENT)] == []
    for part in ("channels", "operations", "servers"):
        assert not schema.is_valid({**DOCUMENT, part: {"x": {"unheard-of": 1}}}), "it looks into them"


def test_every_topic_of_a_device_is_a_channel_and_every_channel_is_used() -> None:
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    assert addresses == {
        f"steth/1/{{bucket}}/{{device}}/{end}" for end in ("live", "bulk", "will", "down/ack", "down/command")
    }
    used = {operation["channel"]["$ref"].rpartition("/")[2] for operation in DOCUMENT["operations"].values()}
    assert used == set(DOCUMENT["channels"])
    for channel in DOCUMENT["channels"].values():
        assert set(channel["parameters"]) == {"bucket", "device"}


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["messages"]))
def test_every_message_of_the_document_is_understood(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    schema = message["payload"]["schema"]["$ref"].removeprefix("./").removesuffix(".schema.json")
    assert message["examples"]
    for shown in message["examples"]:
        VALIDATORS[schema].validate(shown["payload"])
        DECODE[schema](json.dumps(shown["payload"]).encode())
        if "headers" in shown:
            jsonschema_rs.Draft202012Validator(message["headers"]).validate(shown["headers"])
            assert parse_numbers(shown["headers"].items())


def test_the_will_of_the_servers_binding_is_a_will() -> None:
    for server in DOCUMENT["servers"].values():
        decode_will(server["bindings"]["mqtt"]["lastWill"]["message"].encode())


def test_bodies_are_those_of_the_codec() -> None:
    for name, struct in MESSAGES.items():
        for message in examples.of(struct):
            assert DECODE[name](codec_body(message)) == message
