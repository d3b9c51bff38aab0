"""YAML with places: parses a file into nodes that keep line and column, within bounds.

Both the loader and the lint stand on it. A catalog file may come from outside, so it is small, has no aliases
(expanded, they could fill the memory, and `extends` does what they would do), and no key twice (YAML would silently
keep the last).
"""

import re
from pathlib import Path
from typing import Final

import yaml

from catalog.errors import CatalogError

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 20

_LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it


def read(path: Path) -> tuple[yaml.Node, object]:
    """The node tree of a file and its value.

    Raises CatalogError with the place: unreadable, too big, not UTF-8, not YAML, an alias, a key twice, nested deeper
    than MAX_DEPTH, empty.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CatalogError(file=path, what=f"can't be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise CatalogError(file=path, what=f"is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogError(file=path, line=line, column=1, what="is not UTF-8") from error
    try:
        _bounds(path, text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise CatalogError(file=path, line=1, column=1, what="is empty")
            _keys(path, node)
            return node, loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"is not YAML: {error.problem or error.context}"
        if mark is None:
            raise CatalogError(file=path, what=what) from error
        raise CatalogError(file=path, line=mark.line + 1, column=mark.column + 1, what=what) from error
    except (yaml.YAMLError, ValueError) as error:  # a control character; a date of month 13
        raise CatalogError(file=path, what=f"is not YAML: {' '.join(str(error).split())}") from error


def _bounds(path: Path, text: str) -> None:
    """Before composing: libyaml's composer recurses in C, and 100,000 brackets overflow the stack of the process."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise at(path, event, f"is nested deeper than {MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise at(path, event, "an alias (*) stands here; write it out, or put it into a base and extend that")


def _keys(path: Path, root: yaml.Node) -> None:
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise at(path, key, "a key must be a word")
                if key.value in first:
                    raise at(path, key, f"key '{key.value}' stands twice, first in line {first[key.value]}")
                first[key.value] = key.start_mark.line + 1
                stack.append(value)


def place(node: yaml.Node | yaml.Event) -> tuple[int, int]:
    """Line and column of a node, from 1."""
    mark = node.start_mark
    return (0, 0) if mark is None else (mark.line + 1, mark.column + 1)


def at(path: Path, node: yaml.Node | yaml.Event, what: str) -> CatalogError:
    """An error that points at a node or event."""
    line, column = place(node)
    return CatalogError(file=path, line=line, column=column, what=what)


KeyPath = tuple[str | int, ...]

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def key_path(text: str) -> KeyPath:
    """The path that msgspec writes as `$.faults[3].code`, up to the first key that it doesn't name (`[...]`)."""
    named = text.partition("[...]")[0].rstrip("`")
    return tuple(name or int(index) for name, index in _STEP.findall(named))


def locate(root: yaml.Node, path: KeyPath, *, key: bool = False) -> yaml.Node:
    """The node at a path, or the nearest one above it that is there.

    Of a block the key that stands before it, since that is the line to look at; with `key` of every value.
    """
    node = shown = root
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((name, value) for name, value in node.value if name.value == step), None)
            if pair is None:
                break
            node = pair[1]
            shown = node if isinstance(node, yaml.ScalarNode) and not key else pair[0]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = shown = node.value[step]
        else:
            break
    return shown
