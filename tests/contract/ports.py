"""The ports of the rooms, and the classes that can stand behind each, found in the source."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = (
    "wire",
    "catalog",
    "agent",
    "sim",
    "store",
    "people",
    "ingest",
    "alerts",
    "desk",
    "remote",
    "api",
    "steth",
)


class Class(Struct, frozen=True):
    """A class by its dotted name; its methods with the names of what they take, and what else it has."""

    name: str
    bases: frozenset[str]
    methods: dict[str, tuple[str, ...]]
    others: frozenset[str]

    def can_be(self, port: "Class") -> bool:
        """Whether it has all of a port's members, as the port spells them."""
        return all(self.methods.get(name) == takes for name, takes in port.methods.items()) and all(
            name in self.others for name in port.others
        )


@cache
def classes() -> list[Class]:
    """All of the rooms and the tests."""
    return [
        found
        for top in (*ROOMS, "tests", "bench")
        for path in sorted((ROOT / top).rglob("*.py"))
        for found in _in(path)
    ]


def ports() -> list[Class]:
    """The rooms' protocols."""
    return [one for one in classes() if "Protocol" in one.bases and one.name.split(".")[0] in ROOMS]


def _in(path: Path) -> Iterator[Class]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield Class(
                f"{module}.{node.name}",
                frozenset(ast.unparse(base).partition("[")[0] for base in node.bases),
                dict(_methods(node)),
                frozenset(_others(node)),
            )


def _methods(node: ast.ClassDef) -> Iterator[tuple[str, tuple[str, ...]]]:
    for one in node.body:
        if (
            isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            and not one.name.startswith("_")
            and not _is_property(one)
        ):
            yield one.name, tuple(arg.arg.lstrip("_") for arg in (*one.args.args[1:], *one.args.kwonlyargs))


def _others(node: ast.ClassDef) -> Iterator[str]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id
        elif isinstance(one, ast.Assign):
            yield from (target.id for target in one.targets if isinstance(target, ast.Name))
        elif isinstance(one, ast.FunctionDef) and _is_property(one):
            yield one.name
        elif isinstance(one, ast.FunctionDef) and one.name == "__init__":
            for inner in ast.walk(one):
                if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                    yield inner.attr


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list)
